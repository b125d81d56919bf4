import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isTicket, maskTickets } from "../../../src/domain/ticket.ts";

const TICKET = `mti_${"aZ09-_".repeat(5)}aZ`;

test("DESIGN-3.7 a ticket is recognised by its form", () => {
  assert.equal(isTicket(TICKET), true);
  for (const text of ["", TICKET.slice(0, -1), `${TICKET}a`, TICKET.replace("mti_", "mtx_"), `${TICKET}\n`]) {
    assert.equal(isTicket(text), false, text);
  }
});

const CASES: readonly (readonly [string, string])[] = [
  [`GET /install/${TICKET}/preseed.cfg 200`, "GET /install/mti_…/preseed.cfg 200"],
  [
    `url=http://10.0.0.1:8080/install/${TICKET}/preseed.cfg hostname=kube0`,
    "url=http://10.0.0.1:8080/install/mti_…/preseed.cfg hostname=kube0",
  ],
  [`ticket ${TICKET}`, "ticket mti_…"],
  [`cut short: ${TICKET.slice(0, 12)}`, "cut short: mti_…"],
  [`${TICKET} and ${TICKET}`, "mti_… and mti_…"],
  ["/install/guessed/report", "/install/mti_…/report"],
  ["/install/mti%5Fescaped/report", "/install/mti_…/report"],
  ["nothing to hide", "nothing to hide"],
];

for (const [text, masked] of CASES) {
  test(`DESIGN-3.7 masked: ${masked}`, () => {
    assert.equal(maskTickets(text), masked);
    assert.equal(maskTickets(masked), masked, "masking twice changes nothing");
  });
}

test("DESIGN-3.7 property: no part of a ticket longer than its prefix survives masking", () => {
  const body = fc.stringMatching(/^[A-Za-z0-9_-]{32}$/);
  fc.assert(
    fc.property(fc.string(), body, fc.string(), (before, secret, after) => {
      const masked = maskTickets(`${before} mti_${secret} ${after}`);
      assert.equal(masked.includes(`mti_${secret.slice(0, 1)}`), false);
    }),
  );
});
