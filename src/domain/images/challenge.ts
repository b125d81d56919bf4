/** `WWW-Authenticate` of registries (RFC 9110 section 11, distribution "token authentication"). */

export type Challenge =
  | { readonly scheme: "basic" }
  /** Ask `realm` for a token for `service` and `scope`. */
  | { readonly scheme: "bearer"; readonly realm: URL; readonly service?: string; readonly scope?: string };

/** Reads the header; undefined when it asks for something else. */
export function parseChallenge(header: string | undefined): Challenge | undefined {
  const [, scheme = "", rest = ""] = /^\s*([A-Za-z]+)(?:\s+(.*))?$/s.exec(header ?? "") ?? [];
  if (scheme.toLowerCase() === "basic") return { scheme: "basic" };
  if (scheme.toLowerCase() !== "bearer") return undefined;
  const parameters = parametersOf(rest);
  const realm = URL.parse(parameters.get("realm") ?? "");
  if (!realm || !/^https?:$/.test(realm.protocol)) return undefined;
  const service = parameters.get("service");
  const scope = parameters.get("scope");
  return {
    scheme: "bearer",
    realm,
    ...(service !== undefined && { service }),
    ...(scope !== undefined && { scope }),
  };
}

function parametersOf(text: string): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  for (const [, key = "", quoted, plain] of text.matchAll(/([A-Za-z]+)\s*=\s*(?:"([^"]*)"|([^\s,"]+))/g)) {
    parameters.set(key.toLowerCase(), quoted ?? plain ?? "");
  }
  return parameters;
}
