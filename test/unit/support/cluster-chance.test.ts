import assert from "node:assert/strict";
import { test } from "node:test";
import { goodCells, killsPage } from "../../support/cluster/kills-page.ts";
import { random, shuffled } from "../../support/cluster/seed.ts";

test("the same seed gives the same order, another one another", () => {
  const items = Array.from({ length: 20 }, (_, index) => index);
  const order = (seed: number): readonly number[] => shuffled(items, random(seed));
  assert.deepEqual(order(7), order(7));
  assert.notDeepEqual(order(7), order(8));
  assert.deepEqual(
    [...order(7)].sort((a, b) => a - b),
    items,
  );
});

test("a later run of power cuts replaces what it ran and keeps the rest", () => {
  const page = {
    machines: ["c1", "w1"],
    stepsOf: () => ["files", "kubeadm"],
    today: "2026-11-21",
  };
  const first = killsPage({
    ...page,
    before: "",
    seed: 1,
    cells: [
      { machine: "c1", step: "files", outcome: "Ready", moment: "after 0.1 s", seconds: 100.4 },
      { machine: "w1", step: "kubeadm", outcome: "w1 is failed: no space", seconds: 3 },
    ],
  });
  assert.match(first, /^\| c1 \| files \| Ready \| after 0.1 s \| 100 \| 2026-11-21, seed 1 \|$/m);
  assert.match(first, /^\| c1 \| kubeadm \| not run yet \| {2}\| {2}\| {2}\|$/m);
  assert.deepEqual([...goodCells(first)], ["c1 files"]);
  const second = killsPage({
    ...page,
    before: `${first}\n## Beside the matrix\n\nAn hour.\n`,
    seed: 2,
    cells: [{ machine: "w1", step: "kubeadm", outcome: "Ready", seconds: 90 }],
  });
  assert.match(second, /^\| c1 \| files \| Ready \| after 0.1 s \| 100 \| 2026-11-21, seed 1 \|$/m);
  assert.match(second, /^\| w1 \| kubeadm \| Ready \| {2}\| 90 \| 2026-11-21, seed 2 \|$/m);
  assert.doesNotMatch(second, /no space/);
  assert.ok(second.endsWith("\n## Beside the matrix\n\nAn hour.\n"), "what people wrote stays");
});
