/** Brings what every cluster test needs and what takes long: compiled programs, their upstream, the machines' file system. */
import { bringUpstream } from "../kubernetes-upstream.ts";
import { bringRootfs } from "./rootfs.ts";

if (process.getuid?.() === 0) {
  await bringUpstream();
  await bringRootfs();
} else console.log("without root there are no clusters: nothing is brought");
