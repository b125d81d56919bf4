/** A packet with everything looked up about it. */
import type { ClientRequest } from "../../domain/dhcp/client-request.ts";
import type { Machine } from "../../domain/machine.ts";
import type { LeaseTime } from "./lease-clock.ts";

export interface Question {
  readonly request: ClientRequest;
  readonly machine: Machine | undefined;
  /** Name of the client: its MAC where it has one. */
  readonly label: string;
  /** Where the datagram came from, as text. */
  readonly source: string;
  readonly time: LeaseTime;
  /** Monotonic milliseconds. */
  readonly receivedAt: number;
}
