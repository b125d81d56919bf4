/** What a host's apt is configured to use: the archive an appliance without an own setting takes too. */
import { parseParagraphs } from "./deb822.ts";

/** One archive with one suite, as apt sees it. */
export interface AptSource {
  readonly uri: string;
  readonly suite: string;
  readonly components: readonly string[];
  readonly signedBy: string;
}

/** Addresses found in a host's apt configuration. */
export interface AptArchives {
  readonly debian: string | undefined;
  readonly debianSecurity: string | undefined;
}

const DEBIAN_SUITE =
  /^(bullseye|bookworm|trixie|forky|duke|sid|oldoldstable|oldstable|stable|testing|unstable)$/;

/** Reads a `.sources` file (deb822 format, sources.list(5)); disabled and source-only entries are left out. */
export function parseDeb822Sources(text: string): readonly AptSource[] {
  return parseParagraphs(text)
    .filter((paragraph) => !/^(no|false|off|0)$/i.test(paragraph.get("enabled") ?? "yes"))
    .filter((paragraph) => words(paragraph.get("types")).includes("deb"))
    .flatMap((paragraph) =>
      words(paragraph.get("uris")).flatMap((uri) =>
        words(paragraph.get("suites")).map((suite) => ({
          uri,
          suite,
          components: words(paragraph.get("components")),
          signedBy: paragraph.get("signed-by") ?? "",
        })),
      ),
    );
}

/** Reads a one-line-style `.list` file (sources.list(5)). */
export function parseSourcesList(text: string): readonly AptSource[] {
  const sources: AptSource[] = [];
  for (const line of text.split("\n")) {
    const match = /^deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s*([^#]*)/.exec(line.trim());
    if (!match?.[2] || !match[3]) continue;
    const signedBy = /signed-by=(\S+)/i.exec(match[1] ?? "")?.[1] ?? "";
    sources.push({ uri: match[2], suite: match[3], components: words(match[4]), signedBy });
  }
  return sources;
}

/**
 * Picks Debian's own archive and its security archive. Other vendors name their suites after Debian's releases too,
 * so the archive must be signed by Debian's keyring or end in `/debian`, and carry the component `main`.
 */
export function chooseArchives(sources: readonly AptSource[]): AptArchives {
  const usable = sources.filter(
    (source) => /^https?:\/\//.test(source.uri) && source.components.includes("main"),
  );
  const main = usable.filter((source) => DEBIAN_SUITE.test(source.suite) && looksLikeDebian(source));
  const security = usable.filter((source) => /^[a-z]+(-security|\/updates)$/.test(source.suite));
  return {
    debian: withoutSlash(main[0]?.uri),
    debianSecurity: withoutSlash(security.find(looksLikeDebian)?.uri),
  };
}

function looksLikeDebian(source: AptSource): boolean {
  return /\/debian(-security)?\/*$/.test(source.uri) || source.signedBy.includes("debian-archive");
}

function withoutSlash(uri: string | undefined): string | undefined {
  return uri?.replace(/\/+$/, "");
}

function words(text: string | undefined): readonly string[] {
  return (text ?? "").split(/\s+/).filter((word) => word !== "");
}
