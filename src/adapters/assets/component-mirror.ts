/** `/mirror/kubernetes/…`, `/mirror/github/…` and the others: released files over HTTP, and nothing but those. */
import {
  type FileUpstream,
  releasedFileAt,
  type UpstreamFile,
} from "../../domain/components/component-files.ts";
import { NotFoundError } from "../../domain/errors.ts";
import type { ComponentStore } from "./component-store.ts";
import type { Mirror } from "./mirror.ts";

/**
 * A mirror of one upstream. Anybody on the boot network can ask: what is neither recorded nor a released file with a
 * published checksum is refused, so that nobody fills the disk or makes the appliance fetch what they like.
 */
export function createComponentMirror({
  upstream,
  store,
}: {
  readonly upstream: FileUpstream;
  readonly store: ComponentStore;
}): Mirror {
  return {
    open: (path) => {
      const file = releasedFileAt(upstream, path) ?? recordedAt(store, { upstream, path });
      if (file) return store.open(file);
      return Promise.reject(
        new NotFoundError(
          `${path} is neither a released file of ${upstream} that is known here nor a recorded one`,
        ),
      );
    },
  };
}

function recordedAt(
  store: ComponentStore,
  { upstream, path }: Pick<UpstreamFile, "upstream" | "path">,
): UpstreamFile | undefined {
  const entry = store.recorded({ upstream, path });
  return entry && { component: entry.component, version: entry.version, name: entry.name, upstream, path };
}
