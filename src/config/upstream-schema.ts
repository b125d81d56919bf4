/** What the configuration says about servers that files and images come from. */
import { z } from "zod";

export const httpUrl = z.url({ protocol: /^https?$/, error: "expected an http:// or https:// address" });

/** A server of files whose checksums are published beside them. */
export const fileServer = (address: string) =>
  z.strictObject({
    upstream: httpUrl.default(address).describe("Address that paths are below"),
    proxy: httpUrl.optional().describe("HTTP proxy on the way to the upstream"),
    username: z.string().optional().describe("User at the upstream"),
    password: z.string().optional().describe("Password at the upstream").meta({ secret: true }),
  });

export const imagesSchema = z.strictObject({
  upstreams: z
    .record(
      z.string().regex(/^[a-z0-9][a-z0-9.-]*(:\d+)?$/, "expected a registry's host, as image names write it"),
      z.strictObject({
        url: httpUrl.optional().describe("Where the registry answers; https:// and its name when left out"),
        username: z.string().optional().describe("User at the registry"),
        password: z.string().optional().describe("Password or token at the registry").meta({ secret: true }),
      }),
    )
    .default({})
    .describe(
      "Registries besides registry.k8s.io, docker.io, ghcr.io, quay.io and docker.elastic.co, or other addresses and credentials of these",
    ),
  proxy: httpUrl.optional().describe("HTTP proxy on the way to the registries"),
  maxCacheBytes: z.int().positive().default(60_000_000_000).describe("Size of the images' cache"),
  tagSeconds: z
    .int()
    .positive()
    .default(3600)
    .describe("Time after which the registry is asked again what a tag means"),
  anonymous: z
    .boolean()
    .default(false)
    .describe("Give images to everybody who can reach the control plane, not only to machines and tokens"),
});
