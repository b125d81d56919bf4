/** Pod networks without manifests: routes that each node sets by itself, and none at all. */
import { z } from "zod";
import { type Addon, addon, noParameters } from "./addon.ts";

const EVERY = { from: "1.35", to: "1.37" };

/** One route per peer, kept by a service of each node: no overlay, no image. */
export const routed: Addon = addon({
  name: "routed",
  summary: "Pod network without an overlay: one route per node, for nodes on one LAN",
  kind: "network",
  version: "1",
  kubernetes: EVERY,
  sources: [],
  images: [],
  // Read by the plan of each node.
  parameters: z.record(z.string(), z.unknown()),
  workloads: [],
  transform: (objects) => objects,
});

export const none: Addon = addon({
  name: "none",
  summary: "No pod network: nodes become Ready once you have applied your own",
  kind: "network",
  version: "1",
  kubernetes: EVERY,
  sources: [],
  images: [],
  parameters: noParameters,
  workloads: [],
  transform: (objects) => objects,
});
