import assert from "node:assert/strict";
import { test } from "node:test";
import { kubeletFaults, kubeProxyFaults } from "../../../../src/domain/cluster/component-schemas.ts";

test("DESIGN-3.4 settings that a kubelet takes pass, and null takes one of ours away", () => {
  const config = {
    failCgroupV1: false,
    maxPods: 50,
    evictionHard: { "memory.available": "300Mi" },
    shutdownGracePeriod: "1m0s",
    authentication: { anonymous: { enabled: false } },
    rotateCertificates: null,
  };
  assert.deepEqual(kubeletFaults(config), []);
  assert.deepEqual(kubeProxyFaults({ mode: "iptables", conntrack: { maxPerCore: 0 } }), []);
});

test("DESIGN-3.4 a field that no kubelet knows is refused with the one that was meant", () => {
  assert.deepEqual(kubeletFaults({ maxPod: 50 }), [
    { field: "maxPod", message: "KubeletConfiguration has no field maxPod; did you mean maxPods?" },
  ]);
  assert.deepEqual(kubeProxyFaults({ strictARP: true }), [
    { field: "strictARP", message: "KubeProxyConfiguration has no field strictARP" },
  ]);
});

test("DESIGN-3.4 a value of the wrong kind is refused before a kubelet fails to start with it", () => {
  const messages = kubeletFaults({
    maxPods: "50",
    failSwapOn: "no",
    evictionHard: { "memory.available": 300 },
    shutdownGracePeriod: "soon",
    kind: "Pod",
  }).map(({ message }) => message);
  assert.deepEqual(messages, [
    "maxPods expects a whole number",
    "failSwapOn expects true or false",
    "evictionHard expects names with texts",
    "shutdownGracePeriod expects a duration like 90s or 4m0s",
    "kind is set by the appliance",
  ]);
});
