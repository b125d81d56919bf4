/** What the appliance saw and did, in words for somebody who watches: each source's record becomes a chapter and a sentence. */
import type { StoredEvent } from "../../src/services/ports.ts";
import type { LogLine } from "../support/appliance.ts";

export interface Sentence {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly chapter: "DHCP" | "TFTP" | "HTTP" | "machine";
  readonly text: string;
}

/** A DHCP decision, as `diagnose` lists them. */
export interface Packet {
  readonly at: number;
  readonly message: string;
  readonly reply?: string;
  readonly address?: string;
  readonly bootFile?: string;
  readonly because: string;
}

/** Packages are counted, reports are the machine's own chapter. */
const TOLD_ELSEWHERE = /^\/mirror\/|\/report$|^\/healthz$/;

/** A DHCP exchange: what was asked, what was answered or why nothing. */
export function tellPacket(packet: Packet): Sentence {
  const { at, message, reply, address, bootFile, because } = packet;
  const offer = [address, bootFile && `boot file ${bootFile}`].filter(Boolean).join(", ");
  const text = reply === undefined ? `${message}: no answer, ${because}` : `${message} → ${reply} ${offer}`;
  return { at, chapter: "DHCP", text: text.trimEnd() };
}

/** A transfer or request from the appliance's log; undefined for what is told elsewhere or not worth a line. */
export function tellLog(line: LogLine): Sentence | undefined {
  const at = timeOf(line["time"]);
  const message = textOf(line["msg"]);
  const path = textOf(line["path"]);
  if (message.startsWith("TFTP ") && path !== "") {
    return {
      at,
      chapter: "TFTP",
      text: `${path} (${textOf(line["bytes"])} bytes, ${message.slice("TFTP ".length)})`,
    };
  }
  if (message !== "boot request" || TOLD_ELSEWHERE.test(path)) return undefined;
  const from = textOf(line["userAgent"]).split(" ")[0] ?? "";
  return {
    at,
    chapter: "HTTP",
    text: `${textOf(line["method"])} ${path} → ${textOf(line["status"])} (${from})`,
  };
}

/** An entry of the machine's timeline. */
export function tellEvent({ at, message }: StoredEvent): Sentence {
  return { at, chapter: "machine", text: message };
}

/** Whether a log line is a package that came through the mirror. */
export function isPackage(line: LogLine): boolean {
  return textOf(line["msg"]) === "boot request" && /^\/mirror\/.*\.u?deb$/.test(textOf(line["path"]));
}

function timeOf(value: unknown): number {
  return typeof value === "number" ? value : Date.parse(textOf(value));
}

function textOf(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}
