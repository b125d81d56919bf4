import assert from "node:assert/strict";
import { test } from "node:test";
import { clusterSpecSchema } from "../../../../src/domain/cluster/cluster-spec.ts";
import { homeNetwork } from "../../../../src/domain/cluster/home-network.ts";
import { RACK_NETWORK } from "../../../support/cluster-documents.ts";

const cluster = clusterSpecSchema.parse({
  network: { nodes: { cidr: "10.20.0.0/16", gateway: "10.20.0.254", dns: ["8.8.8.8"] } },
});

test("S3-07 gateway and name servers are the cluster's where it names them, not the appliance's", () => {
  const known = { cluster, subnets: [RACK_NETWORK] };
  assert.deepEqual(homeNetwork("10.20.0.10", known), {
    prefix: 16,
    gateway: "10.20.0.254",
    dns: ["8.8.8.8"],
  });
});

test("S3-07 without them they are those of the network that the appliance knows around the address", () => {
  const known = { cluster: undefined, subnets: [RACK_NETWORK] };
  assert.deepEqual(homeNetwork("10.20.0.10", known), {
    prefix: 24,
    gateway: "10.20.0.1",
    dns: ["10.20.0.1"],
  });
  assert.equal(homeNetwork("10.30.0.10", known), undefined);
  assert.equal(homeNetwork(undefined, known), undefined);
});
