/** Rook: Ceph on the storage machines' own data disks, with block volumes and, where wanted, a shared file system. */
import { z } from "zod";
import { type ClusterView, membersWith } from "../../cluster/members.ts";
import { type Addon, addon, taggedManifest } from "./addon.ts";
import { change, changeContainer, type KubernetesObject, withValue } from "./objects.ts";

const VERSION = "1.20.6";
const PROJECT = { component: "rook-ceph", repository: "rook/rook", version: VERSION };
const NAMESPACE = "rook-ceph";
const CEPH = "quay.io/ceph/ceph:v20.2.4";

const parameters = z.strictObject({
  mons: z
    .int()
    .min(1)
    .max(9)
    .optional()
    .meta({ description: "Monitors; 3, or 1 with fewer than three storage machines" }),
  replicas: z.int().min(1).max(5).default(2).meta({ description: "Copies of everything in the pools" }),
  storageClass: z.string().min(1).default("general"),
  defaultClass: z.boolean().default(true),
  fsType: z.enum(["xfs", "ext4"]).default("xfs"),
  deviceFilter: z.string().min(1).optional().meta({
    description: "Regular expression of device names, such as ^sd[b-z]$, on machines that list no data disks",
  }),
  filesystem: z
    .boolean()
    .default(false)
    .meta({ description: "A shared file system (CephFS) and a class for it" }),
  toolbox: z.boolean().default(true).meta({ description: "A pod to run the ceph command in" }),
});

type Parameters = z.output<typeof parameters>;

const TOOLBOX = { kind: "Deployment", name: "rook-ceph-tools" };
const FILES = ["crds", "common", "csi-operator", "operator", "cluster", "toolbox"];

export const rookCeph: Addon = addon({
  name: "rook-ceph",
  summary: "Replicated block and file storage on the storage machines' data disks",
  kind: "addon",
  version: VERSION,
  kubernetes: { from: "1.31", to: "1.36" },
  sources: FILES.map((name) => taggedManifest(PROJECT, `deploy/examples/${name}.yaml`)),
  images: [
    `docker.io/rook/ceph:v${VERSION}`,
    CEPH,
    "quay.io/cephcsi/ceph-csi-operator:v1.0.4",
    "quay.io/cephcsi/cephcsi:v3.17.0",
    "quay.io/csiaddons/k8s-sidecar:v0.14.0",
    "registry.k8s.io/sig-storage/csi-attacher:v4.12.0",
    "registry.k8s.io/sig-storage/csi-node-driver-registrar:v2.17.0",
    "registry.k8s.io/sig-storage/csi-provisioner:v6.2.0",
    "registry.k8s.io/sig-storage/csi-resizer:v2.1.0",
    "registry.k8s.io/sig-storage/csi-snapshotter:v8.5.0",
  ],
  parameters,
  workloads: [{ kind: "Deployment", namespace: NAMESPACE, name: "rook-ceph-operator" }],
  transform: (objects, { parameters: wanted, cluster }) => {
    const kept = wanted.toolbox
      ? change(objects, TOOLBOX, (object) =>
          // The manifest names a major version only, which moves.
          changeContainer(object, TOOLBOX.name, (fields) => ({ ...fields, image: CEPH })),
        )
      : objects.filter(({ metadata }) => metadata.name !== TOOLBOX.name);
    const storing = membersWith(cluster, "storage").length;
    const configured = change(kept, { kind: "CephCluster", name: "rook-ceph" }, (object) => {
      const counted = withValue(object, ["spec", "mon", "count"], wanted.mons ?? (storing < 3 ? 1 : 3));
      const managed = storing < 2 ? withValue(counted, ["spec", "mgr", "count"], 1) : counted;
      return withValue(managed, ["spec", "storage"], storageOf(cluster, wanted));
    });
    return [...configured, ...blockStorage(wanted), ...(wanted.filesystem ? fileSystem(wanted) : [])];
  },
});

/**
 * Only machines with the role storage, and there only the disks that were set aside. Rook takes paths below /dev; disks
 * that are known by something else are left to `deviceFilter`.
 */
function storageOf(cluster: ClusterView, { deviceFilter }: Parameters): object {
  const nodes = membersWith(cluster, "storage").map((member) => {
    const paths = (member.spec.dataDisks ?? []).flatMap(({ disk }) => disk.path ?? []);
    if (paths.length > 0) return { name: member.name, devices: paths.map((name) => ({ name })) };
    return { name: member.name, ...(deviceFilter !== undefined && { deviceFilter }) };
  });
  return { useAllNodes: false, useAllDevices: false, nodes };
}

function blockStorage({
  replicas,
  storageClass,
  defaultClass,
  fsType,
}: Parameters): readonly KubernetesObject[] {
  const pool: KubernetesObject = {
    apiVersion: "ceph.rook.io/v1",
    kind: "CephBlockPool",
    metadata: { name: storageClass, namespace: NAMESPACE },
    spec: { failureDomain: "host", replicated: { size: replicas, requireSafeReplicaSize: replicas > 1 } },
  };
  const parameters = {
    pool: storageClass,
    imageFormat: "2",
    imageFeatures: "layering",
    "csi.storage.k8s.io/fstype": fsType,
  };
  return [pool, classOf({ name: storageClass, driver: "rbd", parameters, isDefault: defaultClass })];
}

function fileSystem({ replicas }: Parameters): readonly KubernetesObject[] {
  const replicated = { size: replicas };
  const name = "shared";
  const system: KubernetesObject = {
    apiVersion: "ceph.rook.io/v1",
    kind: "CephFilesystem",
    metadata: { name, namespace: NAMESPACE },
    spec: {
      metadataPool: { replicated },
      dataPools: [{ name: "replicated", failureDomain: "host", replicated }],
      preserveFilesystemOnDelete: true,
      metadataServer: { activeCount: 1, activeStandby: true },
    },
  };
  const parameters = { fsName: name, pool: `${name}-replicated` };
  return [system, classOf({ name, driver: "cephfs", parameters, isDefault: false })];
}

interface StorageClass {
  readonly name: string;
  readonly driver: "rbd" | "cephfs";
  readonly parameters: Readonly<Record<string, string>>;
  readonly isDefault: boolean;
}

function classOf({ name, driver, parameters, isDefault }: StorageClass): KubernetesObject {
  const secrets = (role: string, secret: string): Readonly<Record<string, string>> => ({
    [`csi.storage.k8s.io/${role}-secret-name`]: `rook-csi-${driver}-${secret}`,
    [`csi.storage.k8s.io/${role}-secret-namespace`]: NAMESPACE,
  });
  return {
    apiVersion: "storage.k8s.io/v1",
    kind: "StorageClass",
    metadata: {
      name,
      annotations: { "storageclass.kubernetes.io/is-default-class": String(isDefault) },
    },
    provisioner: `${NAMESPACE}.${driver}.csi.ceph.com`,
    parameters: {
      clusterID: NAMESPACE,
      ...parameters,
      ...secrets("provisioner", "provisioner"),
      ...secrets("controller-expand", "provisioner"),
      ...secrets("node-stage", "node"),
    },
    allowVolumeExpansion: true,
    reclaimPolicy: "Delete",
  };
}
