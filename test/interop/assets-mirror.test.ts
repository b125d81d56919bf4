import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import path from "node:path";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { BootAssets } from "../support/boot-assets.ts";
import { archiveToolsMissing, DebianArchive, type Publication } from "../support/debian-archive.ts";

const PUBLISHED: Publication = {
  kernel: "6.12.1+deb13-amd64",
  installerVersion: "20250803+deb13u1",
  moduleKernels: ["6.12.1+deb13-amd64"],
  images: true,
};
const INDEX = "dists/trixie/main/binary-amd64/Packages.gz";

interface Got {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: Buffer;
  /** The connection was cut before the promised length was there. */
  readonly cut: boolean;
}

function ask(url: string, headers: Record<string, string> = {}, method = "GET"): Promise<Got> {
  return new Promise((resolve, reject) => {
    const { origin } = new URL(url);
    const outgoing = httpRequest(url, { path: url.slice(origin.length), headers, method, agent: false });
    outgoing.on("error", reject);
    outgoing.on("response", (response) => {
      const chunks: Buffer[] = [];
      const end = (cut: boolean) => () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks),
          cut: cut && !response.complete,
        });
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", end(false));
      response.on("error", end(true));
      response.on("close", end(true));
    });
    outgoing.end();
  });
}

describe("the pull-through mirror", { skip: archiveToolsMissing() ?? false }, () => {
  let archive: DebianArchive;
  let boot: BootAssets;
  let at: string;
  let deb: string;
  const config = (more: object = {}) => ({
    mirrors: { debian: { upstream: archive.url, keyring: archive.keyring } },
    assets: more,
  });
  const restart = async (more: object = {}, releaseAgeMs?: number): Promise<void> => {
    await boot.reopen({ config: config(more) });
    at = await boot.serveMirror(releaseAgeMs);
  };
  const objects = (): number =>
    readdirSync(path.join(boot.directory, "mirror"), { recursive: true, withFileTypes: true }).filter(
      (entry) => entry.isFile(),
    ).length;

  before(async () => {
    archive = new DebianArchive();
    await archive.start();
  });
  after(async () => {
    await archive.stop();
    archive.dispose();
  });
  beforeEach(async () => {
    archive.interference = undefined;
    archive.publish(PUBLISHED);
    archive.requests.length = 0;
    boot = await BootAssets.open({ config: config() });
    at = await boot.serveMirror();
    deb = [...archive.files.keys()].find((name) => name.endsWith("netboot-amd64_20250803+deb13u1_all.deb"))!;
  });
  afterEach(() => boot.dispose());

  test("release, index, installer image and package come through as the archive has them", async () => {
    const image = "dists/trixie/main/installer-amd64/current/images/netboot/debian-installer/amd64/linux";
    const byHash = [...archive.files.keys()].find((name) => name.includes("binary-amd64/by-hash"))!;
    for (const name of ["dists/trixie/InRelease", INDEX, byHash, image, deb]) {
      const got = await ask(`${at}/${name}`);
      assert.equal(got.status, 200, name);
      assert.ok(got.body.equals(archive.files.get(name)!), name);
      assert.equal(got.headers["content-length"], String(got.body.length));
      assert.equal(got.headers["transfer-encoding"], undefined);
    }
  });

  /** What the archive's key vouches for in the pair that the mirror hands out. @throws Error with gpgv's complaint. */
  const vouchedRelease = (release: Buffer, signature: Buffer): string => {
    const files = ["Release", "Release.gpg"].map((name) => path.join(boot.directory, name));
    writeFileSync(files[0]!, release);
    writeFileSync(files[1]!, signature);
    execFileSync("gpgv", ["--keyring", archive.keyring, files[1]!, files[0]!], { stdio: "pipe" });
    return release.toString();
  };

  test("Release and Release.gpg are those of the InRelease, whatever the archive has under their names", async () => {
    archive.files.set("dists/trixie/Release.gpg", Buffer.from("of another generation"));
    archive.files.delete("dists/trixie/Release");
    const release = await ask(`${at}/dists/trixie/Release`);
    const signature = await ask(`${at}/dists/trixie/Release.gpg`);
    const text = vouchedRelease(release.body, signature.body);
    const signed = archive.files.get("dists/trixie/InRelease")!.toString();
    assert.ok(signed.includes(`\n\n${text}\n-----BEGIN`), text);
    assert.match(text, /^ [0-9a-f]{64} \d+ main\/binary-amd64\/Packages\.gz$/m);
    assert.deepEqual(archive.requests, ["dists/trixie/InRelease"]);
  });

  test("a signature fits the Release handed out before it, also when the archive is updated in between", async () => {
    await restart({}, 60_000);
    await ask(`${at}/dists/trixie/InRelease`);
    boot.clock.advance(59_999);
    const release = await ask(`${at}/dists/trixie/Release`);
    archive.publish({ ...PUBLISHED, date: new Date(Date.now() + 60_000) });
    boot.clock.advance(1000);
    const signature = await ask(`${at}/dists/trixie/Release.gpg`);
    vouchedRelease(release.body, signature.body);
    const newer = await ask(`${at}/dists/trixie/Release`);
    assert.notDeepEqual(newer.body, release.body);
    vouchedRelease(newer.body, (await ask(`${at}/dists/trixie/Release.gpg`)).body);
  });

  test("a second request is answered from the disk, also after a restart", async () => {
    await ask(`${at}/dists/trixie/InRelease`);
    await ask(`${at}/${deb}`);
    archive.requests.length = 0;
    const again = await ask(`${at}/${deb}`);
    assert.ok(again.body.equals(archive.files.get(deb)!));
    assert.equal(archive.requests.length, 0, archive.requests.join());
    await restart();
    assert.ok((await ask(`${at}/${deb}`)).body.equals(archive.files.get(deb)!));
    assert.ok(!archive.requests.includes(deb));
  });

  test("fifty clients at once cause one request to the archive and all get the whole file", async () => {
    await ask(`${at}/dists/trixie/InRelease`);
    await ask(`${at}/${INDEX}`);
    archive.requests.length = 0;
    const all = await Promise.all(Array.from({ length: 50 }, () => ask(`${at}/${deb}`)));
    assert.ok(all.every((got) => got.body.equals(archive.files.get(deb)!)));
    assert.equal(archive.requests.filter((name) => name === deb).length, 1);
  });

  test("a client reads while the file is still arriving, and its last byte leaves after the check", async () => {
    await ask(`${at}/dists/trixie/InRelease`);
    await ask(`${at}/${INDEX}`);
    const release = Promise.withResolvers<undefined>();
    archive.interference = (request, response, file) => {
      if (!request.url?.endsWith(".deb") || !file) return false;
      response.writeHead(200, { "Content-Length": file.length });
      response.write(file.subarray(0, 100_000));
      void release.promise.then(() => response.end(file.subarray(100_000)));
      return true;
    };
    let received = 0;
    const done = new Promise<void>((resolve, reject) => {
      httpRequest(`${at}/${deb}`, { agent: false }, (response) => {
        response.on("data", (chunk: Buffer) => {
          received += chunk.length;
          if (received === 100_000) release.resolve(undefined);
        });
        response.on("end", resolve);
        response.on("error", reject);
      }).end();
    });
    await done;
    assert.equal(received, archive.files.get(deb)!.length);
  });

  test("a changed package is never served complete: the connection is cut, the file discarded, an alarm recorded", async () => {
    await ask(`${at}/dists/trixie/InRelease`);
    const good = archive.files.get(deb)!;
    const bad = Buffer.from(good);
    bad[bad.length - 1] = bad.at(-1)! ^ 1;
    archive.files.set(deb, bad);
    const got = await ask(`${at}/${deb}`);
    assert.ok(
      got.status === 502 || (got.cut && got.body.length < good.length),
      `${got.status} ${got.body.length}`,
    );
    const [event] = boot.events.ofType("mirror-mismatch");
    assert.equal(event?.level, "alarm");
    assert.match(event.message, /not what the archive's index promises/);
    archive.files.set(deb, good);
    assert.ok((await ask(`${at}/${deb}`)).body.equals(good));
  });

  test("a truncated and a lengthened package are refused as well", async () => {
    await ask(`${at}/dists/trixie/InRelease`);
    const good = archive.files.get(deb)!;
    for (const bad of [good.subarray(0, -10), Buffer.concat([good, Buffer.from("more")])]) {
      archive.files.set(deb, bad);
      const got = await ask(`${at}/${deb}`);
      assert.ok(got.status === 502 || got.cut, `${got.status}`);
    }
    assert.equal(boot.events.ofType("mirror-mismatch").length, 2);
  });

  test("a release with a bad signature is not handed on, as one file or as a pair", async () => {
    const good = archive.files.get("dists/trixie/InRelease")!.toString();
    archive.files.set("dists/trixie/InRelease", Buffer.from(good.replace("Version: 13.1", "Version: 13.2")));
    for (const name of ["InRelease", "Release", "Release.gpg"]) {
      const got = await ask(`${at}/dists/trixie/${name}`);
      assert.equal(got.status, 502, name);
      assert.match(got.body.toString(), /signature of the release trixie is not good/);
    }
  });

  test("ranges: from the cache, and 206 for a file that had to be fetched first", async () => {
    await ask(`${at}/dists/trixie/InRelease`);
    const file = archive.files.get(deb)!;
    for (const pass of ["cold", "cached"]) {
      const got = await ask(`${at}/${deb}`, { Range: "bytes=100-199" });
      assert.equal(got.status, 206, pass);
      assert.ok(got.body.equals(file.subarray(100, 200)), pass);
      assert.equal(got.headers["content-range"], `bytes 100-199/${file.length}`);
    }
    assert.equal((await ask(`${at}/${deb}`, {}, "HEAD")).headers["content-length"], String(file.length));
  });

  test("releases are asked for again after their age, conditionally, and a new one replaces the old", async () => {
    await restart({}, 60_000);
    await ask(`${at}/dists/trixie/InRelease`);
    archive.publish({ ...PUBLISHED, date: new Date(Date.now() + 60_000) });
    const before = await ask(`${at}/dists/trixie/InRelease`);
    assert.ok(!before.body.equals(archive.files.get("dists/trixie/InRelease")!), "young enough");
    boot.clock.advance(60_001);
    const now = await ask(`${at}/dists/trixie/InRelease`);
    assert.ok(now.body.equals(archive.files.get("dists/trixie/InRelease")!));
    const tag = String(now.headers.etag);
    assert.equal((await ask(`${at}/dists/trixie/InRelease`, { "If-None-Match": tag })).status, 304);
  });

  test("offline everything that is stored is served and the rest is a 502 that says why", async () => {
    await ask(`${at}/dists/trixie/InRelease`);
    await ask(`${at}/${deb}`);
    archive.requests.length = 0;
    await restart({ offline: true });
    assert.equal((await ask(`${at}/dists/trixie/InRelease`)).status, 200);
    assert.ok((await ask(`${at}/${deb}`)).body.equals(archive.files.get(deb)!));
    const other = [...archive.files.keys()].find((name) => name.includes("/ipxe_"))!;
    const got = await ask(`${at}/${other}`);
    assert.equal(got.status, 502);
    assert.match(got.body.toString(), /offline/);
    assert.equal(archive.requests.length, 0, archive.requests.join());
  });

  test("an archive that does not answer is a 502 with the reason, one that lacks the file a 404 that is not remembered", async () => {
    await ask(`${at}/dists/trixie/InRelease`);
    const file = archive.files.get(deb)!;
    archive.files.delete(deb);
    assert.equal((await ask(`${at}/${deb}`)).status, 404);
    archive.files.set(deb, file);
    assert.equal((await ask(`${at}/${deb}`)).status, 200);
    assert.equal((await ask(`${at}/pool/main/n/nothing/nothing_1_all.deb`)).status, 404);
    assert.equal((await ask(`${at}/dists/nosuch/InRelease`)).status, 404);
    archive.interference = (_request, response) => {
      response.writeHead(500).end();
      return true;
    };
    const got = await ask(`${at}/doc/readme.txt`);
    assert.equal(got.status, 502);
    assert.match(got.body.toString(), /answers with status 500/);
  });

  test("a file that no index lists is passed through and not kept", async () => {
    archive.files.set("doc/readme.txt", Buffer.from("read me"));
    await ask(`${at}/dists/trixie/InRelease`);
    const kept = objects();
    assert.equal((await ask(`${at}/doc/readme.txt`)).body.toString(), "read me");
    archive.files.set("doc/readme.txt", Buffer.from("read me again"));
    assert.equal((await ask(`${at}/doc/readme.txt`)).body.toString(), "read me again");
    assert.equal(objects(), kept);
  });

  test("a package does not pass unchecked while its index cannot be had", async () => {
    await ask(`${at}/dists/trixie/InRelease`);
    archive.interference = (request, response) => {
      if (!request.url?.includes("binary-")) return false;
      response.writeHead(503).end();
      return true;
    };
    assert.equal((await ask(`${at}/${deb}`)).status, 502);
  });

  test("the cache keeps to its size; what was used least recently goes", async () => {
    await restart({ maxCacheBytes: 400_000 });
    await ask(`${at}/dists/trixie/InRelease`);
    const image = "dists/trixie/main/installer-amd64/current/images/netboot/debian-installer/amd64/linux";
    await ask(`${at}/${image}`);
    assert.equal((await ask(`${at}/${deb}`)).status, 200);
    for (let turn = 0; turn < 200 && (await boot.archives.cache.totalBytes()) > 400_000; turn += 1) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    assert.ok((await boot.archives.cache.totalBytes()) <= 400_000);
    assert.ok((await ask(`${at}/${image}`)).body.equals(archive.files.get(image)!), "fetched again");
  });

  test("paths cannot leave the archive or the cache, and unknown mirrors are 404", async () => {
    for (const bad of [
      "../../../etc/passwd",
      "%2e%2e/%2e%2e/etc/passwd",
      "dists/../../x",
      "/evil.example/x",
    ]) {
      const got = await ask(`${at}/${bad}`);
      assert.ok(got.status === 404 || got.status === 400 || got.status === 502, `${bad} gives ${got.status}`);
    }
    assert.ok(
      archive.requests.every((name) => !name.includes("..")),
      archive.requests.join("\n"),
    );
    assert.equal((await ask(at.replace("/debian", "/ubuntu/x"))).status, 404);
    assert.equal((await ask(`${at}/${deb}`, {}, "POST")).status, 405);
  });

  test("a client that goes away does not end the download for the others", async () => {
    await ask(`${at}/dists/trixie/InRelease`);
    await ask(`${at}/${INDEX}`);
    const release = Promise.withResolvers<undefined>();
    archive.interference = (request, response, file) => {
      if (!request.url?.endsWith(".deb") || !file) return false;
      response.writeHead(200, { "Content-Length": file.length });
      response.write(file.subarray(0, 50_000));
      void release.promise.then(() => response.end(file.subarray(50_000)));
      return true;
    };
    const leaver = httpRequest(`${at}/${deb}`, { agent: false }, (response) => {
      response.once("data", () => {
        leaver.destroy();
        release.resolve(undefined);
      });
    });
    leaver.on("error", () => undefined);
    const stayer = ask(`${at}/${deb}`);
    leaver.end();
    assert.ok((await stayer).body.equals(archive.files.get(deb)!));
  });

  test("a stored object that was damaged in size is fetched again", async () => {
    await ask(`${at}/dists/trixie/InRelease`);
    await ask(`${at}/${deb}`);
    rmSync(path.join(boot.directory, "mirror/objects"), { recursive: true });
    assert.ok((await ask(`${at}/${deb}`)).body.equals(archive.files.get(deb)!));
  });
});
