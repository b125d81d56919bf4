/** A terminal in memory: what commands read and print, and an interrupt that the test sends. */
import { PassThrough, Readable, Writable } from "node:stream";
import { runProgram } from "../../src/cli/program.ts";
import type { Screen, Terminal } from "../../src/cli/terminal.ts";

export interface FakeTerminalOptions {
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly workingDirectory?: string;
  /** What is typed or piped in. */
  readonly input?: string;
  /** Whether stdin, stdout and stderr are a terminal. */
  readonly isTTY?: boolean;
}

export class FakeTerminal implements Terminal {
  readonly stdin: Terminal["stdin"];
  readonly stdout: Screen;
  readonly stderr: Screen;
  readonly environment: Terminal["environment"];
  readonly workingDirectory: string;
  readonly interrupted: AbortSignal;
  readonly #interruption = new AbortController();
  #out = "";
  #err = "";

  constructor(options: FakeTerminalOptions = {}) {
    const { isTTY = false, input } = options;
    // A terminal stays open after what was typed, a pipe ends.
    const typed = new PassThrough();
    if (input !== undefined) typed.write(input);
    this.stdin = Object.assign(
      isTTY ? typed : Readable.from(input === undefined ? [] : [Buffer.from(input)]),
      { isTTY },
    );
    this.stdout = screen(isTTY, (text) => {
      this.#out += text;
    });
    this.stderr = screen(isTTY, (text) => {
      this.#err += text;
    });
    this.environment = options.environment ?? {};
    this.workingDirectory = options.workingDirectory ?? "/nonexistent";
    this.interrupted = this.#interruption.signal;
  }

  /** Everything printed on stdout so far. */
  get out(): string {
    return this.#out;
  }

  /** Everything printed on stderr so far. */
  get err(): string {
    return this.#err;
  }

  interrupt(): void {
    this.#interruption.abort();
  }

  /** Runs one command line and returns its exit code. */
  run(...words: readonly string[]): Promise<number> {
    return runProgram(words, this);
  }
}

function screen(isTTY: boolean, take: (text: string) => void): Screen {
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      take(chunk.toString());
      done();
    },
  });
  return Object.assign(stream, { isTTY, columns: 100, rows: 24 });
}
