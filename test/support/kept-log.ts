/** A log that keeps its lines for a test to look at. */
import type { Log } from "../../src/services/ports.ts";

export interface KeptLine {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly message: string;
  readonly fields: object;
}

export class KeptLog implements Log {
  readonly lines: KeptLine[] = [];

  debug(fields: object, message: string): void {
    this.lines.push({ level: "debug", message, fields });
  }

  info(fields: object, message: string): void {
    this.lines.push({ level: "info", message, fields });
  }

  warn(fields: object, message: string): void {
    this.lines.push({ level: "warn", message, fields });
  }

  error(fields: object, message: string): void {
    this.lines.push({ level: "error", message, fields });
  }

  child(): Log {
    return this;
  }
}
