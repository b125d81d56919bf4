/** What applying does, as lines for people. */
import type { ApplyPlanView } from "../adapters/client/resources.ts";
import { formatFault } from "./fault-text.ts";
import type { Session } from "./session.ts";
import type { Style } from "./style.ts";
import { printable } from "./table.ts";

type Change = ApplyPlanView["machines"][number]["changes"][number];

/** Every document and machine that changes, one below the other; of machines also what they will get. */
export function planLines(plan: ApplyPlanView, style: Style): readonly string[] {
  const documents = plan.resources
    .filter(({ action }) => action !== "unchanged")
    .flatMap(({ kind, name, action, changes }) => [
      `${style.bold(`${kind} ${name}`)}: ${ACTIONS[action]}`,
      ...changes.map(changeLine),
    ]);
  const machines = plan.machines
    .filter(({ action }) => action !== "unchanged")
    .flatMap(({ name, action, state, changes, serves, installs, wipes, joins }) => [
      `${style.bold(`machine ${name}`)}: ${ACTIONS[action]}${state === undefined ? "" : `, now ${state}`}`,
      ...changes.map(changeLine),
      `    next boot  ${serves}`,
      `    installs   ${installs}`,
      `    wipes      ${wipes}`,
      `    joins      ${joins}`,
    ]);
  return [...documents, ...machines];
}

/** Warnings on stderr, the plan on stdout; `nothing` is said when there is nothing to do. */
export async function printPlan(
  session: Session,
  plan: ApplyPlanView,
  { nothing }: { readonly nothing: string },
): Promise<void> {
  for (const warning of plan.warnings) session.warn(formatFault(warning));
  if (await session.printWhole(plan)) return;
  const lines = planLines(plan, session.style);
  for (const line of lines) session.data(line);
  if (lines.length === 0) session.say(nothing);
}

const ACTIONS: Readonly<Record<ApplyPlanView["machines" | "resources"][number]["action"], string>> = {
  create: "new",
  change: "changed",
  unchanged: "unchanged",
  delete: "deleted",
  register: "registered",
  forget: "forgotten",
};

function changeLine({ path, before, after }: Change): string {
  return `    ${path}: ${valueText(before)} → ${valueText(after)}`;
}

function valueText(value: unknown): string {
  if (value === undefined) return "nothing";
  const text = printable(typeof value === "string" ? value : JSON.stringify(value));
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}
