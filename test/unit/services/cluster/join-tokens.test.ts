import assert from "node:assert/strict";
import { test } from "node:test";
import { JoinTokens } from "../../../../src/services/cluster/join-tokens.ts";
import type { ClusterAccess, KubernetesAccess } from "../../../../src/services/cluster/ports.ts";
import { startTurns } from "../../../support/turn-services.ts";

test("S4-10 what joining machines are shown is made true before one of them has a token", async () => {
  const { core, cluster, states } = await startTurns();
  const order: string[] = [];
  const kubernetes: Partial<KubernetesAccess> = {
    createBootstrapToken: ({ lifetimeMs }) => {
      order.push("token");
      return Promise.resolve({ id: "abcdef", token: "abcdef.0123456789abcdef", expiresAt: lifetimeMs });
    },
  };
  const access: Partial<ClusterAccess> = {
    kubernetes: () => Promise.resolve(kubernetes as KubernetesAccess),
  };
  const tokens = new JoinTokens({
    access: access as ClusterAccess,
    states,
    clock: core.clock,
    log: core.log,
    key: new Uint8Array(32),
    beforeJoin: ({ name }) => {
      order.push(`shown by ${name}`);
      return Promise.resolve();
    },
  });
  await tokens.mint(cluster, { machine: "work0", lifetimeMs: 1000 });
  assert.deepEqual(order, ["shown by lab", "token"]);
});
