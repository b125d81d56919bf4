/** kubectl as a person runs it beside the appliance, with the kubeconfig that `muster kubeconfig` gave. */
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { componentDirectory } from "../kubernetes-build.ts";
import { LAB_VERSION } from "../kubernetes-components.ts";
import type { Namespace, ProgramResult, RunOptions } from "../netns.ts";

/** As much of a Node as tests look at. */
export interface NodeObject {
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> };
  readonly spec: { readonly podCIDR?: string; readonly taints?: readonly { readonly key: string }[] };
  readonly status: {
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    readonly nodeInfo?: {
      readonly kubeletVersion: string;
      readonly containerRuntimeVersion: string;
      readonly kernelVersion: string;
    };
  };
}

export class Kubectl {
  readonly #namespace: Namespace;
  readonly #kubeconfig: string;

  private constructor(namespace: Namespace, kubeconfig: string) {
    this.#namespace = namespace;
    this.#kubeconfig = kubeconfig;
  }

  /** @param options `text` is what `muster kubeconfig` wrote */
  static async with(options: {
    readonly namespace: Namespace;
    readonly directory: string;
    readonly text: string;
  }): Promise<Kubectl> {
    const file = path.join(options.directory, "kubeconfig");
    await writeFile(file, options.text, { mode: 0o600 });
    return new Kubectl(options.namespace, file);
  }

  /** Runs kubectl; never rejects because of its exit code. */
  run(args: readonly string[], options: RunOptions = {}): Promise<ProgramResult> {
    const program = path.join(componentDirectory({ name: "kubernetes", version: LAB_VERSION }), "kubectl");
    return this.#namespace.run(program, ["--kubeconfig", this.#kubeconfig, ...args], options);
  }

  /** Runs kubectl, which must succeed, and returns what it wrote. */
  async must(args: readonly string[], options: RunOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.run(args, options);
    if (code !== 0) throw new Error(`kubectl ${args.join(" ")}: exit ${code}\n${stderr}${stdout}`);
    return stdout;
  }

  /** Applies manifests. */
  async apply(manifest: string): Promise<void> {
    await this.must(["apply", "-f", "-"], { input: manifest });
  }

  async nodes(): Promise<readonly NodeObject[]> {
    const list = JSON.parse(await this.must(["get", "nodes", "-o", "json"])) as { items: NodeObject[] };
    return list.items;
  }

  /** Waits until a command succeeds (and writes what is wanted); rejects with its last words after the limit. */
  async eventually(
    args: readonly string[],
    { seconds, wanted }: { seconds: number; wanted?: RegExp },
  ): Promise<string> {
    const deadline = performance.now() + seconds * 1000;
    for (;;) {
      const { code, stdout, stderr } = await this.run(args);
      if (code === 0 && (wanted === undefined || wanted.test(stdout))) return stdout;
      if (performance.now() > deadline) {
        throw new Error(`kubectl ${args.join(" ")}: not within ${seconds} s\n${stderr}${stdout}`);
      }
      await delay(500);
    }
  }
}

/** Whether a Node says that it is ready. */
export function isReady(node: NodeObject): boolean {
  return node.status.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false;
}
