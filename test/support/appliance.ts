/** A real appliance (`muster serve`) running inside a namespace, and its API through the unix socket of its data directory. */
import { appendFile, mkdir, writeFile } from "node:fs/promises";
import { request } from "node:http";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { stringify } from "yaml";
import type { ConfigInput } from "../../src/config/schema.ts";
import type { Machine } from "../../src/domain/machine.ts";
import type { MachineSpecInput } from "../../src/domain/machine-spec.ts";
import type { StoredEvent } from "../../src/services/ports.ts";
import type { Daemon, Namespace } from "./netns.ts";

/** The sources themselves: what is tested is what is in the checkout, whatever else is being built. */
const MUSTER = path.join(import.meta.dirname, "../../src/cli/muster.ts");

export interface ApiAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** One structured line of the appliance's log. */
export type LogLine = Readonly<Record<string, unknown>>;

export class Appliance {
  readonly directory: string;
  readonly #namespace: Namespace;
  readonly #config: ConfigInput;
  #daemon: Daemon | undefined;

  /** @param options `directory` holds its configuration and data, and outlives a restart */
  constructor(options: {
    readonly namespace: Namespace;
    readonly directory: string;
    readonly config: ConfigInput;
  }) {
    this.directory = options.directory;
    this.#namespace = options.namespace;
    this.#config = { ...options.config, dataDir: path.join(options.directory, "data") };
  }

  /** Starts it and waits until its API answers. */
  async start(): Promise<void> {
    await mkdir(this.directory, { recursive: true });
    const file = path.join(this.directory, "muster.yaml");
    await writeFile(file, stringify(this.#config));
    this.#daemon = this.#namespace.spawn(process.execPath, [
      "--disable-warning=ExperimentalWarning",
      MUSTER,
      "serve",
      "--config",
      file,
    ]);
    const deadline = performance.now() + 60_000;
    for (;;) {
      const answer = await this.api("GET", "/api/v1/machines").catch(() => undefined);
      if (answer?.status === 200) return;
      if (this.#daemon.child.exitCode !== null || performance.now() > deadline) {
        throw new Error(`the appliance does not serve:\n${this.log}`);
      }
      await delay(100);
    }
  }

  /** Its log as structured lines (the lab configures `log.format: json`); what is not JSON is left out. */
  get logLines(): readonly LogLine[] {
    return this.log.split("\n").flatMap((line) => {
      const parsed = line.startsWith("{") ? parse(line) : undefined;
      return isObject(parsed) ? [parsed] : [];
    });
  }

  /** Waits for a structured log line that fits; rejects with the end of the log after the limit (seconds). */
  async waitForLine(fits: (line: LogLine) => boolean, seconds: number): Promise<LogLine> {
    const deadline = performance.now() + seconds * 1000;
    for (;;) {
      const found = this.logLines.find(fits);
      if (found) return found;
      if (performance.now() > deadline) {
        throw new Error(`no such line in the appliance's log within ${seconds} s:\n${this.log.slice(-3000)}`);
      }
      await delay(200);
    }
  }

  /** Everything it logged since it was started. */
  get log(): string {
    return this.#daemon?.output() ?? "";
  }

  /** Asks it to end (or kills it) and waits for the end; returns its exit code. Its log stays beside its data. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<number | undefined> {
    const code = await this.#daemon?.stop(signal);
    if (this.#daemon) await appendFile(path.join(this.directory, "muster.log"), this.log);
    this.#daemon = undefined;
    return code;
  }

  /** Calls the HTTP API as the host's own administrator. */
  api(method: string, target: string, body?: object): Promise<ApiAnswer> {
    const socketPath = path.join(this.directory, "data", "muster.sock");
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const headers = payload === undefined ? {} : { "content-type": "application/json" };
    return new Promise((resolve, reject) => {
      const call = request({ socketPath, path: target, method, headers, timeout: 30_000 }, (answer) => {
        const chunks: Buffer[] = [];
        answer.on("data", (chunk: Buffer) => chunks.push(chunk));
        answer.on("error", reject);
        answer.on("end", () =>
          resolve({ status: answer.statusCode ?? 0, body: parse(Buffer.concat(chunks).toString()) }),
        );
      });
      call.on("error", reject);
      call.on("timeout", () => call.destroy(new Error(`${method} ${target}: no answer within 30 s`)));
      call.end(payload);
    });
  }

  /** Calls the API and expects success. */
  async must(method: string, target: string, body?: object): Promise<unknown> {
    const answer = await this.api(method, target, body);
    if (answer.status >= 300) {
      throw new Error(`${method} ${target}: ${answer.status} ${JSON.stringify(answer.body)}`);
    }
    return answer.body;
  }

  /** Registers a machine, with the fields of its spec flat beside its name, as a person would. */
  async register(machine: { readonly name: string } & MachineSpecInput): Promise<Machine> {
    return (await this.must("POST", "/api/v1/machines", machine)) as Machine;
  }

  /**
   * Waits until the installer and the boot programs are there. A registered machine's are pulled without being asked for; this
   * is for a test that wants no firmware to find its boot program missing.
   */
  async pullInstaller(os: string, seconds = 300): Promise<void> {
    await this.must("POST", "/api/v1/assets/pull", { os });
    const deadline = performance.now() + seconds * 1000;
    for (;;) {
      const page = await this.must("GET", "/api/v1/events?after=0&limit=1000");
      if ((page as { items: readonly StoredEvent[] }).items.some(({ type }) => type === "assets-pulled"))
        return;
      if (performance.now() > deadline)
        throw new Error(`${os} was not pulled within ${seconds} s:\n${this.log}`);
      await delay(500);
    }
  }

  async machine(name: string): Promise<Machine> {
    return (await this.must("GET", `/api/v1/machines/${name}`)) as Machine;
  }

  /** The timeline of one machine, oldest first. */
  async events(name: string): Promise<readonly StoredEvent[]> {
    const page = await this.must("GET", `/api/v1/machines/${name}/events?limit=1000&after=0`);
    return (page as { items: readonly StoredEvent[] }).items;
  }

  /** Waits until a machine is as wanted; rejects with its timeline when it fails first or the limit (seconds) is over. */
  async waitForMachine(
    name: string,
    isWanted: (machine: Machine) => boolean,
    seconds: number,
  ): Promise<Machine> {
    const deadline = performance.now() + seconds * 1000;
    for (;;) {
      const machine = await this.machine(name);
      if (isWanted(machine)) return machine;
      if (machine.state === "failed" || performance.now() > deadline) {
        const timeline = (await this.events(name)).map(({ type, message }) => `  ${type}: ${message}`);
        const problem =
          machine.state === "failed" ? `failed: ${machine.failure?.reason ?? ""}` : `is ${machine.state}`;
        throw new Error(`${name} ${problem} (stage ${machine.stage ?? "none"}):\n${timeline.join("\n")}`);
      }
      await delay(500);
    }
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

function isObject(value: unknown): value is LogLine {
  return typeof value === "object" && value !== null;
}
