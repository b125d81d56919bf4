import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ClusterSpecInput } from "../../../../../src/domain/cluster/cluster-spec.ts";
import type { ClusterMember } from "../../../../../src/domain/cluster/members.ts";
import {
  addonFaults,
  addonImages,
  CATALOGUE,
} from "../../../../../src/domain/components/addons/catalogue.ts";
import {
  imagesOf,
  type KubernetesObject,
  movingImages,
  type Objects,
  valueAt,
} from "../../../../../src/domain/components/addons/objects.ts";
import { KUBERNETES_MINORS } from "../../../../../src/domain/components/kubernetes-release.ts";
import { parseVersion } from "../../../../../src/domain/components/version.ts";
import { parseImage } from "../../../../../src/domain/images/reference.ts";
import { AddonManifests } from "../../../../../src/services/cluster/addon-manifests.ts";
import { manifestText } from "../../../../support/addon-upstream.ts";
import { aCluster, aMember } from "../../../../support/clusters.ts";

const manifests = new AddonManifests({ files: { text: (file) => Promise.resolve(manifestText(file)) } });

async function render(spec: ClusterSpecInput, members?: readonly ClusterMember[]): Promise<Objects> {
  const rendered = await manifests.render(aCluster({ spec, ...(members && { members }) }));
  return rendered.flatMap(({ objects }) => objects);
}

function network(
  cni: "flannel" | "calico" | "canal" | "cilium",
  cniOptions = {},
  more = {},
): Promise<Objects> {
  return render({ network: { cni, cniOptions, podCIDR: "10.200.0.0/16", ...more } });
}

function addon(name: string, parameters = {}, members?: readonly ClusterMember[]): Promise<Objects> {
  return render({ network: { cni: "none" }, addons: [{ name, parameters }] }, members);
}

function one(objects: Objects, kind: string, name: string): KubernetesObject {
  const found = objects.find((object) => object.kind === kind && object.metadata.name === name);
  assert.ok(found, `${kind} ${name}`);
  return found;
}

const CONTAINER = ["spec", "template", "spec", "containers", 0];

function environment(object: KubernetesObject): Readonly<Record<string, unknown>> {
  const list = valueAt(object, [...CONTAINER, "env"]) as readonly { name: string; value: unknown }[];
  return Object.fromEntries(list.map(({ name, value }) => [name, value]));
}

describe("the catalogue", () => {
  it("names exact versions, tags and images only", () => {
    for (const { name, version, images, sources } of CATALOGUE) {
      if (name !== "none" && name !== "routed") assert.ok(parseVersion(version), `${name} ${version}`);
      assert.deepEqual(movingImages(images), [], name);
      for (const image of images) assert.ok(parseImage(image), image);
      for (const { path } of sources) assert.ok(path.includes(`${version}/`), path);
      assert.equal(new Set(sources.map(({ path }) => path)).size, sources.length, name);
    }
  });

  it("declares a range of Kubernetes minors for every entry, and has something for every minor", () => {
    for (const { name, kubernetes } of CATALOGUE) {
      assert.match(kubernetes.from, /^1\.\d+$/, name);
      assert.ok(Number(kubernetes.from.slice(2)) <= Number(kubernetes.to.slice(2)), name);
    }
    for (const minor of KUBERNETES_MINORS) {
      const networks = CATALOGUE.filter(
        ({ kind, kubernetes }) =>
          kind === "network" && Number(kubernetes.to.slice(2)) >= Number(minor.slice(2)),
      );
      assert.ok(
        networks.some(({ name }) => name === "flannel"),
        minor,
      );
    }
  });

  it("renders every entry with nothing said about it, without a moving image", async () => {
    for (const { kind, name } of CATALOGUE) {
      const objects =
        kind === "addon" ? await addon(name) : await render({ network: { cni: name as "none" } });
      assert.deepEqual(movingImages(imagesOf(objects)), [], name);
      for (const object of objects) assert.ok(object.apiVersion && object.metadata.name, name);
    }
  });

  it("says where a parameter is wrong", () => {
    const faultsOf = (spec: ClusterSpecInput): readonly string[] =>
      addonFaults(aCluster({ spec }).spec).map(({ path }) => path);
    assert.deepEqual(faultsOf({ addons: [{ name: "metallb", parameters: { addresses: ["everything"] } }] }), [
      "addons[0].parameters.addresses[0]",
    ]);
    assert.deepEqual(faultsOf({ addons: ["traefik", { name: "headlamp", parameters: { nodePorts: 1 } }] }), [
      "addons[1].parameters.nodePorts",
    ]);
    assert.deepEqual(faultsOf({ network: { cni: "flannel", cniOptions: { backend: "udp" } } }), [
      "network.cniOptions.backend",
    ]);
    assert.deepEqual(faultsOf({ addons: [{ name: "metrics-server", version: "0.8.0" }] }), [
      "addons[0].version",
    ]);
    assert.deepEqual(faultsOf({ addons: ["metrics-server", "traefik"] }), []);
  });

  it("lists the images of what a cluster has chosen", () => {
    const images = addonImages(aCluster({ spec: { addons: ["metrics-server"] } }).spec);
    assert.deepEqual(images, [
      "ghcr.io/flannel-io/flannel:v0.28.9",
      "ghcr.io/flannel-io/flannel-cni-plugin:v1.9.1-flannel3",
      "registry.k8s.io/metrics-server/metrics-server:v0.9.0",
    ]);
  });
});

describe("pod networks", () => {
  it("S1-24 flannel gets the cluster's pod network, by VXLAN", async () => {
    const objects = await network("flannel", {}, { mtu: 1400 });
    const settings = JSON.parse(
      String(valueAt(one(objects, "ConfigMap", "kube-flannel-cfg"), ["data", "net-conf.json"])),
    ) as unknown;
    assert.deepEqual(settings, {
      Network: "10.200.0.0/16",
      Backend: { Type: "vxlan", MTU: 1400 },
      EnableNFTables: false,
    });
  });

  it("S4-18 flannel sets routes between nodes of one LAN, on the interface that was named", async () => {
    const objects = await network("flannel", { backend: "host-gw", interface: "eno1" });
    assert.match(
      String(valueAt(one(objects, "ConfigMap", "kube-flannel-cfg"), ["data", "net-conf.json"])),
      /"host-gw"/,
    );
    const daemon = one(objects, "DaemonSet", "kube-flannel-ds");
    assert.deepEqual(valueAt(daemon, [...CONTAINER, "args"]), ["--first=1", "--iface=eno1"]);
  });

  it("S2-25 Calico gets the pod network; without BGP neither its daemon nor its probes stay", async () => {
    const objects = await network("calico", {}, { mtu: 8900 });
    const node = one(objects, "DaemonSet", "calico-node");
    const set = environment(node);
    assert.equal(set["CALICO_IPV4POOL_CIDR"], "10.200.0.0/16");
    assert.equal(set["CALICO_IPV4POOL_VXLAN"], "Always");
    assert.equal(set["CALICO_IPV4POOL_IPIP"], "Never");
    assert.equal(set["IP"], "autodetect");
    assert.deepEqual(valueAt(node, [...CONTAINER, "livenessProbe", "exec", "command"]), [
      "/bin/calico-node",
      "-felix-live",
    ]);
    const config = one(objects, "ConfigMap", "calico-config");
    assert.equal(valueAt(config, ["data", "calico_backend"]), "vxlan");
    assert.equal(valueAt(config, ["data", "veth_mtu"]), "8900");
  });

  it("S2-26 Calico encrypts by WireGuard and routes by BGP where that is said", async () => {
    const objects = await network("calico", { encapsulation: "None", wireguard: true });
    const node = one(objects, "DaemonSet", "calico-node");
    assert.equal(environment(node)["FELIX_WIREGUARDENABLED"], "true");
    assert.equal(environment(node)["CALICO_IPV4POOL_VXLAN"], "Never");
    assert.match(JSON.stringify(valueAt(node, [...CONTAINER, "livenessProbe"])), /-bird-live/);
  });

  it("S3-13 Canal gets the pod network in both of its halves", async () => {
    const objects = await network("canal", { interface: "eth0" });
    const config = one(objects, "ConfigMap", "canal-config");
    assert.match(String(valueAt(config, ["data", "net-conf.json"])), /"Network": "10\.200\.0\.0\/16"/);
    assert.equal(valueAt(config, ["data", "canal_iface"]), "eth0");
    assert.equal(environment(one(objects, "DaemonSet", "canal"))["CALICO_IPV4POOL_CIDR"], "10.200.0.0/16");
  });

  it("S4-18 Cilium reaches the API at the endpoint and routes natively where that is said", async () => {
    const objects = await network("cilium", { routing: "native", settings: { debug: "true" } });
    const data = valueAt(one(objects, "ConfigMap", "cilium-config"), ["data"]) as Readonly<
      Record<string, string>
    >;
    assert.equal(data["routing-mode"], "native");
    assert.equal(data["ipv4-native-routing-cidr"], "10.200.0.0/16");
    assert.equal(data["kube-proxy-replacement"], "false");
    assert.equal(data["debug"], "true");
    assert.equal(environment(one(objects, "DaemonSet", "cilium"))["KUBERNETES_SERVICE_HOST"], "10.20.0.9");
  });

  it("S4-18 a routed network needs no manifest", async () => {
    const rendered = await manifests.manifestsFor(aCluster({ spec: { network: { cni: "routed" } } }));
    assert.equal(rendered, undefined);
  });
});

describe("add-ons", () => {
  it("S4-22 metrics-server accepts self-signed kubelets unless they ask for signed certificates", async () => {
    const argumentsOf = async (spec: ClusterSpecInput): Promise<unknown> =>
      valueAt(
        one(
          await render({ network: { cni: "none" }, addons: ["metrics-server"], ...spec }),
          "Deployment",
          "metrics-server",
        ),
        [...CONTAINER, "args"],
      );
    assert.deepEqual(await argumentsOf({}), ["--first=1", "--kubelet-insecure-tls"]);
    assert.deepEqual(await argumentsOf({ kubelet: { config: { serverTLSBootstrap: true } } }), ["--first=1"]);
  });

  it("S1-34 traefik listens on ports of every node, with its dashboard and certificates", async () => {
    const objects = await addon("traefik", {
      httpPort: 880,
      adminPort: 8080,
      acme: { email: "ops@example.org" },
    });
    const daemon = one(objects, "DaemonSet", "traefik");
    const ports = valueAt(daemon, [...CONTAINER, "ports"]) as readonly { hostPort: number }[];
    assert.deepEqual(
      ports.map(({ hostPort }) => hostPort),
      [880, 443, 8080],
    );
    assert.match(JSON.stringify(valueAt(daemon, [...CONTAINER, "args"])), /acme\.email=ops@example\.org/);
    assert.equal(
      valueAt(one(objects, "ClusterRoleBinding", "traefik-ingress-controller"), ["subjects", 0, "namespace"]),
      "traefik",
    );
    const closed = one(await addon("traefik"), "DaemonSet", "traefik");
    assert.doesNotMatch(JSON.stringify(closed), /api\.insecure/);
  });

  it("S1-30 Rook takes the storage machines' own data disks and nothing else", async () => {
    const disk = {
      disk: { path: "/dev/disk/by-path/pci-0000:00:1f.2-ata-2" },
      purpose: "data" as const,
      blank: true,
    };
    const storing = (name: string, host: number): ClusterMember => {
      const member = aMember(name, { roles: ["control-plane", "storage"], host });
      return { ...member, spec: { ...member.spec, dataDisks: [disk] } };
    };
    const members = [
      storing("opti", 11),
      storing("rice", 10),
      storing("congrats", 8),
      aMember("andy", { roles: ["worker"], host: 7 }),
    ];
    const objects = await addon("rook-ceph", { replicas: 2 }, members);
    const storage = valueAt(one(objects, "CephCluster", "rook-ceph"), ["spec", "storage"]);
    const devices = [{ name: disk.disk.path }];
    assert.deepEqual(storage, {
      useAllNodes: false,
      useAllDevices: false,
      nodes: ["opti", "rice", "congrats"].map((name) => ({ name, devices })),
    });
    assert.equal(valueAt(one(objects, "CephCluster", "rook-ceph"), ["spec", "mon", "count"]), 3);
  });

  it("S1-31 Rook's pool has two copies and a default class named general, formatted as xfs", async () => {
    const objects = await addon("rook-ceph");
    assert.equal(valueAt(one(objects, "CephBlockPool", "general"), ["spec", "replicated", "size"]), 2);
    const storageClass = one(objects, "StorageClass", "general");
    assert.equal(
      valueAt(storageClass, ["metadata", "annotations", "storageclass.kubernetes.io/is-default-class"]),
      "true",
    );
    assert.equal(valueAt(storageClass, ["parameters", "csi.storage.k8s.io/fstype"]), "xfs");
  });

  it("S3-20 Rook gives a shared file system, S1-33 and a toolbox, where that is said", async () => {
    const objects = await addon("rook-ceph", { filesystem: true, toolbox: false });
    assert.ok(one(objects, "CephFilesystem", "shared"));
    assert.ok(one(objects, "StorageClass", "shared"));
    assert.ok(!objects.some(({ metadata }) => metadata.name === "rook-ceph-tools"));
  });

  it("S1-36 kube-prometheus gets volumes, a retention and a port for Grafana", async () => {
    const objects = await addon("kube-prometheus", {
      storage: { size: "100Gi", storageClass: "general" },
      grafanaNodePort: 30_300,
      networkPolicies: false,
    });
    const prometheus = one(objects, "Prometheus", "k8s");
    const claim = valueAt(prometheus, ["spec", "storage", "volumeClaimTemplate", "spec"]);
    assert.deepEqual(claim, {
      accessModes: ["ReadWriteOnce"],
      resources: { requests: { storage: "100Gi" } },
      storageClassName: "general",
    });
    assert.equal(valueAt(one(objects, "Service", "grafana"), ["spec", "ports", 0, "nodePort"]), 30_300);
    assert.ok(!objects.some(({ kind }) => kind === "NetworkPolicy"));
  });

  it("kube-prometheus leaves the metrics API to metrics-server where both were chosen", async () => {
    const both = await render({ network: { cni: "none" }, addons: ["metrics-server", "kube-prometheus"] });
    assert.ok(!both.some(({ kind }) => kind === "APIService"));
    assert.ok((await addon("kube-prometheus")).some(({ kind }) => kind === "APIService"));
  });

  it("S1-35, S3-22 logging collects on every node and keeps what it collects on a volume", async () => {
    const objects = await addon("logging", { size: "200Gi", storageClass: "general", nodePort: 30_601 });
    assert.ok(one(objects, "DaemonSet", "fluent-bit"));
    const claims = valueAt(one(objects, "StatefulSet", "opensearch"), [
      "spec",
      "volumeClaimTemplates",
      0,
      "spec",
      "storageClassName",
    ]);
    assert.equal(claims, "general");
    assert.equal(valueAt(one(objects, "Service", "dashboards"), ["spec", "ports", 0, "nodePort"]), 30_601);
  });

  it("S2-32, S4-22 Headlamp is pinned, reachable on a port, and almighty only when asked", async () => {
    const objects = await addon("headlamp", { nodePort: 30_050, admin: true });
    assert.equal(
      valueAt(one(objects, "Deployment", "headlamp"), [...CONTAINER, "image"]),
      "ghcr.io/headlamp-k8s/headlamp:v0.45.0",
    );
    assert.equal(valueAt(one(objects, "Service", "headlamp"), ["spec", "ports", 0, "nodePort"]), 30_050);
    assert.ok(one(objects, "ClusterRoleBinding", "headlamp-admin"));
    const plain = await addon("headlamp");
    assert.ok(!plain.some(({ kind }) => kind === "Secret" || kind === "ClusterRoleBinding"));
  });

  it("MetalLB announces its addresses on the LAN", async () => {
    const objects = await addon("metallb", { addresses: ["10.20.0.200-10.20.0.220"] });
    assert.deepEqual(valueAt(one(objects, "IPAddressPool", "muster"), ["spec", "addresses"]), [
      "10.20.0.200-10.20.0.220",
    ]);
    assert.ok(one(objects, "L2Advertisement", "muster"));
  });

  it("S1-34 cert-manager gets an issuer for ingresses", async () => {
    const objects = await addon("cert-manager", { acme: { email: "ops@example.org" } });
    assert.equal(
      valueAt(one(objects, "ClusterIssuer", "acme"), ["spec", "acme", "email"]),
      "ops@example.org",
    );
  });

  it("S4-23 the registry keeps images on a volume, with TLS and logins where that is said", async () => {
    const objects = await addon("registry", { tlsSecret: "cert", htpasswdSecret: "users", nodePort: 30_500 });
    const set = environment(one(objects, "StatefulSet", "registry"));
    assert.equal(set["REGISTRY_HTTP_TLS_CERTIFICATE"], "/secrets/tls/tls.crt");
    assert.equal(set["REGISTRY_AUTH"], "htpasswd");
  });

  it("are refused when their manifest is not what the catalogue knows", async () => {
    const other = new AddonManifests({
      files: { text: () => Promise.resolve("apiVersion: v1\nkind: Namespace\nmetadata: { name: x }\n") },
    });
    const cluster = aCluster({ spec: { network: { cni: "none" }, addons: ["metrics-server"] } });
    await assert.rejects(other.render(cluster), /no Deployment named metrics-server: its layout has changed/);
    const broken = new AddonManifests({ files: { text: () => Promise.resolve("{") } });
    await assert.rejects(broken.render(cluster), /components\.yaml is not YAML/);
  });

  it("are applied without the fields that a manifest leaves empty", async () => {
    const text = (file: Parameters<typeof manifestText>[0]): Promise<string> =>
      Promise.resolve(
        `${manifestText(file)}---\napiVersion: v1\nkind: Service\nmetadata: { name: x, labels: }\nspec: { ports: [{ port: 1, name: }] }\n`,
      );
    const cluster = aCluster({ spec: { network: { cni: "none" }, addons: ["metrics-server"] } });
    const objects = (await new AddonManifests({ files: { text } }).render(cluster)).flatMap(
      (each) => each.objects,
    );
    assert.deepEqual(one(objects, "Service", "x"), {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "x" },
      spec: { ports: [{ port: 1 }] },
    });
  });

  it("are never applied with an image that moves", async () => {
    const text = (file: Parameters<typeof manifestText>[0]): Promise<string> =>
      Promise.resolve(manifestText(file).replaceAll(":v1", ":latest"));
    const moving = new AddonManifests({ files: { text } });
    const cluster = aCluster({ spec: { network: { cni: "none" }, addons: ["metrics-server"] } });
    await assert.rejects(moving.render(cluster), /names images without a version/);
  });
});
