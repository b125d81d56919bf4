/**
 * Every machine dies at every step of the node script: `npm run test:kills`, or `npm run test:kills -- WHAT…` for single rounds by
 * number, for one round in which every machine dies at just these steps, or with `missing` for one in which each dies wherever
 * docs/kills.md tells nothing good yet. The result is written there, round by round.
 */
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { KILL_STEPS, type KillStep } from "../support/cluster/kills.ts";
import { goodCells, type KillCell, killsPage } from "../support/cluster/kills-page.ts";
import { ALL_MACHINES, playRound, type Round, stepsOf } from "../support/cluster/kills-round.ts";

const ROUNDS = 3;
const PAGE = path.join(import.meta.dirname, "../../docs/kills.md");
const GOOD = ["Ready", "not its turn"];
const seed = Number(process.env["CLUSTER_SEED"] ?? Math.floor(Math.random() * 2 ** 31));

function readPage(): Promise<string> {
  return readFile(PAGE, "utf8").catch(() => "");
}

function isStep(word: string): word is KillStep {
  return KILL_STEPS.some((step) => step === word);
}

/** Over the three rounds every machine meets every step, and every control plane is the first once. */
function roundsOf(words: readonly string[], page: string): readonly Round[] {
  const steps = words.filter(isStep);
  if (steps.length > 0) return [{ first: seed % ROUNDS, seed, diesAt: (_, step) => steps.includes(step) }];
  if (words.includes("missing")) return [missing(page)];
  const numbers = words.length > 0 ? words.map((word) => Number(word) - 1) : [...Array(ROUNDS).keys()];
  return numbers.map((number) => ({
    first: number,
    seed: seed + number,
    diesAt: (index, step) =>
      ["kubeadm", "addons"].includes(step) || (KILL_STEPS.indexOf(step) + index) % ROUNDS === number,
  }));
}

/** The first is one that has not died at its add-ons yet: only the first comes to them. */
function missing(page: string): Round {
  const good = goodCells(page);
  const dies = (index: number, step: KillStep): boolean =>
    !good.has(`${ALL_MACHINES[index]?.name ?? ""} ${step}`);
  const first = [...Array(ROUNDS).keys()].find((index) => dies(index, "addons")) ?? seed % ROUNDS;
  return { first, seed, diesAt: dies };
}

const cells: KillCell[] = [];
for (const round of roundsOf(process.argv.slice(2), await readPage())) {
  console.log(`c${round.first + 1} is on first, seed ${round.seed}`);
  const played = await playRound(round);
  for (const { machine, step, outcome, moment } of played)
    console.log(`${machine} ${step}: ${outcome}${moment === undefined ? "" : `, ${moment}`}`);
  cells.push(...played);
  const before = await readPage();
  const machines = ALL_MACHINES.map(({ name }) => name);
  // A cut that was not this machine's turn says nothing about an earlier run's.
  const told = played.filter(({ outcome }) => outcome !== "not its turn");
  await writeFile(PAGE, killsPage({ cells: told, before, seed, stepsOf, machines }));
}
process.exitCode = cells.every(({ outcome }) => GOOD.includes(outcome)) ? 0 : 1;
