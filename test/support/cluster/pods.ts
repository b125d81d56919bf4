/** Pods and services of the tests, made of busybox alone. */
import { stringify } from "yaml";
import { BUSYBOX_IMAGE } from "../kubernetes-upstream.ts";
import type { Kubectl } from "./kubectl.ts";

/** What a pod may have besides its line of shell. */
export interface PodOptions {
  readonly image?: string;
  readonly imagePullSecrets?: readonly { readonly name: string }[];
  readonly hostNetwork?: boolean;
}

/** A pod that runs a line of shell on one node. */
export function podOn(node: string, name: string, line: string, options: PodOptions = {}): string {
  const { image = BUSYBOX_IMAGE, ...spec } = options;
  return stringify({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, labels: { app: name } },
    spec: {
      ...spec,
      nodeName: node,
      terminationGracePeriodSeconds: 0,
      containers: [{ name: "main", image, command: ["sh", "-c", line] }],
    },
  });
}

/** A service in front of the pods with that name, on a port of every node when one is given. */
export function serviceOf(name: string, port: number, { nodePort }: { nodePort?: number } = {}): string {
  return stringify({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name },
    spec: {
      ...(nodePort === undefined ? {} : { type: "NodePort" }),
      selector: { app: name },
      ports: [{ port, ...(nodePort === undefined ? {} : { nodePort }) }],
    },
  });
}

/** Waits until a pod is ready; rejects with what the cluster knows about it. */
export async function waitForPod(kubectl: Kubectl, name: string, seconds = 120): Promise<void> {
  const wait = ["wait", "--for=condition=Ready", `pod/${name}`, `--timeout=${seconds}s`];
  const { code } = await kubectl.run(wait, { timeout: (seconds + 10) * 1000 });
  if (code === 0) return;
  throw new Error(`pod ${name} is not ready:\n${await kubectl.must(["describe", "pod", name])}`);
}
