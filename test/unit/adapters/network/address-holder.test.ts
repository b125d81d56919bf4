import assert from "node:assert/strict";
import { test } from "node:test";
import { neighbourIn, speakersIn } from "../../../../src/adapters/network/address-holder.ts";

test("S2-19 a neighbour counts when it has answered just now", () => {
  assert.equal(neighbourIn("10.20.0.9 dev eth0 lladdr 52:54:00:AA:00:99 REACHABLE\n"), "52:54:00:aa:00:99");
  for (const line of [
    "",
    "10.20.0.9 dev eth0 FAILED\n",
    "10.20.0.9 dev eth0 INCOMPLETE\n",
    "10.20.0.9 dev eth0 lladdr 52:54:00:aa:00:99 STALE\n",
  ]) {
    assert.equal(neighbourIn(line), undefined, line);
  }
});

test("S2-19 VRRP announcements are read with who sent them; every speaker once", () => {
  const line =
    "14:00:01.000000 52:54:00:00:00:77 > 01:00:5e:00:00:12, ethertype IPv4 (0x0800), length 54: 10.20.0.77 > 224.0.0.18: VRRPv2, Advertisement, vrid 51, prio 100, authtype simple, intvl 1s, length 20\n";
  assert.deepEqual(speakersIn(`${line}${line}nonsense\n`), [
    { routerId: 51, address: "10.20.0.77", mac: "52:54:00:00:00:77" },
  ]);
});
