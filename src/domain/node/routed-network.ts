/** The pod network without an overlay: a bridge per node; the routes between them come from the appliance. */
import type { ClusterSpec } from "../cluster/cluster-spec.ts";

/** Stands for the node's own part of the pod network, which only the cluster knows. */
const POD_CIDR = "@POD_CIDR@";

/** The conflist of the bridge, host-local and portmap plugins. */
export function routedConflist({ network }: Pick<ClusterSpec, "network">): string {
  const conflist = {
    cniVersion: "1.0.0",
    name: "muster",
    plugins: [
      {
        type: "bridge",
        bridge: "cni0",
        isGateway: true,
        hairpinMode: true,
        ...(network.mtu === undefined ? {} : { mtu: network.mtu }),
        ipam: {
          type: "host-local",
          ranges: [[{ subnet: POD_CIDR }]],
          routes: [{ dst: "0.0.0.0/0" }],
        },
      },
      { type: "portmap", capabilities: { portMappings: true } },
    ],
  };
  return `${JSON.stringify(conflist, null, 2)}\n`;
}
