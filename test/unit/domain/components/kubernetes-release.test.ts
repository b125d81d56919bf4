import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  componentFiles,
  publishedSha256,
  releasedFileAt,
} from "../../../../src/domain/components/component-files.ts";
import { DEBIAN_CONTAINERD, pairContainerd } from "../../../../src/domain/components/containerd-pairing.ts";
import {
  DEFAULT_KUBERNETES_VERSION,
  KUBERNETES_MINORS,
  type KubernetesRelease,
  kubernetesRelease,
} from "../../../../src/domain/components/kubernetes-release.ts";

function release(version: string): KubernetesRelease {
  const found = kubernetesRelease(version);
  assert.ok(found, version);
  return found;
}

describe("Kubernetes releases", () => {
  it("lists the images of 1.36.3 as its kubeadm prints them", () => {
    assert.deepEqual(release("1.36.3").images, [
      "registry.k8s.io/kube-apiserver:v1.36.3",
      "registry.k8s.io/kube-controller-manager:v1.36.3",
      "registry.k8s.io/kube-scheduler:v1.36.3",
      "registry.k8s.io/kube-proxy:v1.36.3",
      "registry.k8s.io/coredns/coredns:v1.14.2",
      "registry.k8s.io/pause:3.10.2",
      "registry.k8s.io/etcd:3.6.8-0",
    ]);
  });

  it("S2-14 knows exact versions of the offered minors only", () => {
    assert.deepEqual(KUBERNETES_MINORS, ["1.35", "1.36", "1.37"]);
    assert.ok(kubernetesRelease(DEFAULT_KUBERNETES_VERSION));
    for (const text of ["1.34.1", "1.38.0", "1.36", "v1.36.3", "latest", "stable", "1.36.3-rc.1", ""]) {
      assert.equal(kubernetesRelease(text), undefined, text);
    }
  });

  it("S2-15 pairs every release with its default containerd", () => {
    for (const minor of KUBERNETES_MINORS) {
      const { defaults } = release(`${minor}.1`);
      const pair = pairContainerd({ containerd: defaults.containerd, kubernetesMinor: minor });
      assert.equal(pair.fit, "declared", minor);
    }
  });

  it("S2-15 tells which of Debian's own containerd packages can be used", () => {
    const fit = (debian: string): string =>
      pairContainerd({ containerd: DEBIAN_CONTAINERD[debian] ?? "", kubernetesMinor: "1.36" }).fit;
    assert.equal(fit("12"), "unfit");
    assert.equal(fit("13"), "works");
    const refused = pairContainerd({ containerd: "1.6.20", kubernetesMinor: "1.36" });
    assert.match("reason" in refused ? refused.reason : "", /use 2\.2\.0 or newer of 2\.2, 2\.3\.0/);
  });
});

describe("component files", () => {
  const debian = { arch: "amd64", sources: { containerd: { from: "debian" } } } as const;

  it("have the layout of the Kubernetes release server and of release pages", () => {
    const files = componentFiles(release("1.36.3"), {
      arch: "arm64",
      sources: { containerd: { from: "release" } },
    });
    const paths = files.map(({ upstream, path }) => `${upstream}/${path}`);
    assert.deepEqual(paths, [
      "kubernetes/release/v1.36.3/bin/linux/arm64/kubeadm",
      "kubernetes/release/v1.36.3/bin/linux/arm64/kubelet",
      "kubernetes/release/v1.36.3/bin/linux/arm64/kubectl",
      "github/containernetworking/plugins/releases/download/v1.9.1/cni-plugins-linux-arm64-v1.9.1.tgz",
      "github/containerd/containerd/releases/download/v2.3.4/containerd-2.3.4-linux-arm64.tar.gz",
      "github/opencontainers/runc/releases/download/v1.4.3/runc.arm64",
      "github/kubernetes-sigs/cri-tools/releases/download/v1.36.0/crictl-v1.36.0-linux-arm64.tar.gz",
    ]);
    assert.equal(files[0]?.checksumPath, "release/v1.36.3/bin/linux/arm64/kubeadm.sha256");
    assert.equal(files[5]?.checksumPath, "opencontainers/runc/releases/download/v1.4.3/runc.sha256sum");
  });

  it("leave out what Debian's packages bring", () => {
    const components = componentFiles(release("1.36.3"), debian).map(({ component }) => component);
    assert.deepEqual([...new Set(components)], ["kubernetes", "cni-plugins", "crictl"]);
  });

  it("S4-12 give an etcd host etcd alone", () => {
    const sources = { containerd: { from: "debian" }, kubernetes: [], crictl: false, etcd: true } as const;
    const [only, ...rest] = componentFiles(release("1.36.3"), { arch: "amd64", sources });
    assert.equal(rest.length, 0);
    assert.equal(only?.path, "etcd-io/etcd/releases/download/v3.6.8/etcd-v3.6.8-linux-amd64.tar.gz");
    assert.deepEqual(only.placement, {
      kind: "archive",
      members: ["etcd", "etcdctl", "etcdutl"].map((name) => ({
        member: `etcd-v3.6.8-linux-amd64/${name}`,
        to: `/usr/local/bin/${name}`,
      })),
    });
  });

  it("are recognised by their path, and nothing else is", () => {
    const sources = { containerd: { from: "release" }, etcd: true } as const;
    for (const arch of ["amd64", "arm64"] as const) {
      for (const file of componentFiles(release("1.37.1"), { arch, sources })) {
        const { component, version, name, upstream, path, checksumPath } = file;
        const expected = { component, version, name, upstream, path, checksumPath };
        assert.deepEqual(releasedFileAt(upstream, path), expected, path);
      }
    }
    for (const path of [
      "release/stable.txt",
      "release/v1.36.3/bin/linux/amd64/../kubeadm",
      "release/v1.36.3/bin/windows/amd64/kubeadm",
      "somebody/else/releases/download/v1.0.0/malware",
      "containerd/containerd/releases/download/v2.3.4/other.tar.gz",
      "containerd/containerd/releases/latest/download/containerd-2.3.4-linux-amd64.tar.gz",
    ]) {
      assert.equal(releasedFileAt("kubernetes", path), undefined, path);
      assert.equal(releasedFileAt("github", path), undefined, path);
    }
  });

  it("have their checksum read from a digest alone, a list, and a signed list", () => {
    const [one, two] = ["a".repeat(64), "b".repeat(64)];
    assert.equal(publishedSha256(`${one}\n`, "kubeadm"), one);
    assert.equal(publishedSha256(one, "kubeadm"), one);
    const list = `${one}  runc.amd64\n${two} *runc.arm64\n`;
    assert.equal(publishedSha256(list, "runc.arm64"), two);
    assert.equal(
      publishedSha256(`-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n${list}`, "runc.amd64"),
      one,
    );
    assert.equal(publishedSha256(list, "runc.riscv64"), undefined);
    assert.equal(publishedSha256("<html>404</html>", "kubeadm"), undefined);
  });
});
