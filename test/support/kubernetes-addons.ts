/**
 * What the world outside holds of the add-ons that can be compiled from published modules: their manifests as the projects publish
 * them, and their images. Added to a Kubernetes upstream once.
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { metallb } from "../../src/domain/components/addons/metallb.ts";
import { metricsServer } from "../../src/domain/components/addons/metrics-server.ts";
import { traefik } from "../../src/domain/components/addons/traefik.ts";
import { withFileLock } from "./file-lock.ts";
import { bringComponent, componentDirectory } from "./kubernetes-build.ts";
import { addonComponents, LAB_VERSION } from "./kubernetes-components.ts";
import { type ImageContent, writeImage } from "./kubernetes-images.ts";
import { publishedManifests } from "./published-manifests.ts";

/** The add-ons that the lab can install. */
export const LAB_ADDONS = [metricsServer, metallb, traefik] as const;

/** Compiles the add-ons and lays their manifests and images out beside what is there. */
export async function addAddons(directory: string, say: (line: string) => void = console.log): Promise<void> {
  for (const component of addonComponents()) await bringComponent(component, say);
  const mark = path.join(directory, ".addons");
  const wanted = JSON.stringify(LAB_ADDONS.map(({ name, version }) => `${name} ${version}`));
  await withFileLock(`${directory}.lock`, async () => {
    if ((await readFile(mark, "utf8").catch(() => "")) === wanted) return;
    say("laying out add-ons");
    await layOut(directory);
    for (const image of images()) await writeImage(path.join(directory, "registry"), image);
    await writeFile(mark, wanted);
  });
}

async function layOut(directory: string): Promise<void> {
  const kubectl = path.join(componentDirectory({ name: "kubernetes", version: LAB_VERSION }), "kubectl");
  for (const addon of LAB_ADDONS) {
    for (const [file, text] of await publishedManifests(addon, { kubectl })) {
      const target = path.join(directory, file.upstream, file.path);
      await mkdir(path.dirname(target), { recursive: true });
      await writeFile(target, text);
    }
  }
}

function images(): readonly ImageContent[] {
  const program = (
    addon: { readonly name: string; readonly version: string },
    file: string,
    name: string,
  ): ImageContent => ({
    name: `${name}:v${addon.version}`,
    entrypoint: [`/${file}`],
    files: { [file]: path.join(componentDirectory(addon), file) },
  });
  return [
    program(metricsServer, "metrics-server", "metrics-server/metrics-server"),
    program(metallb, "controller", "metallb/controller"),
    program(metallb, "speaker", "metallb/speaker"),
    program(traefik, "traefik", "library/traefik"),
  ];
}
