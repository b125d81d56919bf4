/** keepalived: which of the balancing machines holds the endpoint's address. */
import { type EndpointSpec, routerIdOf } from "../cluster/endpoint-spec.ts";
import type { ClusterMember, ClusterView } from "../cluster/members.ts";
import { balancingMembers } from "./endpoint-hosts.ts";

export const CHECK_SCRIPT = "/usr/local/lib/muster/check-endpoint";
const HIGHEST = 150;

interface Candidate {
  readonly endpoint: EndpointSpec;
  readonly cluster: ClusterView;
  readonly member: ClusterMember;
}

/** Machines in the order in which they should hold the address: the preferred one, then by name. */
function candidates({ endpoint, cluster }: Candidate): readonly ClusterMember[] {
  const members = balancingMembers(cluster);
  const preferred = members.filter(({ name }) => name === endpoint.vrrp.preferred);
  return [...preferred, ...members.filter(({ name }) => name !== endpoint.vrrp.preferred)];
}

/**
 * keepalived.conf. Every machine starts as BACKUP (only then is `nopreempt` heard). A failed check costs more than the
 * whole span of priorities, or puts the machine out of the running where nobody preempts.
 */
export function keepalivedConfig(candidate: Candidate): string {
  const { endpoint, cluster, member } = candidate;
  const { vrrp } = endpoint;
  const order = candidates(candidate);
  const rank = order.findIndex(({ name }) => name === member.name);
  const weight = vrrp.preempt ? -(order.length + 9) : 0;
  return `${[
    "global_defs {",
    `  router_id ${member.name}`,
    "  enable_script_security",
    "  script_user root",
    // Passwords exist in VRRP version 2 only.
    `  vrrp_version ${vrrp.password ? 2 : 3}`,
    "  vrrp_garp_master_refresh 60",
    "}",
    "",
    "vrrp_script endpoint {",
    `  script "${CHECK_SCRIPT}"`,
    "  interval 2",
    "  timeout 6",
    "  fall 2",
    "  rise 2",
    `  weight ${weight}`,
    "}",
    "",
    `vrrp_instance ${cluster.name} {`,
    "  state BACKUP",
    ...(vrrp.preempt ? [] : ["  nopreempt"]),
    "  interface @INTERFACE@",
    `  virtual_router_id ${routerIdOf(endpoint)}`,
    `  priority ${HIGHEST - rank}`,
    `  advert_int ${vrrp.advertSeconds}`,
    ...(vrrp.password
      ? ["  authentication {", "    auth_type PASS", `    auth_pass ${vrrp.password}`, "  }"]
      : []),
    ...unicast(candidate, order),
    "  virtual_ipaddress {",
    `    ${endpoint.address}/32 dev @INTERFACE@`,
    "  }",
    "  track_script {",
    "    endpoint",
    "  }",
    "}",
  ].join("\n")}\n`;
}

function unicast({ endpoint, member }: Candidate, order: readonly ClusterMember[]): readonly string[] {
  const peers = order.filter(({ name }) => name !== member.name);
  if (endpoint.vrrp.mode === "multicast" || peers.length === 0) return [];
  return [
    `  unicast_src_ip ${member.address}`,
    "  unicast_peer {",
    ...peers.map(({ address }) => `    ${address}`),
    "  }",
  ];
}

/**
 * The check: this machine is unfit when nothing listens here, or when it reaches no API server while another machine
 * does. Before the first API server is there all are equally fit, so that the address is somewhere when it comes.
 */
export function checkScript({ endpoint, cluster, member }: Candidate): string {
  const peers = balancingMembers(cluster).filter(({ name }) => name !== member.name);
  const asked = endpoint.bind === "address" ? [] : peers.map(({ address }) => address);
  const here = endpoint.bind === "address" ? endpoint.address : "127.0.0.1";
  return `#!/bin/sh
# For keepalived: whether this machine is fit to hold ${endpoint.address}.
ready() {
	curl -skfo /dev/null --connect-timeout 1 --max-time 2 "https://$1:${endpoint.port}/readyz"
}
ss -Hltn "sport = :${endpoint.port}" | grep -q . || exit 1
if ready ${here}; then exit 0; fi
for peer in ${asked.join(" ")}; do
	if ready "$peer"; then exit 1; fi
done
exit 0
`.replace('for peer in ; do\n\tif ready "$peer"; then exit 1; fi\ndone\n', "");
}
