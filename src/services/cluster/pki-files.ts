/** Which files of a cluster's PKI a machine holds, under the paths where kubeadm looks for them. */
import { type ClusterMember, type ClusterView, etcdMembersOf } from "../../domain/cluster/members.ts";
import { SIGNING_CA } from "../../domain/node/patches.ts";
import { registryName } from "../../domain/node/registry-trust.ts";
import type { PkiFile } from "./cluster-authorities.ts";
import type { ClusterPki } from "./cluster-pki.ts";
import { makeKubeconfig } from "./kubeconfig.ts";

const DIRECTORY = "/etc/kubernetes/pki";
const SECRET = 0o600;
const PUBLIC = 0o644;
/** Nothing on an etcd or registry host renews certificates, so these outlive kubeadm's single year. */
const UNRENEWED_MS = 10 * 365 * 86_400_000;
/** Kept on a machine for the people who work there; it ends long after a reimage would have renewed it. */
const ADMIN_KUBECONFIG_MS = 365 * 86_400_000;

/**
 * The set that is the same on every control plane; kubeadm makes the rest itself. With an external etcd its authority's key
 * stays on the appliance, and a client certificate takes its place.
 */
export async function controlPlaneFiles(pki: ClusterPki, cluster: ClusterView): Promise<readonly PkiFile[]> {
  const { ca, frontProxyCa, etcdCa, serviceAccount, caHashes } = await pki.ensure(cluster);
  const shared = [
    certificate("ca.crt", ca.certificate),
    key("ca.key", ca.key),
    { path: SIGNING_CA, mode: PUBLIC, content: firstOf(ca.certificate) },
    certificate("front-proxy-ca.crt", frontProxyCa.certificate),
    key("front-proxy-ca.key", frontProxyCa.key),
    certificate("sa.pub", serviceAccount.publicKey),
    key("sa.key", serviceAccount.privateKey),
    certificate("etcd/ca.crt", etcdCa.certificate),
    ...(caHashes.length > 1 ? [await joinersKubeconfig(pki, cluster)] : []),
  ];
  if (cluster.spec.etcd.topology === "stacked") return [...shared, key("etcd/ca.key", etcdCa.key)];
  const client = await pki.leaf(cluster, {
    authority: "etcdCa",
    purpose: "client",
    commonName: "kube-apiserver-etcd-client",
    organisations: [],
    lifetimeMs: UNRENEWED_MS,
  });
  return [
    ...shared,
    certificate("apiserver-etcd-client.crt", client.certificate),
    key("apiserver-etcd-client.key", client.key),
  ];
}

/**
 * The administrators' kubeconfig for a control plane that joins while the authorities are replaced: the one that kubeadm makes
 * trusts the new authority alone, and the other API servers still have certificates of the old one.
 */
async function joinersKubeconfig(pki: ClusterPki, cluster: ClusterView): Promise<PkiFile> {
  const { text } = await makeKubeconfig(pki, { cluster, request: { lifetimeMs: ADMIN_KUBECONFIG_MS } });
  return { path: "/etc/kubernetes/admin-for-join.conf", mode: SECRET, content: text };
}

/** The first certificate of a bundle: the one that signs. */
function firstOf(bundle: string): string {
  const [first = bundle] = bundle.split(/(?<=-----END CERTIFICATE-----\r?\n)/);
  return first;
}

/** What a host of an external etcd holds: its own certificates, and no authority's key. */
export async function etcdHostFiles(
  pki: ClusterPki,
  { cluster, member }: { readonly cluster: ClusterView; readonly member: ClusterMember },
): Promise<readonly PkiFile[]> {
  const { etcdCa } = await pki.ensure(cluster);
  const names = [member.name, member.address, "localhost", "127.0.0.1", "::1"];
  const base = { authority: "etcdCa", organisations: [], lifetimeMs: UNRENEWED_MS } as const;
  const own = { ...base, purpose: "peer", commonName: member.name, alternativeNames: names } as const;
  const [server, peer, healthcheck] = await Promise.all([
    pki.leaf(cluster, own),
    pki.leaf(cluster, own),
    pki.leaf(cluster, { ...base, purpose: "client", commonName: "kube-etcd-healthcheck-client" }),
  ]);
  return [
    certificate("etcd/ca.crt", etcdCa.certificate),
    certificate("etcd/server.crt", server.certificate),
    key("etcd/server.key", server.key),
    certificate("etcd/peer.crt", peer.certificate),
    key("etcd/peer.key", peer.key),
    certificate("etcd/healthcheck-client.crt", healthcheck.certificate),
    key("etcd/healthcheck-client.key", healthcheck.key),
  ];
}

/**
 * What one member is given by its roles: the shared set for a control plane, leaf certificates for an etcd host, a server
 * certificate for a registry, a kubeconfig for an admin host, nothing for the others.
 */
export async function secretFilesOf(
  pki: ClusterPki,
  { cluster, member }: { readonly cluster: ClusterView; readonly member: ClusterMember },
): Promise<readonly PkiFile[]> {
  const place = { cluster, member };
  const etcdHost =
    cluster.spec.etcd.topology === "external" &&
    etcdMembersOf(cluster).some(({ name }) => name === member.name);
  const sets = [
    member.roles.includes("control-plane") ? await controlPlaneFiles(pki, cluster) : [],
    etcdHost ? await etcdHostFiles(pki, place) : [],
    member.roles.includes("registry") ? await registryFiles(pki, place) : [],
    member.roles.includes("admin") ? await adminFiles(pki, cluster) : [],
  ];
  return [...new Map(sets.flat().map((file) => [file.path, file])).values()];
}

async function registryFiles(
  pki: ClusterPki,
  { cluster, member }: { readonly cluster: ClusterView; readonly member: ClusterMember },
): Promise<readonly PkiFile[]> {
  const name = registryName({ cluster }, member);
  const server = await pki.leaf(cluster, {
    authority: "ca",
    purpose: "server",
    commonName: name,
    organisations: [],
    alternativeNames: [...new Set([name, member.name, member.address])],
    lifetimeMs: UNRENEWED_MS,
  });
  return [
    { path: "/etc/docker/registry/tls.crt", mode: PUBLIC, content: server.certificate },
    { path: "/etc/docker/registry/tls.key", mode: SECRET, content: server.key },
  ];
}

async function adminFiles(pki: ClusterPki, cluster: ClusterView): Promise<readonly PkiFile[]> {
  const { text } = await makeKubeconfig(pki, { cluster, request: { lifetimeMs: ADMIN_KUBECONFIG_MS } });
  return [{ path: "/root/.kube/config", mode: SECRET, content: text }];
}

function certificate(name: string, content: string): PkiFile {
  return { path: `${DIRECTORY}/${name}`, mode: PUBLIC, content };
}

function key(name: string, content: string): PkiFile {
  return { path: `${DIRECTORY}/${name}`, mode: SECRET, content };
}
