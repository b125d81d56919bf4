import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { z } from "zod";
import { faultsOf } from "../../../src/domain/faults.ts";
import { machineSpecSchema } from "../../../src/domain/machine-spec.ts";
import { closest } from "../../../src/domain/suggest.ts";

function faults(schema: z.ZodType, value: unknown) {
  const result = schema.safeParse(value);
  assert.ok(!result.success);
  return faultsOf(result.error, schema);
}

test("a misspelt key names the key that was meant, where it was meant", () => {
  const found = faults(machineSpecSchema, {
    mac: "52:54:00:12:34:01",
    instal: {},
    interfaces: [{ mac: "52:54:00:12:34:02", gatway: "10.0.0.1" }],
    install: { disk: { mach: "largest" } },
  });
  assert.deepEqual(
    found.map(({ path, message }) => `${path}: ${message}`).sort(),
    [
      'install.disk.mach: unknown key "mach"; did you mean "match"?',
      'instal: unknown key "instal"; did you mean "install"?',
      'interfaces[0].gatway: unknown key "gatway"; did you mean "gateway"?',
    ].sort(),
  );
});

test("a key that resembles nothing lists what is known", () => {
  const [fault] = faults(z.strictObject({ role: z.string() }), { role: "x", zzzz: 1 });
  assert.equal(fault?.message, 'unknown key "zzzz"; known are role');
});

test("in a choice of forms, the complaint is about the form that was meant", () => {
  const [fault] = faults(machineSpecSchema, {
    mac: "52:54:00:12:34:01",
    os: { name: "debian", version: "15" },
  });
  assert.equal(fault?.path, "os.version");
});

test("what was expected and found is said in plain words, with the word that was probably meant", () => {
  const schema = z.object({
    layout: z.enum(["regular", "lvm", "raid1"]),
    prefix: z.int().min(16),
    port: z.int().max(255),
    names: z.array(z.string()).min(1),
    path: z.string().startsWith("/dev/"),
    size: z.number(),
    role: z.string().min(2, "a role has two letters"),
    gone: z.boolean(),
    labels: z.record(z.string().regex(/^[a-z]+$/, "letters only"), z.string()),
  });
  const value = {
    layout: "lmv",
    prefix: 8,
    port: 300,
    names: [],
    path: "sda",
    size: "big",
    role: "a",
    labels: { "a b": "c" },
  };
  const result = schema.safeParse(value);
  assert.ok(!result.success);
  assert.deepEqual(
    faultsOf(result.error, schema, value).map(({ path, message }) => `${path}: ${message}`),
    [
      'layout: expected regular, lvm or raid1, found "lmv"; did you mean "lvm"?',
      "prefix: expected at least 16, found 8",
      "port: expected at most 255, found 300",
      "names: expected at least 1 entry, found []",
      'path: expected a text that begins with /dev/, found "sda"',
      'size: expected a number, found "big"',
      "role: a role has two letters",
      "gone: is required",
      "labels.a b: is no name that can stand here: letters only",
    ],
  );
});

test("the nearest word is found through one slip, and nothing far away", () => {
  const words = ["layout", "address", "timezone", "wipe"];
  const slips = {
    layuot: "layout",
    adress: "address",
    timezon: "timezone",
    Wipe: "wipe",
    wip: "wipe",
  } as const;
  for (const [slip, word] of Object.entries(slips)) assert.equal(closest(slip, words), word);
  for (const far of ["", "kernel", "w", "zzzzzzzzzz"]) assert.equal(closest(far, words), undefined, far);
});

test("every word is nearest to itself", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.stringMatching(/^[a-z]{1,12}$/), { minLength: 1, maxLength: 8 }),
      (words) => {
        for (const word of words) assert.equal(closest(word, words), word);
      },
    ),
  );
});
