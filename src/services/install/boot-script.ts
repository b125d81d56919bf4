/**
 * The boot script of one machine: what the registry decides about this boot, made durable, then written down in words
 * that a person in front of the screen understands. A script is always the answer, whatever goes wrong.
 */
import { type AssetReadiness, type BootDecision, decideBoot } from "../../domain/boot-decision.ts";
import { RenderError } from "../../domain/errors.ts";
import { consoleLines, installerArguments, rescueArguments } from "../../domain/install/kernel-arguments.ts";
import { LOCAL_BOOT, localBootOf } from "../../domain/install/local-boot.ts";
import type { ApplianceFacts } from "../../domain/install/plan.ts";
import type { LifecycleLimits } from "../../domain/lifecycle-events.ts";
import type { Machine, Sighting } from "../../domain/machine.ts";
import type { Mac } from "../../net/mac.ts";
import { type Assets, type Installer, type InstallerNeed, needOf } from "../assets/assets.ts";
import { BootRequests } from "../boot-requests.ts";
import type { Clock, EventSink } from "../ports.ts";
import type { Registry } from "../registry.ts";
import { type BootDialect, type BootScriptName, IPXE } from "./boot-dialect.ts";
import { naming } from "./install-plans.ts";
import type { Templates } from "./ports.ts";

/** Circumstances of the request: evidence for the registry and the words on the screen. */
export interface BootRequest {
  readonly address?: string;
  readonly userAgent?: string;
}

export interface BootScripts {
  /** The script for a MAC: never empty, never an error. */
  scriptFor(mac: Mac, request: BootRequest): Promise<string>;
  /** For a MAC that could not be read. */
  scriptForNonsense(text: string): string;
  /** The script that finds a machine's own one: `boot.ipxe` and `autoexec.ipxe` (P-41), or `grub.cfg`. */
  finder(): string;
}

export interface BootScriptsOptions {
  readonly registry: Pick<Registry, "byMac" | "byName" | "apply" | "noteSighting">;
  readonly tickets: { issue(machine: Machine): Promise<string> };
  readonly assets: Pick<Assets, "status" | "ensure" | "installer">;
  readonly templates: Templates;
  readonly events: EventSink;
  readonly clock: Clock;
  readonly limits: LifecycleLimits;
  /** Where a machine reaches the appliance; undefined is a machine that nobody registered. */
  readonly appliance: (machine: Machine | undefined) => ApplianceFacts;
}

/** Scripts in seconds: how long a waiting machine lets pass between two questions, and how often it asks in vain. */
const PAUSE = { wait: 10, failed: 30, unknown: 30, approval: 30 } as const;
const QUESTIONS_IN_VAIN = 60;

interface Answer {
  readonly lines: readonly string[];
  readonly pause: number;
}

/** Scripts for iPXE, or for the program whose dialect is given. */
export function createBootScripts(options: BootScriptsOptions, dialect: BootDialect = IPXE): BootScripts {
  return new ScriptWriter(options, dialect);
}

class ScriptWriter implements BootScripts {
  readonly #options: BootScriptsOptions;
  readonly #dialect: BootDialect;
  readonly #requests: BootRequests;

  constructor(options: BootScriptsOptions, dialect: BootDialect) {
    this.#options = options;
    this.#dialect = dialect;
    this.#requests = new BootRequests(options);
  }

  async scriptFor(mac: Mac, request: BootRequest): Promise<string> {
    const { registry, clock } = this.#options;
    const machine = registry.byMac(mac);
    const sighting: Sighting = {
      at: clock.now(),
      mac,
      ...(request.address === undefined ? {} : { address: request.address }),
      ...(request.userAgent === undefined ? {} : { userAgent: request.userAgent }),
    };
    registry.noteSighting(sighting, machine);
    try {
      return machine ? await this.#decided(machine, mac) : this.#unknown(mac);
    } catch (error) {
      return this.#sorry(mac, machine, error);
    }
  }

  scriptForNonsense(text: string): string {
    const lines = [
      `This boot program asked for the machine "${text.slice(0, 40)}", which is no MAC address.`,
    ];
    return this.#waiting("unknown", undefined, undefined, { lines, pause: PAUSE.unknown });
  }

  finder(): string {
    return this.#script("boot", { base: this.#base(undefined) });
  }

  async #decided(machine: Machine, mac: Mac): Promise<string> {
    const { registry, limits } = this.#options;
    const need = needOf(machine.spec);
    const decision = decideBoot({ machine, assets: this.#readiness(machine, need), limits });
    this.#requests.note(machine, decision);
    if (decision.kind === "rescue" && !this.#options.assets.installer(need)) {
      return this.#rescueLater(machine, mac, need);
    }
    if (!decision.event) return this.#write(machine, mac, decision);
    const outcome = await registry.apply(machine.name, decision.event, "http");
    if (outcome.ok) return this.#write(outcome.machine, mac, decision);
    return this.#waitFor(machine, mac, [`This boot was refused: ${outcome.reason}.`]);
  }

  #readiness(machine: Machine, need: InstallerNeed): AssetReadiness {
    const { assets } = this.#options;
    const wanted = machine.state === "registered" || machine.state === "installing";
    if (wanted || machine.bootOverride !== undefined) assets.ensure(need);
    return assets.status(need);
  }

  async #write(machine: Machine, mac: Mac, decision: BootDecision): Promise<string> {
    switch (decision.kind) {
      case "install":
        return this.#install(machine, mac);
      case "rescue":
        return this.#rescue(machine, mac);
      case "local":
        return this.#local(machine, mac, decision.reason);
      case "failed":
        return this.#failed(machine, mac, decision.reason);
      case "inventory":
        return this.#waitFor(
          machine,
          mac,
          ["It was discovered and waits for approval:", `  muster approve ${machine.name}`],
          PAUSE.approval,
        );
      case "wait":
        return this.#waitFor(machine, mac, [`${capital(decision.reason)}.`]);
      case "unknown":
        return this.#unknown(mac);
    }
  }

  async #install(machine: Machine, mac: Mac): Promise<string> {
    const installer = this.#installer(machine);
    const ticket = await this.#options.tickets.issue(machine);
    const facts = this.#options.appliance(machine);
    const base = this.#base(machine);
    const { spec } = machine;
    const parts = naming(machine, () =>
      installerArguments({
        preseedUrl: `${base}/install/${ticket}/preseed.cfg`,
        hostname: machine.name,
        domain: spec.domain,
        mac,
        initrdName: baseName(installer.initrdPath),
        log: facts.syslogPort === undefined ? undefined : { host: facts.address, port: facts.syslogPort },
        console: spec.console,
        extra: spec.kernelArguments,
      }),
    );
    const title = `Debian ${spec.os.version} (${spec.os.architecture}), generation ${machine.generation}`;
    return this.#loading(machine, mac, { installer, title, parts });
  }

  #rescue(machine: Machine, mac: Mac): string {
    const installer = this.#installer(machine);
    const { spec } = machine;
    const parts = rescueArguments({
      hostname: machine.name,
      mac,
      initrdName: baseName(installer.initrdPath),
      console: spec.console,
      extra: spec.kernelArguments,
    });
    return this.#loading(machine, mac, {
      installer,
      title: `the rescue system of Debian ${spec.os.version}`,
      parts,
    });
  }

  #loading(
    machine: Machine,
    mac: Mac,
    what: { readonly installer: Installer; readonly title: string; readonly parts: readonly string[] },
  ): string {
    const base = this.#base(machine);
    const { fileAt, scriptAt, argument } = this.#dialect;
    return this.#script("install", {
      name: machine.name,
      mac,
      title: what.title,
      base,
      kernelUrl: fileAt(base, what.installer.kernelPath),
      initrdUrl: fileAt(base, what.installer.initrdPath),
      arguments: what.parts.map(argument).join(" "),
      scriptUrl: scriptAt(base, mac),
    });
  }

  #local(machine: Machine, mac: Mac, reason: string): string {
    const lines = consoleLines(`boots its own disk, because ${reason}`);
    const known = LOCAL_BOOT["chain-esp"].loaders;
    return this.#script("local", { name: machine.name, mac, lines, known, ...localBootOf(machine.spec) });
  }

  #failed(machine: Machine, mac: Mac, reason: string): Promise<string> | string {
    const stage = machine.failure?.stage;
    const lines = [
      `${capital(reason)}.`,
      ...(stage ? [`It had reached the stage ${stage}.`] : []),
      "Nothing happens until somebody decides. Look at it, then try again with:",
      `  muster logs ${machine.name}`,
      `  muster retry ${machine.name}`,
    ];
    return this.#waitFor(machine, mac, lines, PAUSE.failed);
  }

  #rescueLater(machine: Machine, mac: Mac, need: InstallerNeed): string {
    const status = this.#options.assets.status(need);
    const what = status.kind === "pulling" ? status.what : "the rescue system";
    return this.#waitFor(machine, mac, [`Rescue was asked for; waiting for ${what}.`]);
  }

  #unknown(mac: Mac): string {
    const lines = [
      "Nobody registered this machine. To install it:",
      `  muster register ${mac} --name NAME --os debian-13`,
    ];
    return this.#waiting("unknown machine", mac, undefined, { lines, pause: PAUSE.unknown });
  }

  #waitFor(machine: Machine, mac: Mac, lines: readonly string[], pause: number = PAUSE.wait): string {
    return this.#waiting(machine.name, mac, machine, { lines, pause });
  }

  #waiting(name: string, mac: Mac | undefined, machine: Machine | undefined, answer: Answer): string {
    const base = this.#base(machine);
    return this.#script("wait", {
      name,
      lines: [`${name}${mac ? ` (${mac})` : ""}`, ...answer.lines].flatMap((line) => consoleLines(line)),
      pause: answer.pause,
      rounds: QUESTIONS_IN_VAIN,
      base,
      scriptUrl: mac ? this.#dialect.scriptAt(base, mac) : `${base}/boot/boot.ipxe`,
    });
  }

  #sorry(mac: Mac, machine: Machine | undefined, error: unknown): string {
    const message = error instanceof Error ? error.message : String(error);
    this.#options.events.record({
      type: "boot-script-failed",
      source: "http",
      level: "alarm",
      mac,
      ...(machine ? { machine: machine.name } : {}),
      message: `no boot script could be made: ${message}`,
    });
    const known =
      error instanceof RenderError ? message : "something is wrong on the appliance; its log says what";
    return this.#waiting(machine?.name ?? "unknown machine", mac, machine, {
      lines: [`The boot script could not be made: ${known}`],
      pause: PAUSE.failed,
    });
  }

  #installer(machine: Machine): Installer {
    const installer = this.#options.assets.installer(needOf(machine.spec));
    if (installer) return installer;
    throw new RenderError(`machine ${machine.name}: its installer is not on disk any more`);
  }

  #script(name: BootScriptName, context: Readonly<Record<string, unknown>>): string {
    const template = this.#dialect.templateOf(name);
    const text = this.#options.templates.render(template, context);
    const fault = this.#dialect.check(text);
    if (fault) throw new RenderError(`${template}, line ${fault.line}: ${fault.message}`);
    return text;
  }

  #base(machine: Machine | undefined): string {
    const { address, httpPort } = this.#options.appliance(machine);
    return `http://${address}:${httpPort}`;
  }
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function capital(sentence: string): string {
  return sentence.charAt(0).toUpperCase() + sentence.slice(1);
}
