/** What every command is given: the terminal, the global options, the appliance, and ways to print. */
import type { ApiClient } from "../adapters/client/api-client.ts";
import { UNFOLDED } from "./format.ts";
import type { GlobalOptions } from "./global-options.ts";
import { type Style, styleFor } from "./style.ts";
import { type Column, tableLines } from "./table.ts";
import type { Terminal } from "./terminal.ts";

export class Session {
  readonly terminal: Terminal;
  readonly #options: () => GlobalOptions;

  constructor(terminal: Terminal, options: () => GlobalOptions) {
    this.terminal = terminal;
    this.#options = options;
  }

  get options(): GlobalOptions {
    return this.#options();
  }

  /** The appliance that the options, the environment or the configuration on this host point to. */
  async client(): Promise<ApiClient> {
    const { connect } = await import("./connect.ts");
    return connect(this.terminal, this.options);
  }

  /** Colours for data on stdout. */
  get style(): Style {
    const { environment, stdout } = this.terminal;
    return styleFor(stdout, { wanted: this.options.color, environment });
  }

  /** Rows as a table, or whole as JSON or YAML. `whole` is what the API answered. */
  async print<Row>(
    rows: readonly Row[],
    columns: readonly Column<Row>[],
    whole: unknown = rows,
  ): Promise<void> {
    if (await this.printWhole(whole)) return;
    for (const line of tableLines(rows, columns)) this.data(line);
  }

  /** Prints a value as JSON or YAML when that was asked for; false when a table is wanted. */
  async printWhole(value: unknown): Promise<boolean> {
    const format = this.options.output ?? "table";
    if (format === "table") return false;
    if (format === "json") {
      this.data(JSON.stringify(value, null, 2));
      return true;
    }
    const { stringify } = await import("yaml");
    this.data(stringify(value, UNFOLDED).trimEnd());
    return true;
  }

  /** One line of data on stdout. */
  data(line: string): void {
    this.terminal.stdout.write(`${line}\n`);
  }

  /** One line for the person, on stderr; silent with `--quiet`. */
  say(line: string): void {
    if (this.options.quiet !== true) this.terminal.stderr.write(`${line}\n`);
  }

  /** A warning on stderr; `--quiet` does not silence it. */
  warn(line: string): void {
    this.terminal.stderr.write(`muster: warning: ${line}\n`);
  }

  /** Whether somebody can be asked. */
  get interactive(): boolean {
    return this.terminal.stdin.isTTY === true && this.terminal.stderr.isTTY === true;
  }
}
