/** Debian control data (deb822): paragraphs of `Field: value` lines, continued by lines that start with a blank. */

/** Fields of one paragraph by lower-case name; continuation lines are joined by newlines. */
export type Paragraph = ReadonlyMap<string, string>;

/** Takes text in pieces of any size and calls back for each paragraph as it is complete. */
export interface ParagraphReader {
  push(text: string): void;
  /** Ends the input; the last paragraph needs no empty line after it. */
  end(): void;
}

/** Every paragraph of a whole text (deb822(5)); comment lines and lines that are no field are left out. */
export function parseParagraphs(text: string): readonly Paragraph[] {
  const paragraphs: Paragraph[] = [];
  const reader = createParagraphReader((paragraph) => paragraphs.push(paragraph));
  reader.push(text);
  reader.end();
  return paragraphs;
}

/** A reader for indexes that are too large to hold at once: memory is bounded by the longest paragraph. */
export function createParagraphReader(onParagraph: (paragraph: Paragraph) => void): ParagraphReader {
  let rest = "";
  const end = (): void => {
    emit(rest, onParagraph);
    rest = "";
  };
  const push = (text: string): void => {
    const pending = rest + text.replaceAll("\r", "");
    const blocks = pending.split(/\n[ \t]*\n/);
    rest = blocks.pop() ?? "";
    for (const block of blocks) emit(block, onParagraph);
  };
  return { push, end };
}

function emit(block: string, onParagraph: (paragraph: Paragraph) => void): void {
  const paragraph = parseParagraph(block);
  if (paragraph.size > 0) onParagraph(paragraph);
}

function parseParagraph(block: string): Paragraph {
  const fields = new Map<string, string>();
  let name = "";
  for (const line of block.split("\n")) {
    if (line.startsWith("#")) continue;
    if (line.startsWith(" ") || line.startsWith("\t")) {
      if (name !== "") fields.set(name, `${fields.get(name) ?? ""}\n${line.trim()}`);
      continue;
    }
    const colon = line.indexOf(":");
    if (colon <= 0) continue;
    name = line.slice(0, colon).toLowerCase();
    fields.set(name, line.slice(colon + 1).trim());
  }
  return fields;
}
