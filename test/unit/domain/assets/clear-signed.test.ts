import assert from "node:assert/strict";
import { test } from "node:test";
import { splitClearSigned } from "../../../../src/domain/assets/clear-signed.ts";

const SIGNATURE = "-----BEGIN PGP SIGNATURE-----\n\nabc\n-----END PGP SIGNATURE-----";
const message = (content: string): string =>
  `-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n${content}\n${SIGNATURE}\n`;

test("content and signature are taken apart; dashes are unescaped, trailing blanks dropped", () => {
  assert.deepEqual(splitClearSigned(message("Origin: Debian  \n- --x")), {
    content: "Origin: Debian\n--x",
    signature: `${SIGNATURE}\n`,
  });
});

test("text before, after or between is refused, and so is a second message", () => {
  const good = message("Origin: Debian");
  for (const bad of [
    `Origin: Evil\n${good}`,
    `${good}Origin: Evil\n`,
    good + good,
    good.replace("Hash: SHA256\n\n", "Hash: SHA256\nOrigin: Evil\n\n"),
    good.replace("-----BEGIN PGP SIGNATURE-----", ""),
    "Origin: Debian\n",
    "",
  ]) {
    assert.equal(splitClearSigned(bad), undefined, bad);
  }
});
