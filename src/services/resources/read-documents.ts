/** YAML texts into resources: several documents to a file, each value with the line where it was written. */
import { type Document, LineCounter, parseAllDocuments } from "yaml";
import { offsetOf, sentence, startOf } from "../../config/yaml-place.ts";
import { documentSchema, keyOf, type Place, type PlacedResource } from "../../domain/cluster/resource.ts";
import type { Fault } from "../../domain/errors.ts";
import { complaintsOf } from "../../domain/faults.ts";
import { MAX_NESTING, nestsTooDeep } from "../../domain/nesting.ts";
import { pathText } from "../../domain/value-path.ts";

/** One text of documents, as a file or the body of a request holds it. */
export interface ResourceText {
  /** The name shown in messages. */
  readonly name: string;
  readonly text: string;
}

export interface ReadResult {
  readonly resources: readonly PlacedResource[];
  readonly faults: readonly Fault[];
}

/** Every document of the texts in their order; empty ones are skipped. Two documents of one kind and name are a fault. */
export function readDocuments(texts: readonly ResourceText[]): ReadResult {
  const read = texts.map(readText);
  return withoutTwins(
    read.flatMap(({ resources }) => resources),
    read.flatMap(({ faults }) => faults),
  );
}

/** Documents that came as values, without a text to point into. */
export function readValues(documents: readonly unknown[]): ReadResult {
  const read = documents.map((document, index) =>
    readDocument(document, { placeOf: () => ({}), label: `documents[${index}]` }),
  );
  return withoutTwins(
    read.flatMap(({ resources }) => resources),
    read.flatMap(({ faults }) => faults),
  );
}

function readText({ name, text }: ResourceText): ReadResult {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false });
  if (!Array.isArray(documents)) return { resources: [], faults: [] };
  const read = documents.map((document): ReadResult => {
    const at = (offset: number): Place => {
      const { line, col } = lines.linePos(offset);
      return { file: name, line, column: col };
    };
    const faults = document.errors.map((error) => ({
      path: "",
      message: sentence(error.message),
      ...at(error.pos[0]),
    }));
    if (faults.length > 0) return { resources: [], faults };
    const start = document.contents ? startOf(document.contents) : 0;
    const value = valueOf(document);
    if (value instanceof Error) {
      return { resources: [], faults: [{ path: "", message: sentence(value.message), ...at(start) }] };
    }
    if (value === null || value === undefined) return { resources: [], faults: [] };
    return readDocument(value, { placeOf: (path) => at(offsetOf(document, path) ?? start), label: "" });
  });
  return {
    resources: read.flatMap(({ resources }) => resources),
    faults: read.flatMap(({ faults }) => faults),
  };
}

// A document that refers to an anchor of another one, or nests aliases without end, has no value.
function valueOf(document: Document): unknown {
  try {
    return document.toJS();
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

interface Origin {
  readonly placeOf: (path: readonly PropertyKey[]) => Place;
  /** Stands before the path where there is no file to name. */
  readonly label: string;
}

function readDocument(value: unknown, { placeOf, label }: Origin): ReadResult {
  if (nestsTooDeep(value)) {
    const message = `is nested more than ${MAX_NESTING} deep, or contains itself`;
    return { resources: [], faults: [{ path: label, message, ...placeOf([]) }] };
  }
  const parsed = documentSchema.safeParse(value);
  if (!parsed.success) {
    const faults = complaintsOf(parsed.error, documentSchema, value).map(({ path, message }) => ({
      path: [label, pathText(path)].filter((part) => part !== "").join("."),
      message,
      ...placeOf(path),
    }));
    return { resources: [], faults };
  }
  const { kind, metadata, spec } = parsed.data;
  const resource: PlacedResource = {
    kind,
    name: metadata.name,
    spec,
    placeOf: (path) => placeOf(["spec", ...path]),
  };
  return { resources: [resource], faults: [] };
}

function withoutTwins(resources: readonly PlacedResource[], faults: readonly Fault[]): ReadResult {
  const first = new Map<string, PlacedResource>();
  const twins = resources.flatMap((resource): Fault[] => {
    const key = keyOf(resource);
    const other = first.get(key);
    if (!other) {
      first.set(key, resource);
      return [];
    }
    const { file, line } = other.placeOf([]);
    const where = file === undefined ? "" : `, at ${file}:${line ?? 1}`;
    const path = `${resource.kind} ${resource.name}`;
    return [{ path, message: `is written twice${where}`, ...resource.placeOf([]) }];
  });
  return { resources: [...first.values()], faults: [...faults, ...twins] };
}
