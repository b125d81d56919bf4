/** Which pod network lies behind which node, for clusters that route pods without an overlay. */

export interface PeerRoute {
  /** Pod network of one node, like `10.200.1.0/24`. */
  readonly cidr: string;
  /** The node's own address. */
  readonly via: string;
}

export interface PeerRoutes {
  /** The routes of a cluster by address; empty until its nodes have pod networks. */
  routesOf(cluster: string): readonly PeerRoute[];
}
