import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseChallenge } from "../../../../src/domain/images/challenge.ts";
import { formatImage, parseImage } from "../../../../src/domain/images/reference.ts";
import { readRegistryPath } from "../../../../src/domain/images/registry-path.ts";

const DIGEST = `sha256:${"0123456789abcdef".repeat(4)}`;

describe("image references", () => {
  it("are read as container runtimes read them", () => {
    const cases: readonly (readonly [string, string])[] = [
      ["registry.k8s.io/pause:3.10.2", "registry.k8s.io/pause:3.10.2"],
      ["registry.k8s.io/coredns/coredns:v1.14.2", "registry.k8s.io/coredns/coredns:v1.14.2"],
      ["nginx", "docker.io/library/nginx:latest"],
      ["traefik:v3.7.9", "docker.io/library/traefik:v3.7.9"],
      ["headlamp-k8s/headlamp:v0.45.0", "docker.io/headlamp-k8s/headlamp:v0.45.0"],
      ["dreg0.lan:5000/appweb:v1", "dreg0.lan:5000/appweb:v1"],
      ["localhost:5000/a/b", "localhost:5000/a/b:latest"],
      [`quay.io/x/y:v1@${DIGEST}`, `quay.io/x/y@${DIGEST}`],
      ["quay.io/x/y__z.a-b", "quay.io/x/y__z.a-b:latest"],
    ];
    for (const [text, expected] of cases) {
      const image = parseImage(text);
      assert.ok(image, text);
      assert.equal(formatImage(image), expected);
    }
  });

  it("are refused when no registry could hold them", () => {
    for (const text of [
      "",
      ":v1",
      "registry.k8s.io/",
      "a//b",
      "Upper/case",
      "a/../b",
      "a:b:c d",
      "a@sha256:12",
      "x".repeat(300),
    ]) {
      assert.equal(parseImage(text), undefined, text);
    }
  });
});

describe("addresses of the registry", () => {
  it("name the registry by ?ns= or by the first part of the path", () => {
    const byNs = readRegistryPath("coredns/coredns/manifests/v1", "registry.k8s.io");
    assert.deepEqual(byNs, readRegistryPath("registry.k8s.io/coredns/coredns/manifests/v1", undefined));
    assert.deepEqual(byNs, {
      kind: "manifest",
      repository: { host: "registry.k8s.io", name: "coredns/coredns" },
      reference: { kind: "tag", tag: "v1" },
    });
    const hub = readRegistryPath("docker.io/nginx/blobs/" + DIGEST, undefined);
    assert.equal(hub.kind === "blob" && hub.repository.name, "library/nginx");
  });

  it("do not lead anywhere else", () => {
    for (const path of ["a/b", "_catalog", "a/tags/list", "a/blobs/uploads/x/y"]) {
      assert.equal(readRegistryPath(path, "registry.k8s.io").kind, "unsupported", path);
    }
    assert.equal(readRegistryPath(`a/blobs/${DIGEST}`, "evil host").kind, "invalid");
  });
});

describe("challenges of registries", () => {
  it("are read with their parameters", () => {
    const challenge = parseChallenge(
      'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull"',
    );
    assert.deepEqual(challenge, {
      scheme: "bearer",
      realm: new URL("https://auth.docker.io/token"),
      service: "registry.docker.io",
      scope: "repository:a/b:pull",
    });
    assert.deepEqual(parseChallenge("basic realm=x"), { scheme: "basic" });
    for (const header of [undefined, "", "Negotiate", 'Bearer realm="file:///etc"', "Bearer scope=x"]) {
      assert.equal(parseChallenge(header), undefined, header);
    }
  });
});
