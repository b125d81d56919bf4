/** Where a value stands in a YAML text: from its path in the document to the offset of its key or list item. */
import { type Document, isMap, isNode, isPair, isScalar, isSeq, type Node } from "yaml";

/** Offset of the key (or list item) at `path`, or of its nearest ancestor below the root; undefined when nothing is there. */
export function offsetOf(document: Document, path: readonly PropertyKey[]): number | undefined {
  let node: unknown = document.contents;
  let offset: number | undefined;
  for (const step of path) {
    const next = childOf(node, step);
    if (next === undefined) break;
    offset = next.offset;
    node = next.node;
  }
  return offset;
}

/** Offset at which a node begins. */
export function startOf(node: Node): number {
  return node.range?.[0] ?? 0;
}

/** What the parser says about broken YAML, without the excerpt it appends. */
export function sentence(message: string): string {
  return message.split("\n")[0] ?? message;
}

function childOf(node: unknown, step: PropertyKey): { node: unknown; offset: number } | undefined {
  if (isSeq(node) && typeof step === "number") {
    const item = node.items[step];
    return isNode(item) ? { node: item, offset: startOf(item) } : undefined;
  }
  if (!isMap(node)) return undefined;
  for (const pair of node.items) {
    if (isPair(pair) && isScalar(pair.key) && String(pair.key.value) === String(step)) {
      return { node: pair.value, offset: startOf(pair.key) };
    }
  }
  return undefined;
}
