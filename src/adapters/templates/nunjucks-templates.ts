/** Templates from files of the package, compiled once at start; a fault in one of them ends the start. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import nunjucks from "nunjucks";
import { RenderError } from "../../domain/errors.ts";
import type { Templates } from "../../services/install/ports.ts";

export interface NunjucksTemplatesOptions {
  /** Directory that the names are relative to: the package's root. */
  readonly root: string;
  readonly directories: readonly string[];
  /** True only for HTML: what is escaped there would be wrong in every other language. */
  readonly autoescape: boolean;
  /** Compile only names that end so; everything is available as a source. */
  readonly compile: (name: string) => boolean;
}

/** Reads and compiles every file below the directories. @throws RenderError naming the template that does not compile. */
export function createNunjucksTemplates(options: NunjucksTemplatesOptions): Templates {
  const { root, directories, autoescape, compile } = options;
  const sources = new Map(
    directories.flatMap((directory) => filesBelow(root, directory)).map((name) => [name, read(root, name)]),
  );
  const environment = new nunjucks.Environment(new SourceLoader(sources), {
    autoescape,
    throwOnUndefined: true,
    trimBlocks: false,
  });
  const compiled = new Map<string, nunjucks.Template>();
  for (const [name, text] of sources) {
    if (compile(name))
      compiled.set(
        name,
        attempt(name, () => new nunjucks.Template(text, environment, name, true)),
      );
  }
  return {
    render(name, context) {
      const template = compiled.get(name);
      if (!template) throw new RenderError(`there is no template ${name}`);
      return attempt(name, () => template.render(context));
    },
    source(name) {
      const text = sources.get(name);
      if (text === undefined) throw new RenderError(`there is no file ${name}`);
      return text;
    },
  };
}

/** Lets templates include one another by the same names. */
class SourceLoader extends nunjucks.Loader {
  readonly #sources: ReadonlyMap<string, string>;

  constructor(sources: ReadonlyMap<string, string>) {
    super();
    this.#sources = sources;
  }

  getSource(name: string): nunjucks.LoaderSource {
    const src = this.#sources.get(name);
    if (src === undefined) throw new RenderError(`there is no template ${name}`);
    return { src, path: name, noCache: false };
  }
}

function attempt<T>(name: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    const line = /\[Line (\d+)/.exec(text)?.[1];
    const reason = text.split("\n").at(-1)?.trim() ?? text;
    throw new RenderError(`template ${name}${line ? `, line ${line}` : ""}: ${reason}`, error);
  }
}

function filesBelow(root: string, directory: string): string[] {
  return readdirSync(join(root, directory), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length).replace(/^\/+/, ""));
}

function read(root: string, name: string): string {
  return readFileSync(join(root, name), "utf8");
}
