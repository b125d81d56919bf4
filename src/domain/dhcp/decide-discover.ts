/** DISCOVER: an offer, or with rapid commit a lease at once. */
import { MESSAGE_TYPE, OPTION } from "../../protocol/dhcp/option-codes.ts";
import { addressReply } from "./build-reply.ts";
import { chooseAddress } from "./choose-address.ts";
import { type Decision, ignore } from "./decision.ts";
import type { LeaseChange } from "./lease.ts";
import { leaseChanges } from "./lease-changes.ts";
import { leaseTimes } from "./lease-time.ts";
import type { PlacedSituation } from "./situation.ts";

/** Decides a DISCOVER; one that names a server is a violation of RFC 2131 table 5. */
export function decideDiscover(situation: PlacedSituation): Decision {
  const { request, rules, client } = situation;
  if (request.packet.options.has(OPTION.serverId)) return ignore("discover-names-server");
  const choice = chooseAddress(situation);
  if (choice.kind === "none") return ignore(choice.reason);
  const { address, subnet, because, fresh } = choice;
  const times = leaseTimes(request.packet.options.u32(OPTION.leaseTime), rules, client);
  const common = { kind: "lease", subnet, yiaddr: address, times, because, fresh } as const;
  if (rules.rapidCommit && request.packet.options.has(OPTION.rapidCommit)) {
    const changes = leaseChanges(situation, choice, times);
    return addressReply(situation, { ...common, type: MESSAGE_TYPE.ack, changes, rapidCommit: true });
  }
  const { segment } = subnet;
  const hold: readonly LeaseChange[] = choice.needsHold
    ? [{ kind: "hold", hold: { address, client: choice.key, segment } }]
    : [];
  return addressReply(situation, { ...common, type: MESSAGE_TYPE.offer, changes: hold });
}
