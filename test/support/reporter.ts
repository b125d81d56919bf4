/**
 * The house reporter for node:test: a line per file, failures in full, every skip with its reason, and one closing line
 * `N passed, N failed, N skipped`. With TEST_TOTALS set, the counts and skips are appended to that file as a line of
 * JSON and the closing lines are left to whoever adds several suites up (src/bootstrap/totals.mjs).
 */
import { appendFileSync } from "node:fs";
import path from "node:path";
import { inspect } from "node:util";

/** The events this reporter reads, as `node:test` documents them. */
export interface TestEvent {
  readonly type: string;
  readonly data: {
    readonly name?: string;
    readonly file?: string;
    readonly nesting?: number;
    readonly skip?: string | boolean;
    readonly todo?: string | boolean;
    readonly message?: string;
    readonly details?: { readonly type?: string; readonly duration_ms?: number; readonly error?: Error };
  };
}

interface FileTally {
  passed: number;
  failed: number;
  skipped: number;
  milliseconds: number;
}

interface Skip {
  readonly name: string;
  readonly reason: string;
}

/** Collects what happened; rendering is the generator's. */
class Tally {
  readonly files = new Map<string, FileTally>();
  readonly skips: Skip[] = [];
  readonly failures: { readonly where: string; readonly text: string }[] = [];

  /** Counts one finished test; suites and parents that fail only through their children are not tests of their own. */
  add(event: TestEvent): void {
    const { data } = event;
    const file = this.#file(data.file);
    if (data.nesting === 0) file.milliseconds += data.details?.duration_ms ?? 0;
    const skip = data.skip ?? data.todo ?? false;
    if (skip !== false) {
      file.skipped++;
      this.skips.push({ name: data.name ?? "", reason: reasonOf(skip) });
    } else if (event.type === "test:fail") {
      this.#fail(event, file);
    } else if (data.details?.type !== "suite") {
      file.passed++;
    }
  }

  total(key: "passed" | "failed" | "skipped"): number {
    return [...this.files.values()].reduce((sum, file) => sum + file[key], 0);
  }

  #fail({ data }: TestEvent, file: FileTally): void {
    const error = data.details?.error;
    if (failureType(error) === "subtestsFailed") return;
    file.failed++;
    this.failures.push({ where: `${relative(data.file)} › ${data.name ?? ""}`, text: describeError(error) });
  }

  #file(name: string | undefined): FileTally {
    const key = relative(name);
    let tally = this.files.get(key);
    if (!tally) this.files.set(key, (tally = { passed: 0, failed: 0, skipped: 0, milliseconds: 0 }));
    return tally;
  }
}

/** The reporter: node:test calls it with the stream of its events and prints what it yields. */
export default async function* report(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const tally = new Tally();
  const shown = new Set<string>();
  for await (const event of events) {
    if (event.type === "test:pass" || event.type === "test:fail") tally.add(event);
    if (event.type === "test:stdout" || event.type === "test:stderr") yield event.data.message ?? "";
    if (event.type === "test:summary" && event.data.file !== undefined) {
      shown.add(relative(event.data.file));
      yield lineOf(relative(event.data.file), tally);
      yield* failuresOf(tally);
    }
  }
  for (const file of tally.files.keys()) if (!shown.has(file)) yield lineOf(file, tally);
  yield* failuresOf(tally);
  yield* closing(tally);
}

/** What failed since the last call: said at once, because a run that is ended from outside has no end to say it at. */
function* failuresOf(tally: Tally): Generator<string> {
  for (const { where, text } of tally.failures.splice(0)) yield `\nFAILED ${where}\n${text}\n`;
}

function* closing(tally: Tally): Generator<string> {
  const [passed, failed, skipped] = [tally.total("passed"), tally.total("failed"), tally.total("skipped")];
  const totals = process.env["TEST_TOTALS"];
  if (totals) {
    appendFileSync(totals, `${JSON.stringify({ passed, failed, skipped: tally.skips })}\n`);
    return;
  }
  for (const { name, reason } of tally.skips) yield `skipped: ${name}: ${reason}\n`;
  yield `${passed} passed, ${failed} failed, ${skipped} skipped\n`;
}

function lineOf(file: string, tally: Tally): string {
  const { passed, failed, skipped, milliseconds } = tally.files.get(file) ?? {
    passed: 0,
    failed: 0,
    skipped: 0,
    milliseconds: 0,
  };
  const parts = [`${passed} passed`];
  if (failed > 0) parts.push(`${failed} FAILED`);
  if (skipped > 0) parts.push(`${skipped} skipped`);
  return `${failed > 0 ? "✖" : "✔"} ${file} (${parts.join(", ")}, ${(milliseconds / 1000).toFixed(2)} s)\n`;
}

function relative(file: string | undefined): string {
  return file === undefined ? "(no file)" : path.relative(process.cwd(), file);
}

function reasonOf(skip: string | boolean): string {
  return typeof skip === "string" && skip !== "" ? skip : "no reason given";
}

function failureType(error: Error | undefined): string | undefined {
  return (error as { failureType?: string } | undefined)?.failureType;
}

/** The test's own error: the runner wraps it, and its cause is what a person wants to read. */
function describeError(error: Error | undefined): string {
  const cause: unknown = error?.cause ?? error;
  const text = cause instanceof Error ? (cause.stack ?? cause.message) : inspect(cause, { depth: 6 });
  return text
    .split("\n")
    .filter((line) => !/^\s+at .*\(?node:internal/.test(line))
    .map((line) => `  ${line}`)
    .join("\n");
}
