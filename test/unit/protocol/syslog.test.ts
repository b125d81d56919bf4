import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseSyslog, type SyslogMessage } from "../../../src/protocol/syslog.ts";

const parse = (text: string): SyslogMessage => parseSyslog(Buffer.from(text));

test("syslog of debian-installer: priority, time and tag without a host", () => {
  assert.deepEqual(parse("<30>Nov 21 10:00:01 main-menu[312]: INFO: Menu item 'partman-base' selected"), {
    facility: 3,
    severity: 6,
    program: "main-menu",
    text: "INFO: Menu item 'partman-base' selected",
  });
  assert.equal(parse("<6>Nov  1 10:00:01 kernel: [   12.3] sd 0:0:0:0: ready").program, "kernel");
  assert.equal(
    parse("<6>Nov  1 10:00:01 kernel: [   12.3] sd 0:0:0:0: ready").text,
    "[   12.3] sd 0:0:0:0: ready",
  );
});

test("syslog of RFC 3164 with a host, and of RFC 5424 with and without structured data", () => {
  assert.deepEqual(parse("<34>Oct 11 22:14:15 mymachine su: 'su root' failed"), {
    facility: 4,
    severity: 2,
    program: "su",
    text: "'su root' failed",
  });
  const modern = '<165>1 2026-10-11T22:14:15.003Z host evntslog 12 ID47 [a@1 b="c\\]d"][x@2] \uFEFFAn event';
  assert.deepEqual(parse(modern), { facility: 20, severity: 5, program: "evntslog", text: "An event" });
  assert.equal(parse("<165>1 - - - - - - bare").text, "bare");
  assert.equal(parse("<165>1 - - - - - - bare").program, "");
});

test("syslog without header is a message of nobody; a foolish priority is user.notice", () => {
  assert.deepEqual(parse("hello"), { facility: 1, severity: 5, program: "", text: "hello" });
  assert.deepEqual(parse("<999>hello there: you"), {
    facility: 1,
    severity: 5,
    program: "",
    text: "hello there: you",
  });
  assert.equal(parse("").text, "");
});

test("syslog text cannot act on a terminal or a page's direction, and is bounded", () => {
  assert.equal(parse("<30>a: \x1b[31mred\x07\nnext\u202egpj").text, "[31mred next gpj");
  assert.equal(parse(`<30>a: ${"x".repeat(60_000)}`).text.length, 2048);
});

test("any octets are a message of printable text", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const { program, text, facility, severity } = parseSyslog(bytes);
      assert.doesNotMatch(program + text, /\p{Cc}/u);
      assert.ok(program.length <= 48 && text.length <= 2048 && facility <= 23 && severity <= 7);
    }),
    { numRuns: 2000 },
  );
});
