/** Asks before something that cannot be taken back; without a terminal nobody is asked and nothing is done. */
import { createInterface } from "node:readline/promises";
import { Interrupted, UsageError } from "./exit.ts";
import type { Session } from "./session.ts";

/**
 * Returns when the answer is yes or was given beforehand by `--yes`.
 * @throws UsageError where nobody can be asked, Interrupted when the answer is anything else.
 */
export async function confirmed(
  session: Session,
  { question, yes }: { readonly question: string; readonly yes: boolean | undefined },
): Promise<void> {
  if (yes === true) return;
  if (!session.interactive) throw new UsageError("this needs --yes, because there is no terminal to ask on");
  const { stdin, stderr, interrupted } = session.terminal;
  const lines = createInterface({ input: stdin, output: stderr });
  try {
    const answer = await lines.question(`${question} [y/N] `, { signal: interrupted });
    if (/^y(es)?$/i.test(answer.trim())) return;
  } catch (error) {
    if (!interrupted.aborted) throw error;
  } finally {
    lines.close();
  }
  session.say("nothing was changed");
  throw new Interrupted("not confirmed");
}
