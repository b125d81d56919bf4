/** The world outside, on one address of the bed: release server, release pages, and Debian's docker-registry as registry.k8s.io. */
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { stringify } from "yaml";
import type { ConfigInput } from "../../../src/config/schema.ts";
import type { KubernetesUpstream } from "../kubernetes-upstream.ts";
import type { Daemon, Namespace } from "../netns.ts";

const PORTS = { kubernetes: 8001, github: 8002, githubRaw: 8003, registry: 5000 } as const;
/** One registry stands for all of them: the names below them differ. */
const REGISTRIES = ["registry.k8s.io", "docker.io", "quay.io", "ghcr.io"];

/** What was asked of the servers, and by whom. */
export interface UpstreamRequest {
  readonly peer: string;
  readonly path: string;
}

export class UpstreamServers {
  readonly #address: string;
  readonly #files: Daemon;
  readonly #registry: Daemon;

  private constructor(address: string, files: Daemon, registry: Daemon) {
    this.#address = address;
    this.#files = files;
    this.#registry = registry;
  }

  /** Starts the servers in the namespace; they end with it. */
  static async start(options: {
    readonly namespace: Namespace;
    readonly address: string;
    readonly upstream: KubernetesUpstream;
    /** For configuration and logs. */
    readonly directory: string;
  }): Promise<UpstreamServers> {
    const { namespace, address, upstream, directory } = options;
    const program = path.join(import.meta.dirname, "../programs/release-files.ts");
    const places = [
      `${PORTS.kubernetes}=${upstream.kubernetes}`,
      `${PORTS.github}=${upstream.github}`,
      `${PORTS.githubRaw}=${upstream.githubRaw}`,
    ];
    const files = namespace.spawnNode(program, [address, ...places]);
    await files.waitFor(/^serving/m);
    const file = path.join(directory, "registry.yaml");
    await writeFile(file, stringify(registryConfig(address, upstream.registry)));
    const registry = namespace.spawn("docker-registry", ["serve", file]);
    await answers(namespace, `http://${address}:${PORTS.registry}/v2/`);
    return new UpstreamServers(address, files, registry);
  }

  /** The part of an appliance's configuration that names these servers. */
  get config(): Pick<Required<ConfigInput>, "images"> & { readonly mirrors: ConfigInput["mirrors"] } {
    const at = (port: number): string => `http://${this.#address}:${port}`;
    return {
      images: {
        upstreams: Object.fromEntries(REGISTRIES.map((host) => [host, { url: at(PORTS.registry) }])),
      },
      mirrors: {
        kubernetes: { upstream: at(PORTS.kubernetes) },
        github: { upstream: at(PORTS.github) },
        githubRaw: { upstream: at(PORTS.githubRaw) },
      },
    };
  }

  /** Every request so far, of files and of images. */
  get requests(): readonly UpstreamRequest[] {
    const ofFiles = this.#files.output().matchAll(/^(\S+) (?:GET|HEAD) (\S+) \d+$/gm);
    const ofImages = this.#registry.output().matchAll(/^(\S+) - - \[[^\]]*\] "(?:GET|HEAD) (\S+)/gm);
    return [...ofFiles, ...ofImages].map(([, peer = "", asked = ""]) => ({ peer, path: asked }));
  }
}

function registryConfig(address: string, storage: string): object {
  return {
    version: "0.1",
    log: { level: "warn", accesslog: { disabled: false } },
    storage: { filesystem: { rootdirectory: storage }, maintenance: { readonly: { enabled: true } } },
    http: { addr: `${address}:${PORTS.registry}` },
  };
}

async function answers(namespace: Namespace, url: string): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const { code } = await namespace.run("curl", ["-fsS", "-o", "/dev/null", url]);
    if (code === 0) return;
    await delay(100);
  }
  throw new Error(`${url} does not answer`);
}
