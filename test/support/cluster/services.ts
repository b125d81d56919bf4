/** Clients of what a cluster's machines serve beside Kubernetes: names, images, open ports. */

import { BUSYBOX_IMAGE } from "../kubernetes-upstream.ts";
import type { Namespace } from "../netns.ts";
import type { ClusterBed } from "./bed.ts";
import type { ClusterMachine } from "./machine.ts";

const ASK = `
const { Resolver } = require("node:dns/promises");
const [server, name, from] = process.argv.slice(1);
const resolver = new Resolver({ timeout: 3000, tries: 2 });
resolver.setServers([server]);
resolver.setLocalAddress(from);
const answer = /^[0-9.]+$/.test(name) ? resolver.reverse(name) : resolver.resolve4(name);
answer.then((found) => console.log(JSON.stringify(found)), (error) => { console.error(error.code); process.exit(1); });
`;

/** Asks one name server for a name's addresses, or for an address's names; rejects with the server's code. */
export async function askName(
  bed: ClusterBed,
  {
    server,
    name,
    from = "10.78.0.1",
  }: { readonly server: string; readonly name: string; readonly from?: string },
): Promise<readonly string[]> {
  return JSON.parse(await bed.namespace.must(process.execPath, "-e", ASK, server, name, from)) as string[];
}

/** Pushes the tests' image from a machine to a registry by its Debian's own skopeo; rejects with its words. */
export async function pushImage(
  machine: ClusterMachine,
  {
    image,
    login,
  }: { readonly image: string; readonly login?: { readonly name: string; readonly password: string } },
): Promise<void> {
  const file = "/tmp/image.tar";
  await machine.must("command -v skopeo || apt-get -q -y --no-install-recommends install skopeo", {
    timeout: 300_000,
  });
  await machine.must(
    `test -e ${file} || { ctr -n k8s.io images pull --hosts-dir /etc/containerd/certs.d ${BUSYBOX_IMAGE} && ctr -n k8s.io images export ${file} ${BUSYBOX_IMAGE}; }`,
  );
  const credentials = login ? `--dest-creds ${login.name}:${login.password}` : "--dest-no-creds";
  await machine.must(`skopeo --insecure-policy copy -q ${credentials} oci-archive:${file} docker://${image}`);
}

/** A place from which ports are tried: a machine, or an address of a namespace. */
type Place = ClusterMachine | { readonly namespace: Namespace; readonly address: string };

/** Whether a TCP connection is taken; what a firewall drops is given two seconds. */
export async function opens(
  from: Place,
  { address, port }: { readonly address: string; readonly port: number },
): Promise<boolean> {
  // Whatever curl makes of the answer, it tells how many connections there were.
  const line = ["-s", "-o", "/dev/null", "-m", "4", "--connect-timeout", "2", "-w", "%{num_connects}"];
  const url = `http://${address}:${port}/`;
  const { stdout } =
    "namespace" in from
      ? await from.namespace.run("curl", ["--interface", from.address, ...line, url])
      : await from.run("curl", [...line, url]);
  return stdout === "1";
}
