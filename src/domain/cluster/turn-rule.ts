/** What one rule about turns is made of. */
import type { TurnDecision, TurnFacts } from "./turn-facts.ts";

/** Rules are tried from top to bottom; the first that fits decides. */
export interface TurnRule {
  /** In which case the rule is meant. */
  readonly case: string;
  readonly when: (facts: TurnFacts) => boolean;
  readonly then: (facts: TurnFacts) => TurnDecision;
}

/** When to ask again, in seconds: somebody is at work, something is missing, a person is needed. */
export const SOON = 2;
export const LATER = 15;
export const PERSON = 60;

/** The answer that it is not the asker's turn now. */
export function wait(reason: string, retrySeconds: number): TurnDecision {
  return { action: "wait", reason, retrySeconds };
}

/** A turn that is to move on, once what its holder half joined was removed. */
export function expire(turn: { readonly machine: string } | undefined): TurnDecision {
  const machine = turn?.machine ?? "";
  return { action: "expire", machine, reason: `${machine} did not join in time` };
}
