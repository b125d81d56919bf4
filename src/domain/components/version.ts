/** Exact release versions, three numbers and nothing else: no ranges, no "latest", no pre-releases. */

export interface Version {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
}

const EXACT = /^(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})$/;

/** Reads `1.36.3`; undefined for anything else, a leading `v` included. */
export function parseVersion(text: string): Version | undefined {
  const [, major, minor, patch] = EXACT.exec(text) ?? [];
  if (major === undefined || minor === undefined || patch === undefined) return undefined;
  return { major: Number(major), minor: Number(minor), patch: Number(patch) };
}

/** Negative when `a` is older than `b`, zero when they are the same, positive when it is newer. */
export function compareVersions(a: Version, b: Version): number {
  return a.major - b.major || a.minor - b.minor || a.patch - b.patch;
}
