import assert from "node:assert/strict";
import { test } from "node:test";
import { disagreement, kernelVersionOfMember } from "../../../../src/domain/assets/kernel-agreement.ts";

test("an installer agrees with a mirror that has modules for its kernel, among others or alone", () => {
  assert.equal(disagreement("6.12.1", new Set(["6.12.1", "6.12.2"])), undefined);
  assert.match(
    disagreement("6.12.1", new Set(["6.12.3", "6.12.2"])) ?? "",
    /6\.12\.1.*6\.12\.2, 6\.12\.3 only/,
  );
});

test("a mirror without any modules is no reason", () => {
  assert.equal(disagreement("6.12.1", new Set()), undefined);
});

test("the kernel's version is read from module paths of both layouts", () => {
  assert.equal(kernelVersionOfMember("usr/lib/modules/6.12.107+deb13-amd64/x"), "6.12.107+deb13-amd64");
  assert.equal(kernelVersionOfMember("./lib/modules/6.1.0-50-amd64"), "6.1.0-50-amd64");
  assert.equal(kernelVersionOfMember("usr/share/lib/modules/6.1/x"), undefined);
  assert.equal(kernelVersionOfMember("lib/modules"), undefined);
});
