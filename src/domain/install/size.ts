/** Sizes as people write them. */

const UNITS: Readonly<Record<string, number>> = { "": 0, k: 1, m: 2, g: 3, t: 4 };
const SIZE = /^(\d+(?:\.\d+)?)\s*([KMGT]?)(i?)B?$/i;

/**
 * Bytes of `20GB` (powers of 1000), `512MiB` (powers of 1024) or a plain number.
 * @returns whole bytes, or undefined when the text is no size.
 */
export function parseSize(size: number | string): number | undefined {
  if (typeof size === "number") return Number.isSafeInteger(size) && size > 0 ? size : undefined;
  const match = SIZE.exec(size.trim());
  const power = UNITS[(match?.[2] ?? "").toLowerCase()];
  if (!match || power === undefined) return undefined;
  return Math.round(Number(match[1]) * (match[3] ? 1024 : 1000) ** power);
}
