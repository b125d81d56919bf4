/** What machines are told when they ask for their turn. */
import type { TurnAnswer } from "../../domain/cluster/turn-facts.ts";

/** What a machine is told, as it goes over the wire. */
export interface TurnReply {
  readonly action: TurnAnswer["action"] | "addons";
  readonly reason: string;
  /** When to ask again. */
  readonly retrySeconds?: number;
  /** kubeadm's token for this turn. */
  readonly token?: string;
  readonly role?: string;
  /** Epoch milliseconds; after it the turn may move on. */
  readonly deadline?: number;
}

/** What a machine was told last. */
export interface LastAnswer {
  readonly at: number;
  readonly action: TurnReply["action"];
  readonly reason: string;
}
