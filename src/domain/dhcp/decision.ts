/** What the rules decide about one packet. */
import type { Ipv4 } from "../../net/ipv4.ts";
import type { EncodeLimits } from "../../protocol/dhcp/encode-packet.ts";
import type { DhcpPacket } from "../../protocol/dhcp/packet.ts";
import { IGNORE_REASONS, type IgnoreReason } from "./ignore-reason.ts";
import type { LeaseChange } from "./lease.ts";
import type { Destination } from "./reply-destination.ts";

export interface ReplyDecision {
  readonly kind: "reply";
  readonly packet: DhcpPacket;
  readonly limits: EncodeLimits;
  readonly to: Destination;
  readonly because: string;
  readonly changes: readonly LeaseChange[];
  /** File or URL offered, when the client boots. */
  readonly bootFile: string | undefined;
  /** The address is new to this client and may be pinged before it is offered. */
  readonly fresh: boolean;
}

export interface IgnoreDecision {
  readonly kind: "ignore";
  readonly reason: IgnoreReason;
  readonly because: string;
  readonly changes: readonly LeaseChange[];
  /** The address concerned, where there is one. */
  readonly address: Ipv4 | undefined;
}

export type Decision = ReplyDecision | IgnoreDecision;

export const NO_CHANGES: readonly LeaseChange[] = [];

/** A decision not to answer; the sentence of the reason is used unless a better one is given. */
export function ignore(
  reason: IgnoreReason,
  details: {
    readonly because?: string;
    readonly changes?: readonly LeaseChange[];
    readonly address?: Ipv4;
  } = {},
): IgnoreDecision {
  return {
    kind: "ignore",
    reason,
    because: details.because ?? IGNORE_REASONS[reason],
    changes: details.changes ?? NO_CHANGES,
    address: details.address,
  };
}
