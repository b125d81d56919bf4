import assert from "node:assert/strict";
import { test } from "node:test";
import { partmanRecipe } from "../../../../src/domain/install/partman-recipe.ts";
import { type InstallSpec, installSchema } from "../../../../src/domain/machine-spec.ts";

const install = (fields: object): InstallSpec => installSchema.parse(fields);
const partitions = (recipe: string) =>
  recipe
    .replace("muster : ", "")
    .split(" .")
    .map((line) => line.trim())
    .filter(Boolean);

test("LAYOUT regular: one root that grows, after what the firmware needs", () => {
  const { method, expert, raid } = partmanRecipe(install({}));
  assert.equal(method, "regular");
  assert.equal(raid, undefined);
  const [bios, root, ...rest] = partitions(expert.bios);
  assert.match(bios ?? "", /^1 1 1 free .*method\{ biosgrub \}/);
  assert.match(root ?? "", /^2500 10000 -1 ext4 .*mountpoint\{ \/ \}/);
  assert.deepEqual(rest, []);
  assert.match(partitions(expert.uefi)[0] ?? "", /^512 512 512 free .*method\{ efi \} format\{ \}/);
});

test("LAYOUT swap is a partition of the size asked for, and none without", () => {
  assert.match(
    partmanRecipe(install({ swap: "2GiB" })).expert.bios,
    / 2148 2148 2148 linux-swap method\{ swap \}/,
  );
  assert.doesNotMatch(partmanRecipe(install({})).expert.uefi, /swap/);
});

test("LAYOUT lvm: /boot outside, everything else may go into the volume group", () => {
  const { method, expert } = partmanRecipe(install({ layout: "lvm", swap: "1GB", filesystem: "xfs" }));
  assert.equal(method, "lvm");
  const [, boot, root, swap] = partitions(expert.uefi);
  assert.match(boot ?? "", /^1024 1024 1024 ext4 \$defaultignore\{ \} .*\/boot/);
  assert.match(root ?? "", /^2500 10000 -1 xfs \$lvmok\{ \} .*filesystem\{ xfs \} mountpoint\{ \/ \}/);
  assert.match(swap ?? "", /\$lvmok\{ \} method\{ swap \}/);
});

test("LAYOUT raid1: the arrays are made of the same partitions of both disks", () => {
  const disk = [{ match: "smallest" }, { match: "smallest" }];
  const { method, expert, raid } = partmanRecipe(install({ layout: "raid1", disk, swap: "1GB" }));
  assert.equal(method, "raid");
  assert.equal(raid?.uefi, "1 2 0 ext4 / @A2@#@B2@ . 1 2 0 swap - @A3@#@B3@ .");
  assert.equal(partitions(expert.uefi).length, 3, "system partition, root array, swap array");
  assert.match(partitions(expert.bios)[1] ?? "", /raid \$primary\{ \} method\{ raid \}/);
});
