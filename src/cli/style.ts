/** Colours, where there is somebody to see them. */
import { styleText } from "node:util";
import type { LifecycleState } from "../domain/machine.ts";
import type { Screen } from "./terminal.ts";

export type Paint = (text: string) => string;

export interface Style {
  readonly bold: Paint;
  readonly dim: Paint;
  readonly good: Paint;
  readonly busy: Paint;
  readonly bad: Paint;
}

const plain: Paint = (text) => text;
const PLAIN: Style = { bold: plain, dim: plain, good: plain, busy: plain, bad: plain };

/** Colours on a terminal unless `NO_COLOR` or `--no-color` say otherwise. */
export function styleFor(
  screen: Screen,
  options: { readonly wanted: boolean; readonly environment: Readonly<Record<string, string | undefined>> },
): Style {
  const refused = (options.environment["NO_COLOR"] ?? "") !== "" || options.environment["TERM"] === "dumb";
  if (!screen.isTTY || refused || !options.wanted) return PLAIN;
  const paint =
    (format: Parameters<typeof styleText>[0]): Paint =>
    (text) =>
      styleText(format, text, { validateStream: false });
  return {
    bold: paint("bold"),
    dim: paint("dim"),
    good: paint("green"),
    busy: paint("yellow"),
    bad: paint("red"),
  };
}

/** The colour of a lifecycle state: done, under way, or in need of somebody. */
export function paintState(state: LifecycleState, style: Style): string {
  if (state === "installed" || state === "ready") return style.good(state);
  if (state === "failed") return style.bad(state);
  return state === "registered" || state === "retired" ? state : style.busy(state);
}
