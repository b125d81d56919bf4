/** Brings everything that the cluster tests need and that takes long: compiled programs, their upstream, the machines' file system. */
import { addAddons } from "../kubernetes-addons.ts";
import { bringUpstream } from "../kubernetes-upstream.ts";
import { bringRootfs } from "./rootfs.ts";

if (process.getuid?.() === 0) {
  const { directory } = await bringUpstream();
  await addAddons(directory);
  await bringRootfs();
} else console.log("without root there are no clusters: nothing is brought");
