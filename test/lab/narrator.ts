/** Follows one machine through the appliance's own eyes and prints each thing once, with the time since power-on. */
import type { Machine } from "../../src/domain/machine.ts";
import type { Appliance } from "../support/appliance.ts";
import { isPackage, type Packet, type Sentence, tellEvent, tellLog, tellPacket } from "./story.ts";

const CLEAR_LINE = "\r\u001b[2K";

export class Narrator {
  readonly #appliance: Appliance;
  readonly #name: string;
  readonly #startedAt = Date.now();
  readonly #told = new Set<string>();
  #packages = 0;
  #logLine = 0;

  constructor(options: { readonly appliance: Appliance; readonly name: string }) {
    this.#appliance = options.appliance;
    this.#name = options.name;
  }

  /** Packages that came through the mirror. */
  get packages(): number {
    return this.#packages;
  }

  /** Time since power-on as `m:ss`. */
  get elapsed(): string {
    return clock(Date.now() - this.#startedAt);
  }

  /** Prints what is new, and returns the machine as it is now. */
  async tell(): Promise<Machine> {
    const machine = await this.#appliance.machine(this.#name);
    const sentences = [...(await this.#packets()), ...this.#log(), ...(await this.#events())];
    const fresh = sentences
      .filter(({ at }) => at >= this.#startedAt)
      .filter((sentence) => this.#isNew(sentence))
      .sort((one, other) => one.at - other.at);
    for (const { at, chapter, text } of fresh) {
      this.#clear();
      process.stdout.write(`${clock(at - this.#startedAt).padStart(6)}  ${chapter.padEnd(7)}  ${text}\n`);
    }
    await this.#status(machine);
    return machine;
  }

  async #packets(): Promise<Sentence[]> {
    const diagnosis = await this.#appliance.must("GET", `/api/v1/machines/${this.#name}/diagnose`);
    return (diagnosis as { packets: Packet[] }).packets.map(tellPacket);
  }

  #log(): Sentence[] {
    const lines = this.#appliance.logLines;
    const fresh = lines.slice(this.#logLine);
    this.#logLine = lines.length;
    this.#packages += fresh.filter(isPackage).length;
    return fresh.flatMap((line) => tellLog(line) ?? []);
  }

  async #events(): Promise<Sentence[]> {
    return (await this.#appliance.events(this.#name)).map(tellEvent);
  }

  #isNew({ at, text }: Sentence): boolean {
    const key = `${at} ${text}`;
    if (this.#told.has(key)) return false;
    this.#told.add(key);
    return true;
  }

  /** On a terminal, one line that changes: the time, the stage and what the installer says last. */
  async #status({ state, stage }: Machine): Promise<void> {
    if (!process.stdout.isTTY) return;
    const path = `/api/v1/machines/${this.#name}/logs?limit=1`;
    const page = (await this.#appliance.must("GET", path)) as { items: { program: string; text: string }[] };
    const said = page.items.at(-1);
    const doing = [state, stage, said && `${said.program}: ${said.text}`].filter(Boolean).join(" · ");
    const width = (process.stdout.columns || 80) - 10;
    process.stdout.write(`${CLEAR_LINE}${this.elapsed.padStart(6)}  ${doing.slice(0, width)}`);
  }

  #clear(): void {
    if (process.stdout.isTTY) process.stdout.write(CLEAR_LINE);
  }
}

function clock(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
