/** Times, durations, sizes and machine states as people read them. */

/** How YAML is written: keys and hashes are copied from it, and a folded line breaks them. */
export const UNFOLDED = { lineWidth: 0 };

const UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
] as const;

/** `3d4h`, `2m10s`, `45s`; two units at most. Takes milliseconds. */
export function duration(milliseconds: number): string {
  let rest = Math.max(0, milliseconds);
  const parts: string[] = [];
  for (const [unit, size] of UNITS) {
    const count = Math.floor(rest / size);
    if (count === 0 && parts.length === 0) continue;
    if (count > 0) parts.push(`${count}${unit}`);
    if (parts.length === 2 || unit === "s") break;
    rest -= count * size;
  }
  return parts.length === 0 ? "0s" : parts.slice(0, 2).join("");
}

/** `5m ago`; `-` when it never happened. */
export function ago(at: number | undefined, now: number): string {
  return at === undefined ? "-" : `${duration(now - at)} ago`;
}

/** `2026-11-21 09:30:05` in the terminal's own time zone. */
export function localTime(at: number): string {
  const date = new Date(at);
  const two = (value: number) => String(value).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** `40.1 MB`, powers of 1000. */
export function bytes(count: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = count;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return unit === 0 ? `${value} B` : `${value.toFixed(1)} ${units[unit] ?? ""}`;
}

/**
 * Reads `90s`, `12h`, `30d` or `1d12h`.
 * @returns milliseconds; undefined when the text is no duration.
 */
export function parseDuration(text: string): number | undefined {
  const parts = [...text.matchAll(/(\d+)([smhdw])/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join("") !== text) return undefined;
  const sizes: Readonly<Record<string, number>> = {
    s: 1000,
    m: 60_000,
    h: 3_600_000,
    d: 86_400_000,
    w: 604_800_000,
  };
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * (sizes[unit ?? ""] ?? 0), 0);
}
