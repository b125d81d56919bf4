/** The log port over pino: JSON lines for machines, one readable line each for a person at a terminal. */
import { Writable } from "node:stream";
import { styleText } from "node:util";
import { pino } from "pino";
import { MusterError } from "../../domain/errors.ts";
import type { Log } from "../../services/ports.ts";

export interface LogOptions {
  readonly level: "trace" | "debug" | "info" | "warn" | "error";
  /** `auto` is text on a terminal and JSON elsewhere. */
  readonly format: "auto" | "json" | "text";
  readonly stream: Writable & { readonly isTTY?: boolean };
}

/** Opens the log. Errors under `err` and `error` are written with their stack, foreseen ones without; nothing else is touched. */
export function createLog({ level, format, stream }: LogOptions): Log {
  const asText = format === "text" || (format === "auto" && stream.isTTY === true);
  const destination = asText ? textStream(stream) : stream;
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: errorFields, error: errorFields },
    },
    destination,
  );
}

/** A mirror that does not answer is no fault of the program: its sentence says all, every minute anew. */
function errorFields(error: Error): object {
  if (!(error instanceof MusterError) || isUnforeseen(error.cause)) return pino.stdSerializers.err(error);
  return { type: error.name, code: error.code, message: error.message };
}

/** What the platform reports has a code; anything else went wrong in the program. */
function isUnforeseen(cause: unknown): boolean {
  return cause instanceof Error && !("code" in cause);
}

const COLOURS = { warn: "yellow", error: "red", debug: "dim", trace: "dim" } as const;
const OWN_FIELDS = new Set(["level", "time", "msg", "err", "error"]);

function textStream(stream: LogOptions["stream"]): Writable {
  return new Writable({
    decodeStrings: false,
    write(line: string | Buffer, _encoding, done) {
      stream.write(`${textLine(line.toString())}\n`, done);
    },
  });
}

function textLine(json: string): string {
  const entry = JSON.parse(json) as Readonly<Record<string, unknown>>;
  const level = String(entry.level);
  const time = String(entry.time).slice(11, 19);
  const fields = Object.entries(entry)
    .filter(([key]) => !OWN_FIELDS.has(key))
    .map(([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`);
  const failure = (entry.err ?? entry.error) as { readonly message?: string } | undefined;
  const message = [
    String(entry.msg),
    ...(failure?.message === undefined ? [] : [`(${failure.message})`]),
  ].join(" ");
  const colour = COLOURS[level as keyof typeof COLOURS] as (typeof COLOURS)[keyof typeof COLOURS] | undefined;
  const shown = colour ? styleText(colour, message) : message;
  return [time, shown, ...(fields.length > 0 ? [styleText("dim", fields.join(" "))] : [])].join("  ");
}
