import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { removalObjection } from "../../../../src/domain/cluster/quorum.ts";

function etcd(names: readonly string[], sick: readonly string[] = [], learners: readonly string[] = []) {
  const member = (name: string, learner: boolean) => ({ id: name, name, learner, peerUrls: [] });
  return {
    kind: "answers" as const,
    clusterId: "1",
    members: [...names.map((name) => member(name, false)), ...learners.map((name) => member(name, true))],
    healthy: names.filter((name) => !sick.includes(name)),
  };
}

const NOBODY: readonly string[] = [];

test("DESIGN-5.6 S0-17 one of three members may go when the other two work, be it dead itself", () => {
  for (const sick of [[], ["a"]]) {
    assert.equal(
      removalObjection({
        target: "a",
        etcd: etcd(["a", "b", "c"], sick),
        joining: false,
        othersReimaged: NOBODY,
      }),
      undefined,
    );
  }
});

const REFUSED = [
  [etcd(["a"]), NOBODY, /only member of etcd.*snapshot/],
  [etcd(["a", "b"]), NOBODY, /two members/],
  [etcd(["a", "b", "c"], ["b"]), NOBODY, /without it 2 of 2 members must work, and only 1 do \(c\)/],
  [etcd(["a", "b", "c", "d", "e"], ["b", "c", "d"]), NOBODY, /without it 3 of 4 members must work/],
  [etcd(["a", "b", "c"], [], ["d"]), NOBODY, /still taking in d/],
  [etcd(["a", "b", "c"]), ["b"], /b is being reimaged/],
  [{ kind: "silent" as const, reason: "10.0.0.1: no answer" }, NOBODY, /does not answer.*10\.0\.0\.1/],
] as const;

for (const [state, othersReimaged, reason] of REFUSED) {
  test(`DESIGN-5.6 a removal is refused with what is missing: ${reason.source}`, () => {
    assert.match(
      removalObjection({ target: "a", etcd: state, joining: false, othersReimaged }) ?? "",
      reason,
    );
  });
}

test("DESIGN-5.6 whoever is no voting member may go", () => {
  assert.equal(
    removalObjection({ target: "w", etcd: etcd(["a", "b"]), joining: false, othersReimaged: ["b"] }),
    undefined,
  );
  assert.equal(
    removalObjection({ target: "d", etcd: etcd(["a"], [], ["d"]), joining: false, othersReimaged: [] }),
    undefined,
  );
});

test("DESIGN-5.6 whoever joins etcd at this moment may go when a majority works with its vote counted", () => {
  const joining = (names: readonly string[], sick: readonly string[] = []) =>
    removalObjection({ target: "new", etcd: etcd(names, sick), joining: true, othersReimaged: [] });
  assert.match(joining(["a"]) ?? "", /joins etcd at this moment.* 1 of 2 members would work/);
  assert.equal(joining(["a", "b"]), undefined);
  assert.match(joining(["a", "b"], ["b"]) ?? "", /1 of 3 members would work/);
  assert.equal(joining(["a", "b", "c"]), undefined);
});

test("DESIGN-5.6 property: after an allowed removal a majority of those left works", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9 }), fc.array(fc.integer({ min: 0, max: 8 })), (count, sick) => {
      const names = Array.from({ length: count }, (_, ordinal) => `m${ordinal}`);
      const state = etcd(
        names,
        sick.map((ordinal) => `m${ordinal}`),
      );
      if (removalObjection({ target: "m0", etcd: state, joining: false, othersReimaged: [] }) !== undefined)
        return;
      const left = state.healthy.filter((name) => name !== "m0").length;
      assert.ok(left > (count - 1) / 2);
    }),
  );
});
