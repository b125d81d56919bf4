/** `muster.yaml` as a source of values that remembers the line and column of each. */
import { type Document, LineCounter, parseDocument } from "yaml";
import type { Fault } from "../domain/errors.ts";
import { type SchemaNode, schemaTree } from "./settings.ts";
import { isSection, type Source } from "./source.ts";
import { offsetOf, sentence } from "./yaml-place.ts";

/**
 * Reads the text of a configuration file.
 * @param file the name shown in messages.
 * @returns the source, and every fault of the YAML itself with its position.
 */
export function readYaml(
  text: string,
  file: string,
): { readonly source: Source; readonly faults: readonly Fault[] } {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const positionOf = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  const faults: Fault[] = document.errors.map((error) => ({
    path: "",
    message: sentence(error.message),
    file,
    ...positionOf(error.pos[0]),
  }));
  const raw: unknown = faults.length === 0 ? toValue(document, file, faults) : {};
  return {
    faults,
    source: {
      values: isSection(raw) ? withoutEmptySections(raw, schemaTree()) : {},
      originOf: (path) => {
        const offset = offsetOf(document, path);
        return offset === undefined ? undefined : { kind: "file", file, ...positionOf(offset) };
      },
    },
  };
}

function toValue(document: Document, file: string, faults: Fault[]): unknown {
  try {
    const value: unknown = document.toJS();
    if (value === null || isSection(value)) return value;
    faults.push({
      path: "",
      message: "expected keys and values at the top of the file",
      file,
      line: 1,
      column: 1,
    });
  } catch (error) {
    faults.push({ path: "", message: sentence(String(error)), file, line: 1, column: 1 });
  }
  return {};
}

/** A section whose every line is commented out reads as null in YAML; it means "all defaults". */
function withoutEmptySections(values: Record<string, unknown>, node: SchemaNode): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(values)) {
    const child = node.properties?.[key];
    if (value === null && child?.properties !== undefined) continue;
    kept[key] = isSection(value) && child?.properties ? withoutEmptySections(value, child) : value;
  }
  return kept;
}
