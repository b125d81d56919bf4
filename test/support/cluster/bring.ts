/** Brings what every cluster test needs and what takes long: compiled programs, add-ons, their upstream, the machines' file system. */
import { addAddons } from "../kubernetes-addons.ts";
import { addKubeVip } from "../kubernetes-kube-vip.ts";
import { bringUpstream } from "../kubernetes-upstream.ts";
import { bringRootfs } from "./rootfs.ts";

if (process.getuid?.() === 0) {
  const { directory } = await bringUpstream();
  await addAddons(directory);
  await addKubeVip(directory);
  await bringRootfs();
} else console.log("without root there are no clusters: nothing is brought");
