import assert from "node:assert/strict";
import { test } from "node:test";
import { deviceIn } from "../../../../src/adapters/udp/bound-device.ts";

const SHOWN = `UNCONN 0      0      0.0.0.0%eth1:67   0.0.0.0:* ino:1001 sk:12 cgroup:/ <->
UNCONN 0      0         0.0.0.0:4011 0.0.0.0:* ino:1002 sk:13 cgroup:/ <->
UNCONN 0      0      [fe80::1]%br0.7:546  [::]:* ino:1003 sk:14 v6only:1 <->
`;

test("D-82 the device of a socket is read from what ss shows", () => {
  assert.deepEqual(deviceIn(SHOWN, "1001"), { kind: "bound", device: "eth1" });
  assert.deepEqual(deviceIn(SHOWN, "1002"), { kind: "unbound" });
  assert.deepEqual(deviceIn(SHOWN, "1003"), { kind: "bound", device: "br0.7" });
  assert.deepEqual(deviceIn(SHOWN, "100"), { kind: "unknown" });
  assert.deepEqual(deviceIn("", "1001"), { kind: "unknown" });
});
