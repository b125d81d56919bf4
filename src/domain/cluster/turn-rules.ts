/**
 * Who may initialise, who may join, who waits: one table, tried from top to bottom; the first rule that fits decides.
 * A cluster is initialised once in its life. What is ambiguous is resolved by asking the cluster, never by guessing.
 */
import type { TurnDecision, TurnFacts } from "./turn-facts.ts";
import type { TurnRule } from "./turn-rule.ts";
import { GATE_RULES } from "./turn-rules-gate.ts";
import { INIT_RULES } from "./turn-rules-init.ts";
import { JOIN_RULES } from "./turn-rules-join.ts";

/** The rules in the order in which they are tried. */
export const TURN_RULES: readonly TurnRule[] = [...GATE_RULES, ...INIT_RULES, ...JOIN_RULES];

/** What the first rule that fits these facts decides. */
export function decideTurn(facts: TurnFacts): TurnDecision {
  for (const rule of TURN_RULES) {
    if (rule.when(facts)) return rule.then(facts);
  }
  throw new Error("the last rule of the table fits every case");
}
