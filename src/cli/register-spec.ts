/** What `muster register` sends: the spec's fields from options, a YAML file or the lines of a CSV file. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { parse } from "yaml";
import { fileReason } from "../config/file-reason.ts";
import { type Assignment, isSection, overlay, sourceOf } from "../config/source.ts";
import { UsageError } from "./exit.ts";
import type { Terminal } from "./terminal.ts";

/** The options of `muster register` that say something about the machine. */
export interface RegisterOptions {
  readonly name?: string;
  readonly os?: string;
  readonly address?: string;
  readonly disk?: readonly string[];
  readonly layout?: string;
  readonly wipe?: boolean;
  readonly user?: string;
  readonly sshKey?: readonly string[];
  readonly package?: readonly string[];
  readonly console?: string;
  readonly cluster?: string;
  readonly role?: readonly string[];
  readonly set?: readonly string[];
  readonly spec?: string;
}

type Body = Readonly<Record<string, unknown>>;

/**
 * The body of one registration. Options win over the YAML file.
 * @throws UsageError when a file cannot be read or an option cannot be understood.
 */
export async function bodyFromOptions(
  terminal: Terminal,
  mac: string | undefined,
  options: RegisterOptions,
): Promise<Body> {
  const base = options.spec === undefined ? {} : await specFile(terminal, options.spec);
  const body = overlay(base, sourceOf([...set("mac", mac), ...assignmentsOf(terminal, options)]).values);
  if (body["mac"] === undefined) throw new UsageError("give the MAC of the machine, like 52:54:00:12:34:01");
  return body;
}

/**
 * One body for each line of a CSV file; what the options say holds for all of them unless a line says otherwise.
 * Empty cells say nothing. Column names are fields of the spec; dots lead into it, like `install.layout`.
 */
export async function bodiesFromCsv(
  terminal: Terminal,
  file: string,
  options: RegisterOptions,
): Promise<readonly Body[]> {
  const base = options.spec === undefined ? {} : await specFile(terminal, options.spec);
  const shared = overlay(base, sourceOf(assignmentsOf(terminal, options)).values);
  const [head, ...lines] = csvRows(await readInput(terminal, file));
  if (head === undefined || !head.includes("mac")) {
    throw new UsageError(`the first line of ${file} must name the columns, with mac among them`);
  }
  return lines.map((cells) => {
    const assignments = head.flatMap((column, index) => {
      const cell = cells[index] ?? "";
      return cell === "" ? [] : set(column, column === "mac" || column === "name" ? cell : valueOf(cell));
    });
    return overlay(shared, sourceOf(assignments).values);
  });
}

function assignmentsOf(terminal: Terminal, options: RegisterOptions): readonly Assignment[] {
  const disks = options.disk?.map(diskRule);
  return [
    ...set("name", options.name),
    ...set("os", options.os),
    ...set("address", options.address),
    ...set("install.disk", disks?.length === 1 ? disks[0] : disks),
    ...set("install.layout", options.layout),
    ...set("install.wipe", options.wipe),
    ...set("access.user", options.user),
    ...set(
      "access.sshKeys",
      options.sshKey?.map((file) => keyFile(terminal, file)),
    ),
    ...set("packages", options.package),
    ...set("console", options.console),
    ...set("cluster", options.cluster),
    ...set("roles", options.role),
    ...(options.set ?? []).flatMap(freeField),
  ];
}

function set(field: string, value: unknown): readonly Assignment[] {
  return value === undefined
    ? []
    : [{ path: field.split("."), value, origin: { kind: "flag", flag: field } }];
}

function freeField(text: string): readonly Assignment[] {
  const equals = text.indexOf("=");
  if (equals <= 0) throw new UsageError(`--set ${text}: write it like timezone=Europe/Berlin`);
  return set(text.slice(0, equals), valueOf(text.slice(equals + 1)));
}

/** `largest`, `only`, `/dev/sda`, or fields like `serial=S1,rotational=false`. */
function diskRule(text: string): unknown {
  if (text.startsWith("/dev/")) return { path: text };
  if (!text.includes("=")) return { match: text };
  const fields = text.split(",").map((pair): readonly [string, unknown] => {
    const [key = "", ...value] = pair.split("=");
    const raw = value.join("=");
    return [key, key === "rotational" ? raw === "true" : raw];
  });
  return Object.fromEntries(fields);
}

function valueOf(text: string): unknown {
  try {
    return parse(text) as unknown;
  } catch {
    return text;
  }
}

async function specFile(terminal: Terminal, file: string): Promise<Body> {
  const text = await readInput(terminal, file);
  try {
    const value: unknown = parse(text);
    if (isSection(value)) return value;
  } catch (error) {
    throw new UsageError(`${file} is no valid YAML: ${fileReason(error)}`);
  }
  throw new UsageError(`${file} must hold the fields of one machine, like mac: and name:`);
}

function keyFile(terminal: Terminal, file: string): string {
  return readFile(terminal, file).trim();
}

async function readInput(terminal: Terminal, file: string): Promise<string> {
  if (file !== "-") return readFile(terminal, file);
  const chunks: Buffer[] = [];
  for await (const chunk of terminal.stdin) chunks.push(Buffer.from(chunk as Uint8Array));
  return Buffer.concat(chunks).toString("utf8");
}

function readFile(terminal: Terminal, file: string): string {
  try {
    return readFileSync(path.resolve(terminal.workingDirectory, file), "utf8");
  } catch (error) {
    throw new UsageError(`cannot read ${file}: ${fileReason(error)}`);
  }
}

/** RFC 4180: quoted cells may hold commas and doubled quotes; empty lines and `#` lines are skipped. */
function csvRows(text: string): readonly (readonly string[])[] {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== "" && !line.startsWith("#"));
  return lines.map((line) =>
    [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(([, quoted, bare]) =>
      (quoted?.replaceAll('""', '"') ?? bare ?? "").trim(),
    ),
  );
}
