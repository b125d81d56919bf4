/** Everything the rules of server mode look at. */
import type { BootClient } from "./boot-client.ts";
import type { Client, ReservationView } from "./client.ts";
import type { ClientRequest } from "./client-request.ts";
import type { LeaseView } from "./lease.ts";
import type { NetworkPlan } from "./network-plan.ts";
import type { Place } from "./place.ts";
import type { DhcpRules } from "./rules.ts";

/** A request of a client whose identity passed the gate. */
export interface Situation {
  readonly request: ClientRequest;
  readonly client: Client;
  readonly boot: BootClient | undefined;
  readonly plan: NetworkPlan;
  readonly rules: DhcpRules;
  /** Lease time, epoch milliseconds. */
  readonly now: number;
  readonly leases: LeaseView;
  readonly reservations: ReservationView;
}

/** The same, once it is known where the client is. */
export interface PlacedSituation extends Situation {
  readonly place: Place;
}
