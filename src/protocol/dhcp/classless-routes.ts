/** Option 121: routes with a prefix length (RFC 3442). */
import { type Ipv4, ipv4ToBytes } from "../../net/ipv4.ts";
import type { Subnet } from "../../net/subnet.ts";

export interface Route {
  readonly to: Subnet;
  readonly via: Ipv4;
}

/** The value of option 121: prefix length, the octets of the network that it covers, gateway, and so on. */
export function encodeClasslessRoutes(routes: readonly Route[]): Uint8Array {
  return Buffer.concat(
    routes.flatMap(({ to, via }) => [
      Uint8Array.of(to.prefix),
      ipv4ToBytes(to.network).subarray(0, Math.ceil(to.prefix / 8)),
      ipv4ToBytes(via),
    ]),
  );
}
