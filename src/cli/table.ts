/** Plain tables: columns padded with spaces, no frames, so that awk and eyes both read them. */
import { stripVTControlCharacters } from "node:util";

export interface Column<Row> {
  readonly title: string;
  readonly of: (row: Row) => string;
}

/** The lines of a table, header first. Cells may carry colours; control characters in data are made visible. */
export function tableLines<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): readonly string[] {
  const cells = [
    columns.map((column) => column.title),
    ...rows.map((row) => columns.map((column) => column.of(row))),
  ];
  const widths = columns.map((_, index) => Math.max(...cells.map((row) => width(row[index] ?? ""))));
  return cells.map((row) =>
    row
      .map((cell, index) =>
        index === row.length - 1 ? cell : cell + " ".repeat((widths[index] ?? 0) - width(cell)),
      )
      .join("  ")
      .trimEnd(),
  );
}

/** Text from the network made safe for a terminal: escape sequences and line breaks show instead of acting. */
export function printable(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (character) => {
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
  });
}

function width(cell: string): number {
  return stripVTControlCharacters(cell).length;
}
