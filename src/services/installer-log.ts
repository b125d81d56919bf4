/** What the installers write to syslog: for people to read, live and later. Nothing here ever moves a machine. */
import type { Machine } from "../domain/machine.ts";
import { maskTickets } from "../domain/ticket.ts";
import type { Clock, Log, LogLine, Service } from "./ports.ts";
import type { InstallerLogStore, LogQuery } from "./store.ts";
import type { Timers } from "./timers.ts";
import { WriteBehind } from "./write-behind.ts";

export interface InstallerLogOptions {
  readonly store: InstallerLogStore;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  /** Finds the machine that was last seen at an address. */
  readonly machineAt: (address: string) => Machine | undefined;
  /** Lines kept of one installation; 20,000 when left out. */
  readonly keep?: number;
}

/** One line as it arrived by syslog. */
export interface SyslogLine {
  /** Where it came from: the only hint at the machine. */
  readonly address: string;
  readonly program: string;
  readonly text: string;
}

const WAITING_KEPT = 20_000;
const DELAY_MS = 250;
const LONGEST_LINE = 2_000;
const LONGEST_PROGRAM = 64;
/** Escape sequences and other control characters would act on the terminal of whoever reads the log. */
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

export class InstallerLog implements Service {
  readonly #options: InstallerLogOptions;
  readonly #queue: WriteBehind<LogLine>;
  readonly #listeners = new Set<(line: LogLine) => void>();
  /** Lines since the last pruning, by machine and generation. */
  readonly #counts = new Map<string, number>();
  #lastId: number | undefined;

  constructor(options: InstallerLogOptions) {
    this.#options = options;
    this.#queue = new WriteBehind<LogLine>({
      write: (lines) => this.#write(lines),
      what: "installer log lines",
      timers: options.timers,
      log: options.log,
      delay: DELAY_MS,
      capacity: WAITING_KEPT,
    });
  }

  async start(): Promise<void> {
    this.#lastId ??= await this.#options.store.lastId();
  }

  async stop(): Promise<void> {
    await this.#queue.flush();
  }

  /** Takes a syslog line; lines of unknown senders and of machines that install nothing are dropped. Never throws. */
  noteSyslog(line: SyslogLine): void {
    const machine = this.#options.machineAt(line.address);
    if (machine?.state === "installing" || machine?.state === "failed") this.note(machine, line);
  }

  /** Adds one line to a machine's log of its present generation. */
  note(machine: Pick<Machine, "name" | "generation">, line: Pick<SyslogLine, "program" | "text">): void {
    if (this.#lastId === undefined) return;
    const kept: LogLine = {
      id: ++this.#lastId,
      machine: machine.name,
      generation: machine.generation,
      at: this.#options.clock.now(),
      program: line.program.replace(CONTROL, "").slice(0, LONGEST_PROGRAM),
      text: maskTickets(line.text.replace(CONTROL, "")).slice(0, LONGEST_LINE),
    };
    this.#queue.add(kept);
    for (const listener of this.#listeners) this.#tell(listener, kept);
  }

  /** Matching lines, oldest first. */
  async list(query: LogQuery): Promise<readonly LogLine[]> {
    await this.#queue.flush();
    return this.#options.store.list(query);
  }

  /** Calls the listener with every new line; returns the function that ends it. */
  subscribe(listener: (line: LogLine) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #tell(listener: (line: LogLine) => void, line: LogLine): void {
    try {
      listener(line);
    } catch (error) {
      this.#options.log.error({ err: error }, "a listener of the installer log failed");
    }
  }

  async #write(lines: readonly LogLine[]): Promise<void> {
    await this.#options.store.append(lines);
    for (const { machine, generation } of lines) {
      const key = `${generation} ${machine}`;
      this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    }
    await this.#prune();
  }

  async #prune(): Promise<void> {
    const { store, keep = 20_000 } = this.#options;
    for (const [key, count] of this.#counts) {
      if (count < keep / 20) continue;
      const [generation = "", machine = ""] = key.split(" ");
      this.#counts.delete(key);
      await store.prune({ machine, generation: Number(generation), keep });
      // Of earlier installations only the last one still helps anybody.
      await store.dropBefore({ machine, generation: Number(generation) - 1 });
    }
  }
}
