import assert from "node:assert/strict";
import { test } from "node:test";
import { MASK, redact } from "../../../src/config/redact.ts";
import { configSchema } from "../../../src/config/schema.ts";
import { settingsOf } from "../../../src/config/settings.ts";

test("every secret of the schema is masked when it is set, and only then", () => {
  const secrets = settingsOf().filter(({ secret }) => secret);
  assert.ok(secrets.length > 0);
  const config = configSchema.parse({ mirrors: { debian: { password: "hunter2" } } });
  const shown = redact(config) as { mirrors: { debian: { password: string }; debianSecurity: object } };
  assert.equal(shown.mirrors.debian.password, MASK);
  assert.ok(!("password" in shown.mirrors.debianSecurity));
});

test("passwords inside addresses are masked, the rest of the address stays", () => {
  const config = configSchema.parse({
    mirrors: {
      debian: { upstream: "http://user:hunter2@mirror.example/debian", proxy: "http://proxy.example:3128" },
    },
  });
  const shown = JSON.stringify(redact(config));
  assert.ok(!shown.includes("hunter2"));
  assert.ok(shown.includes(`http://user:${MASK}@mirror.example/debian`));
  assert.ok(shown.includes("http://proxy.example:3128"));
});

test("what is no secret is shown as it is", () => {
  const config = configSchema.parse({ network: { subnets: [{ cidr: "10.0.0.0/24", mtu: 9000 }] } });
  assert.deepEqual(redact(config), JSON.parse(JSON.stringify(config)));
});
