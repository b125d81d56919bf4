/** Programs that the cluster tests compile, for tests that only want one of them and do not compile it themselves. */
import { existsSync } from "node:fs";
import path from "node:path";
import { componentDirectory } from "./kubernetes-build.ts";
import { goComponents } from "./kubernetes-components.ts";

/** Where the compiled programs are, and why a test that needs them all cannot run now. */
export function compiledPrograms<Name extends string>(
  ...names: readonly Name[]
): { readonly paths: Readonly<Record<Name, string>>; readonly skip: string | false } {
  const components = goComponents();
  const paths = Object.fromEntries(
    names.map((name) => {
      const component = components.find(({ programs }) => programs.some(({ file }) => file === name));
      return [name, component ? path.join(componentDirectory(component), name) : name];
    }),
  ) as Record<Name, string>;
  const missing = names.filter((name) => !existsSync(paths[name]));
  const skip = missing.length > 0 && `needs ${missing.join(", ")}: node test/support/kubernetes-build.ts`;
  return { paths, skip };
}
