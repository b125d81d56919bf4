/**
 * Syslog messages as installers and firmware send them (RFC 3164, RFC 5424): hostile text until it is read here.
 * Total: what has no recognisable header is a message of an unknown program.
 */

export interface SyslogMessage {
  /** 0 kern, 1 user, 3 daemon… (RFC 5424 section 6.2.1). */
  readonly facility: number;
  /** 0 emergency … 7 debug. */
  readonly severity: number;
  /** Program name without its process id; empty when there is none. */
  readonly program: string;
  /** One line: control characters are gone, at most 2048 characters. */
  readonly text: string;
}

const MAX_TEXT = 2048;
const MAX_PROGRAM = 48;
/** What a message without priority is taken for: user, notice (RFC 3164 section 4.3.3). */
const DEFAULT_PRIORITY = 13;

const PRIORITY = /^<(\d{1,3})>/;
const RFC5424 = /^1 (\S+) (\S+) (\S+) (\S+) (\S+) (-|(?:\[(?:[^\]\\]|\\.)*\])+) ?/;
const RFC3164_TIME = /^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d /;
/** busybox and debian-installer leave the host out; others write it before the tag. */
const TAG = /^(?:([A-Za-z0-9._-]+) )?([A-Za-z0-9_./()-]{1,48})(?:\[\d{1,10}\])?: ?/;
const BARE_TAG = /^([A-Za-z0-9_./()-]{1,48})(?:\[\d{1,10}\])?: ?/;

/** Reads one datagram. */
export function parseSyslog(datagram: Uint8Array): SyslogMessage {
  const whole = Buffer.from(datagram.buffer, datagram.byteOffset, datagram.length).toString("utf8");
  const found = PRIORITY.exec(whole);
  const stated = Number(found?.[1] ?? DEFAULT_PRIORITY);
  const priority = stated <= 191 ? stated : DEFAULT_PRIORITY;
  const rest = whole.slice(found?.[0].length ?? 0);
  const { program, text } = modern(rest) ?? traditional(rest);
  return {
    facility: priority >> 3,
    severity: priority & 7,
    program: printable(program).slice(0, MAX_PROGRAM),
    text: printable(text).slice(0, MAX_TEXT),
  };
}

function modern(rest: string): { program: string; text: string } | undefined {
  const header = RFC5424.exec(rest);
  if (!header) return undefined;
  const program = header[3] === "-" ? "" : (header[3] ?? "");
  return { program, text: rest.slice(header[0].length).replace(/^\uFEFF/, "") };
}

function traditional(rest: string): { program: string; text: string } {
  const time = RFC3164_TIME.exec(rest);
  const body = rest.slice(time?.[0].length ?? 0);
  // Only behind a time stamp can the first word be a host name; elsewhere it is part of the text.
  const tag = time ? TAG.exec(body) : BARE_TAG.exec(body);
  if (!tag) return { program: "", text: body };
  return { program: (time ? tag[2] : tag[1]) ?? "", text: body.slice(tag[0].length) };
}

/** Control characters, and the marks that turn text around on a screen, become a space; the ends are trimmed. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069\uFFFD]+/gu, " ").trim();
}
