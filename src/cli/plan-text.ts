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
    .flatMap(({ name, action, state, changes, payload = [], ...machine }) => [
      `${style.bold(`machine ${name}`)}: ${ACTIONS[state ? action : "create"]}${state === undefined ? "" : `, now ${state}`}`,
      ...changes.map(changeLine),
      ...PROSPECTS.map(([label, key]) => `    ${label}  ${passage(machine.now?.[key], machine[key])}`),
      ...payloadLines(payload),
    ]);
  return [...documents, ...machines, ...elsewhere(plan, style), ...summary(plan)];
}

/** Machines that are as they were themselves and are given something else, those that are given the same together. */
function elsewhere({ machines }: ApplyPlanView, style: Style): readonly string[] {
  const given = machines.filter(({ action, payload = [] }) => action === "unchanged" && payload.length > 0);
  return [...Map.groupBy(given, ({ payload = [] }) => payload.join("\n")).values()].flatMap((same) => [
    `${style.bold(same.map(({ name }) => name).join(", "))}: unchanged, but given something else`,
    ...payloadLines(same[0]?.payload ?? []),
  ]);
}

function payloadLines(payload: readonly string[]): readonly string[] {
  return payload.map((line, index) => `    ${index === 0 ? "node     " : "         "}  ${printable(line)}`);
}

const PROSPECTS = [
  ["next boot", "serves"],
  ["installs ", "installs"],
  ["wipes    ", "wipes"],
  ["joins    ", "joins"],
] as const;

/** What is now and what will be, or that alone where nothing changes. */
function passage(now: string | undefined, then: string): string {
  return now === undefined || now === then ? then : `${now} → ${then}`;
}

/** `2 documents, 5 machines (4 new, 1 changed)`, where anything changes at all. */
function summary({ resources, machines }: ApplyPlanView): readonly string[] {
  const documents = resources.filter(({ action }) => action !== "unchanged").length;
  const touched = machines.filter(({ action }) => action !== "unchanged");
  if (documents + touched.length === 0) return [];
  const kinds = [...Map.groupBy(touched, ({ action, state }) => ACTIONS[state ? action : "create"])];
  const how = kinds.map(([what, each]) => `${each.length} ${what}`).join(", ");
  const parts = [
    ...(documents > 0 ? [counted(documents, "document")] : []),
    ...(touched.length > 0 ? [`${counted(touched.length, "machine")} (${how})`] : []),
  ];
  return [parts.join(", ")];
}

function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? "" : "s"}`;
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
