/** Names in the place of a word: whether it is a machine's, a cluster's or a profile's, and which there are. */
import type { Command } from "commander";
import type { Session } from "./session.ts";

export type NamedKind = "machines" | "clusters" | "profiles";

/** What comes before a name to say what it names; the plural works for some commands too. */
const KINDS: Readonly<Record<string, NamedKind>> = {
  machine: "machines",
  machines: "machines",
  cluster: "clusters",
  clusters: "clusters",
  profile: "profiles",
  profiles: "profiles",
};
/** Options whose value is a name. */
const OPTIONS: Readonly<Record<string, NamedKind>> = {
  "--cluster": "clusters",
  "--machine": "machines",
  "--to": "machines",
  "--confirm-gone": "machines",
};

/** What the value of an option (`--cluster`) names; undefined for one that takes no name. */
export function kindOfOption(long: string | undefined): NamedKind | undefined {
  return OPTIONS[long ?? ""];
}

/** What an argument of a command names, `given` being the arguments before it; undefined for one that takes no name. */
export function kindOfArgument(
  command: Command,
  argument: string,
  given: readonly string[],
): NamedKind | undefined {
  if (argument === "what") return "machines";
  if (argument !== "name") return undefined;
  if (["get", "delete", "describe"].includes(command.name())) return KINDS[given[0] ?? ""];
  if (command.parent?.name() === "cluster" || command.name() === "kubeconfig") return "clusters";
  // A token's name is new, and what assets are called is not a list that ends.
  return ["token", "assets"].includes(command.parent?.name() ?? "") ? undefined : "machines";
}

/** The names there are. No appliance, no names: completion stays silent. */
export async function namesOf(kind: NamedKind, session: Session): Promise<readonly string[]> {
  try {
    const listed = await (await session.client()).list<{ readonly name: string }>([kind]);
    return listed.map(({ name }) => name);
  } catch {
    return [];
  }
}
