import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseParagraphs } from "../../../../src/domain/assets/deb822.ts";
import { createPackageIndexBuilder, packageOf } from "../../../../src/domain/assets/package-index.ts";

const hex = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes) => Buffer.from(bytes).toString("hex"));

test("every file put in is found with its checksum and size, and nothing else is", () => {
  const entry = fc.record({ filename: fc.string({ minLength: 1 }), sha256: hex, bytes: fc.nat() });
  const entries = fc.uniqueArray(entry, { selector: (each) => each.filename });
  fc.assert(
    fc.property(entries, fc.string({ minLength: 1 }), (packages, other) => {
      const builder = createPackageIndexBuilder();
      for (const each of packages) builder.add(each);
      const index = builder.finish();
      assert.equal(index.size, packages.length);
      for (const { filename, sha256, bytes } of packages) {
        assert.deepEqual(index.find(filename), { sha256, bytes });
      }
      if (!packages.some((each) => each.filename === other)) assert.equal(index.find(other), undefined);
    }),
  );
});

test("a paragraph without checksum or size, or with a path out of the archive, is no package", () => {
  const good = `Package: a\nFilename: pool/a.deb\nSize: 5\nSHA256: ${"0".repeat(64)}\n`;
  const read = (text: string) => packageOf(parseParagraphs(text)[0]!);
  assert.equal(read(good)?.filename, "pool/a.deb");
  assert.equal(read(good.replace(/Size.*\n/, "")), undefined);
  assert.equal(read(good.replace("0000", "zz00")), undefined);
  assert.equal(read(good.replace("pool/", "pool/../../")), undefined);
  assert.equal(read(good.replace("pool/", "/pool/")), undefined);
});
