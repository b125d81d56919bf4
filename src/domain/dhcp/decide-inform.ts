/** INFORM: options for a client that has its address from elsewhere (RFC 2131 §4.3.5). */
import { ANY } from "../../net/ipv4.ts";
import { FLAG_BROADCAST, MESSAGE_TYPE, OPTION } from "../../protocol/dhcp/option-codes.ts";
import { DhcpOptions } from "../../protocol/dhcp/options.ts";
import { addressReply } from "./build-reply.ts";
import { type Decision, NO_CHANGES } from "./decision.ts";
import type { PlacedSituation } from "./situation.ts";

/**
 * Answers with options and no lease. A reply straight to the client shows no trace of the relay; one through the relay
 * asks for a broadcast, because the relay cannot know the client's address.
 */
export function decideInform(situation: PlacedSituation): Decision {
  const { request, place } = situation;
  const decision = addressReply(situation, {
    type: MESSAGE_TYPE.ack,
    kind: "inform",
    subnet: place.home,
    yiaddr: ANY,
    times: undefined,
    because: "options for an address from elsewhere",
    changes: NO_CHANGES,
    fresh: false,
  });
  if (decision.kind === "ignore" || request.packet.giaddr === ANY) return decision;
  const { packet } = decision;
  if (request.ciaddr === ANY)
    return { ...decision, packet: { ...packet, flags: packet.flags | FLAG_BROADCAST } };
  const options = new Map(packet.options.entries());
  options.delete(OPTION.relayAgent);
  return { ...decision, packet: { ...packet, giaddr: ANY, options: new DhcpOptions(options) } };
}
