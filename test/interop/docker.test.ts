/** The image: built as in CI, without an engine, and serving a DHCP client written by others. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { dhcpLab } from "../support/dhcp-lab.ts";
import { buildImage, Container, inspectImage } from "../support/image.ts";
import { needsPrograms, needsRoot } from "../support/netns.ts";

test("the image is built on a Debian base, runs as no root, and serves a DHCP client", async (t) => {
  if (needsRoot(t) || needsPrograms(t, "buildah", "mmdebstrap", "busybox", "npm")) return;
  const obstacle = await buildImage();
  if (obstacle !== undefined) {
    t.skip(obstacle);
    return;
  }

  const { config } = (await inspectImage()).Docker;
  assert.equal(config["User"], "muster");
  assert.deepEqual(config["Entrypoint"], ["muster"]);
  assert.deepEqual(config["Cmd"], ["serve"]);
  assert.deepEqual(config["Volumes"], { "/var/lib/muster": {} });
  assert.deepEqual((config["Healthcheck"] as { Test: unknown }).Test, ["CMD", "muster", "status", "--quiet"]);
  const labels = config["Labels"] as Readonly<Record<string, string>>;
  assert.equal(labels["org.opencontainers.image.licenses"], "Apache-2.0");

  const lab = await dhcpLab(t, { withoutAppliance: true });
  const container = await Container.create(lab.server);
  t.after(() => container.remove());
  assert.match((await container.run(["id", "-u"])).stdout, /^10001$/m);
  const daemon = container.spawn(["muster", "serve"], {
    MUSTER_NETWORK_INTERFACE: "br0",
    MUSTER_NETWORK_SUBNETS: "[{ cidr: 10.80.0.0/24, pools: [{ from: 10.80.0.100, to: 10.80.0.150 }] }]",
    MUSTER_DHCP_MODE: "server",
    MUSTER_ASSETS_OFFLINE: "true",
  });
  await daemon.waitFor(/Muster serves:[^]*\n\n/);
  assert.doesNotMatch(daemon.output(), /degraded/);

  const registered = await container.run(
    ["muster", "register", "52:54:00:00:20:01", "--name", "node", "--address", "10.80.0.42"],
    { timeout: 30_000 },
  );
  assert.equal(registered.code, 0, registered.stderr);
  const client = await lab.client("52:54:00:00:20:01");
  assert.equal((await client.udhcpc("-t", "5"))?.address, "10.80.0.42");
  const health = await container.run(["muster", "status", "--quiet"], { timeout: 30_000 });
  assert.equal(health.code, 0, health.stderr + health.stdout);
});
