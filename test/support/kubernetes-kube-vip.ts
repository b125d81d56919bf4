/** What the world outside holds of kube-vip: its image, compiled from the published module. Added to a Kubernetes upstream once. */
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { withFileLock } from "./file-lock.ts";
import { bringComponent } from "./kubernetes-build.ts";
import { kubeVipComponent } from "./kubernetes-components.ts";
import { writeImage } from "./kubernetes-images.ts";

/** Compiles kube-vip and puts its image into the upstream's registry. */
export async function addKubeVip(
  directory: string,
  say: (line: string) => void = console.log,
): Promise<void> {
  const component = kubeVipComponent();
  const programs = await bringComponent(component, say);
  const mark = path.join(directory, ".kube-vip");
  await withFileLock(`${directory}.lock`, async () => {
    if ((await readFile(mark, "utf8").catch(() => "")) === component.version) return;
    await writeImage(path.join(directory, "registry"), {
      name: `kube-vip/kube-vip:v${component.version}`,
      entrypoint: ["/kube-vip"],
      files: { "kube-vip": path.join(programs, "kube-vip") },
    });
    await writeFile(mark, component.version);
  });
}
