/** What giving an address away changes in the lease table. */
import { ANY } from "../../net/ipv4.ts";
import { OPTION } from "../../protocol/dhcp/option-codes.ts";
import { type ChosenAddress, leaseOfClient } from "./choose-address.ts";
import { isLive, type Lease, type LeaseChange } from "./lease.ts";
import type { LeaseTimes } from "./lease-time.ts";
import type { PlacedSituation } from "./situation.ts";

const PRINTABLE_NAME = /^[\x21-\x7e]{1,255}$/;

/** The new lease; a different one that the client had on this wire ends with it. */
export function leaseChanges(
  situation: PlacedSituation,
  choice: ChosenAddress,
  times: LeaseTimes,
): readonly LeaseChange[] {
  const { request, client, now } = situation;
  const { giaddr } = request.packet;
  const lease: Lease = {
    address: choice.address,
    client: choice.key,
    mac: client.mac,
    clientId: request.clientId,
    hostname: hostNameOf(situation),
    state: "bound",
    startsAt: now,
    expiresAt: now + times.seconds * 1000,
    giaddr: giaddr === ANY ? undefined : giaddr,
    circuitId: request.relay?.circuitId,
  };
  const earlier = leaseOfClient(situation);
  const moved = earlier && earlier.address !== choice.address && isLive(earlier, now);
  if (!moved) return [{ kind: "write", lease }];
  return [
    { kind: "write", lease: { ...earlier, state: "released", expiresAt: now } },
    { kind: "write", lease },
  ];
}

/** What the client calls itself; names that would need escaping somewhere are not kept. */
function hostNameOf({ request, client }: PlacedSituation): string | undefined {
  if (client.machine) return client.machine.name;
  const name = request.packet.options.text(OPTION.hostName);
  return name !== undefined && PRINTABLE_NAME.test(name) ? name : undefined;
}
