/** The web pages' templates: escaping is on, and a missing value is an error, not an empty place. */
import nunjucks from "nunjucks";

/** Renders one template by its file name. */
export type Views = (template: string, context: Readonly<Record<string, unknown>>) => string;

/** Opens the templates in a directory; they are read once. */
export function openViews(directory: string): Views {
  const loader = new nunjucks.FileSystemLoader(directory, { noCache: false, watch: false });
  const environment = new nunjucks.Environment(loader, { autoescape: true, throwOnUndefined: true });
  environment.addFilter(
    "utc",
    (at: number) => `${new Date(at).toISOString().slice(0, 19).replace("T", " ")} UTC`,
  );
  environment.addFilter("iso", (at: number) => new Date(at).toISOString());
  environment.addFilter("pretty", (value: unknown) => JSON.stringify(value, undefined, 2));
  return (template, context) => environment.render(template, context);
}
