/** The manifests of a cluster's pod network and add-ons: from the appliance's store, with what the cluster says put in. */
import { createHash } from "node:crypto";
import { setImmediate as breathe } from "node:timers/promises";
import { parse } from "yaml";
import type { ClusterView } from "../../domain/cluster/members.ts";
import type { Addon, Workload } from "../../domain/components/addons/addon.ts";
import { type ChosenAddon, chosenAddons } from "../../domain/components/addons/catalogue.ts";
import {
  imagesOf,
  isKubernetesObject,
  type KubernetesObject,
  movingImages,
  type Objects,
  withoutNulls,
} from "../../domain/components/addons/objects.ts";
import type { UpstreamFile } from "../../domain/components/component-files.ts";
import { RenderError } from "../../domain/errors.ts";

/** Released files as text, fetched at first use and held to their recorded checksum from then on. */
export interface ManifestFiles {
  /** @throws NotFoundError, or MusterError `upstream-failed`, `not-verified`, `unavailable`. */
  text(file: UpstreamFile): Promise<string>;
}

/** One add-on, ready to be applied. */
export interface RenderedAddon {
  readonly name: string;
  readonly version: string;
  readonly objects: Objects;
  readonly workloads: readonly Workload[];
  /** Every image that the objects name. */
  readonly images: readonly string[];
  /** Changes whenever the objects do. */
  readonly fingerprint: string;
}

/** What makes definitions of a megabyte quick to read: they come from programs that do not repeat a key. */
const LENIENT = { uniqueKeys: false, stringKeys: true };

/** A document of its own starts at a line of three dashes. */
const SEPARATOR = /^---(?:[ \t].*)?$/m;

export class AddonManifests {
  readonly #files: ManifestFiles;
  /** Parsed once: definitions alone come to megabytes, and they never change under their name. */
  readonly #parsed = new Map<string, { readonly text: string; readonly objects: Objects }>();

  constructor({ files }: { readonly files: ManifestFiles }) {
    this.#files = files;
  }

  /**
   * Everything that a cluster has chosen, in the order in which it is applied.
   * @throws RenderError for parameters or a manifest that do not fit; what {@link ManifestFiles.text} throws.
   */
  async render(cluster: ClusterView): Promise<readonly RenderedAddon[]> {
    const rendered: RenderedAddon[] = [];
    for (const chosen of chosenAddons(cluster.spec)) rendered.push(await this.#renderOne(chosen, cluster));
    return rendered;
  }

  /** All of it as one stream of documents, for `kubectl apply`; undefined when there is nothing to apply. */
  async manifestsFor(cluster: ClusterView): Promise<string | undefined> {
    const objects = (await this.render(cluster)).flatMap((addon) => addon.objects);
    // JSON is YAML, and much the faster to write.
    return objects.length === 0
      ? undefined
      : objects.map((object) => `---\n${JSON.stringify(object)}\n`).join("");
  }

  async #renderOne({ addon, parameters }: ChosenAddon, cluster: ClusterView): Promise<RenderedAddon> {
    const [fault] = addon.faults(parameters);
    if (fault) throw new RenderError(`${addon.name}: ${fault.path} ${fault.message}`);
    const objects = addon.render(await this.#objectsOf(addon), { parameters, cluster });
    const images = imagesOf(objects);
    const moving = movingImages(images);
    if (moving.length > 0) {
      throw new RenderError(
        `${addon.name} ${addon.version} names images without a version: ${moving.join(", ")}`,
      );
    }
    const fingerprint = createHash("sha256").update(JSON.stringify(objects)).digest("hex");
    const { name, version, workloads } = addon;
    return { name, version, objects, workloads, images, fingerprint };
  }

  async #objectsOf({ sources }: Addon): Promise<Objects> {
    const objects: KubernetesObject[] = [];
    for (const source of sources) objects.push(...(await this.#parse(source)));
    return objects;
  }

  async #parse(source: UpstreamFile): Promise<Objects> {
    const text = await this.#files.text(source);
    const held = this.#parsed.get(source.path);
    if (held?.text === text) return held.objects;
    const objects: KubernetesObject[] = [];
    for (const document of text.split(SEPARATOR)) {
      objects.push(...objectsIn(document, source));
      // Machines that boot meanwhile are answered in between.
      await breathe();
    }
    this.#parsed.set(source.path, { text, objects });
    return objects;
  }
}

function objectsIn(document: string, { name, path }: UpstreamFile): Objects {
  let value: unknown;
  try {
    value = parse(document, LENIENT);
  } catch (cause) {
    throw new RenderError(`${path} is not YAML: ${(cause as Error).message}`, cause);
  }
  if (value === null || value === undefined) return [];
  const { items } = value as { readonly items?: unknown };
  const listed = Array.isArray(items) && String((value as { kind?: unknown }).kind).endsWith("List");
  const objects = listed ? (items as readonly unknown[]) : [value];
  return objects.map((object) => {
    if (isKubernetesObject(object)) return withoutNulls(object);
    throw new RenderError(`${name} holds something that is no object of Kubernetes (${path})`);
  });
}
