/**
 * Adds up what several suites counted. Each suite appends one line of JSON, `{passed, failed, skipped: [{name, reason}]}`, to the
 * file that TEST_TOTALS names; the outermost launcher of a run owns the file and prints the sum.
 */
import { randomUUID } from "node:crypto";
import { appendFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

const VARIABLE = "TEST_TOTALS";

/** Joins the running total of a surrounding launcher, or opens one that {@link Totals.close} prints and removes. */
export function openTotals() {
  const outer = process.env[VARIABLE];
  return outer ? new Totals(outer) : new Totals(newFile(), { owner: true });
}

function newFile() {
  const file = path.join(tmpdir(), `muster-totals-${randomUUID()}`);
  writeFileSync(file, "", { flag: "wx" });
  return file;
}

export class Totals {
  #file;
  #owner;

  constructor(file, { owner = false } = {}) {
    this.#file = file;
    this.#owner = owner;
  }

  /** Environment for a suite whose reporter is to add to this total. */
  get environment() {
    return { [VARIABLE]: this.#file };
  }

  /** @param {{passed?: number, failed?: number, skipped?: {name: string, reason: string}[]}} counts */
  add({ passed = 0, failed = 0, skipped = [] }) {
    appendFileSync(this.#file, `${JSON.stringify({ passed, failed, skipped })}\n`);
  }

  /** The sum so far. */
  sum() {
    const suites = readFileSync(this.#file, "utf8")
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line));
    return {
      passed: suites.reduce((sum, suite) => sum + suite.passed, 0),
      failed: suites.reduce((sum, suite) => sum + suite.failed, 0),
      skipped: suites.flatMap((suite) => suite.skipped),
    };
  }

  /** Prints every skip with its reason and the closing line, unless a surrounding launcher will. */
  close() {
    if (!this.#owner) return;
    const { passed, failed, skipped } = this.sum();
    for (const { name, reason } of skipped) console.log(`skipped: ${name}: ${reason}`);
    console.log(`${passed} passed, ${failed} failed, ${skipped.length} skipped`);
    rmSync(this.#file, { force: true });
  }
}
