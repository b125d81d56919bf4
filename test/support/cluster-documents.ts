/** Documents for tests: a cluster that is right, and ways to make it wrong in one place. */
import { type Judgement, judgeClusters } from "../../src/domain/cluster/cluster-faults.ts";
import type { RackFacts } from "../../src/domain/cluster/finding.ts";
import { resolveResources } from "../../src/domain/cluster/resource-set.ts";
import type { SubnetSettings } from "../../src/domain/dhcp/network-config.ts";
import { readDocuments } from "../../src/services/resources/read-documents.ts";

export const RACK_NETWORK: SubnetSettings = {
  cidr: "10.20.0.0/24",
  router: "10.20.0.1",
  dns: ["10.20.0.1"],
  ntp: [],
  pools: [{ from: "10.20.0.100", to: "10.20.0.199", clients: "any" }],
  relays: [],
  routes: [],
};

export const RACK: RackFacts = { mode: "proxy", address: "10.20.0.2", subnets: [RACK_NETWORK] };

/** Three control planes and two workers behind a VIP: 24 lines, the lines of `spec` counted from 5. */
export const CLUSTER = `apiVersion: muster/v1
kind: Cluster
metadata: { name: lab }
spec:
  endpoint: { address: 10.20.0.9, port: 8443 }
  network: { podCIDR: 10.244.0.0/16, serviceCIDR: 10.96.0.0/12 }
  machines:
    - names: kube#
      first: 0
      roles: [control-plane]
      addresses: 10.20.0.10-10.20.0.12
      macs:
        - 52:54:00:12:34:01
        - 52:54:00:12:34:02
        - 52:54:00:12:34:03
    - names: work#
      first: 0
      roles: [worker]
      addresses: 10.20.0.20
      macs: ["52:54:00:12:34:11", "52:54:00:12:34:12"]
`;

/** Reads, resolves and judges one text. What cannot be read or resolved comes back as faults too. */
export function judgeText(text: string, facts: Partial<RackFacts> = {}): Judgement {
  const { resources, faults } = readDocuments([{ name: "rack.yaml", text }]);
  const set = resolveResources(resources);
  const all = [...faults, ...set.faults];
  if (all.length > 0) return { faults: all, warnings: [] };
  return judgeClusters(set, { facts: { ...RACK, ...facts }, others: [] });
}

/** `line: message` of each fault. */
export function told(faults: Judgement["faults"]): readonly string[] {
  return faults.map(({ line, path, message }) => `${line ?? "-"}: ${path}: ${message}`);
}
