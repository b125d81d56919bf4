/** Addresses in few enough groups to count by. */

const FAMILIES: readonly (readonly [prefix: string, family: string])[] = [
  ["/boot/files/", "boot-file"],
  ["/boot/", "boot-script"],
  ["/install/", "install"],
  ["/mirror/", "mirror"],
  ["/api/", "api"],
  ["/node/", "node"],
  ["/v2/", "image"],
  ["/healthz", "health"],
  ["/readyz", "health"],
  ["/metrics", "metrics"],
];

/** The group of a request's address: tickets, names and made-up paths never become a label. */
export function routeFamily(url: string): string {
  return FAMILIES.find(([prefix]) => url.startsWith(prefix))?.[1] ?? "web";
}
