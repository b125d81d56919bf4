/** Whether an installer's kernel and the modules it will load from the mirror belong together. */
import type { Paragraph } from "./deb822.ts";

/** Kernel ABI versions that an index of installer modules has modules for. */
export function kernelVersionsOf(paragraphs: Iterable<Paragraph>): ReadonlySet<string> {
  const versions = new Set<string>();
  for (const paragraph of paragraphs) {
    const version = paragraph.get("kernel-version");
    if (version !== undefined && version !== "") versions.add(version);
  }
  return versions;
}

/**
 * Why an installer with this kernel would not find its modules; undefined when it would. An index without any
 * modules says nothing (some mirrors leave them out) and is no reason.
 */
export function disagreement(kernel: string, modules: ReadonlySet<string>): string | undefined {
  if (modules.size === 0 || modules.has(kernel)) return undefined;
  return `the installer image has kernel ${kernel}, the mirror has modules for ${[...modules].sort().join(", ")} only`;
}

/** The kernel ABI version in the name of an initrd member such as `usr/lib/modules/6.12.107+deb13-amd64/…`. */
export function kernelVersionOfMember(name: string): string | undefined {
  return /^(?:\.?\/)?(?:usr\/)?lib\/modules\/(\d[^/]+)/.exec(name)?.[1];
}
