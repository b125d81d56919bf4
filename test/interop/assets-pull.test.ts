import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import { type AddressInfo, connect, createServer as createTcpServer } from "node:net";
import path from "node:path";
import type { Duplex } from "node:stream";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { createCpioReader, encodeCpio } from "../../src/domain/assets/cpio.ts";
import { BootAssets, TRIXIE } from "../support/boot-assets.ts";
import { archiveToolsMissing, DebianArchive, type Publication } from "../support/debian-archive.ts";

const FIRST: Publication = {
  kernel: "6.12.1+deb13-amd64",
  installerVersion: "20250803+deb13u1",
  moduleKernels: ["6.12.1+deb13-amd64"],
  images: true,
};
const POINT_RELEASE: Publication = {
  kernel: "6.12.2+deb13-amd64",
  installerVersion: "20250803+deb13u2",
  moduleKernels: ["6.12.2+deb13-amd64"],
  images: true,
};
const HOUR = 3_600_001;

describe("pulling from an archive", { skip: archiveToolsMissing() ?? false }, () => {
  let archive: DebianArchive;
  let boot: BootAssets;
  const config = (more: object = {}) => ({
    mirrors: { debian: { upstream: archive.url, keyring: archive.keyring } },
    assets: more,
  });

  before(async () => {
    archive = new DebianArchive();
    await archive.start();
  });
  after(async () => {
    await archive.stop();
    archive.dispose();
  });
  afterEach(() => boot.dispose());
  beforeEach(async () => {
    archive.interference = undefined;
    archive.publish(FIRST);
    archive.requests.length = 0;
    boot = await BootAssets.open({ config: config() });
  });
  const content = (relative: string): string =>
    readFileSync(path.join(boot.directory, "assets/boot", relative), "utf8");
  const code = (expected: string, message: RegExp) => (error: Error & { code?: string }) => {
    assert.equal(error.code, expected, error.message);
    assert.match(error.message, message);
    return true;
  };

  test("kernel, initrd and boot programs are on disk, recorded and ready", async () => {
    const progress: string[] = [];
    const report = await boot.assets.pull({ need: TRIXIE, onProgress: ({ what }) => progress.push(what) });
    assert.equal(report.version, "20250803+deb13u1");
    assert.equal(report.unchanged, false);
    assert.match(report.notes.join("\n"), /from dists\/trixie\/main\/installer-amd64\/current\/images/);
    assert.match(report.notes.join("\n"), /no shimx64\.efi: shim-signed does not hold it/);
    assert.ok(progress.includes("linux of the installer"));
    await boot.settled(TRIXIE);
    assert.deepEqual(boot.assets.status(TRIXIE), { kind: "ready" });
    assert.deepEqual(boot.assets.installer(TRIXIE), {
      kernelPath: "/boot/files/debian-13/amd64/20250803+deb13u1/linux",
      initrdPath: "/boot/files/debian-13/amd64/20250803+deb13u1/initrd.gz",
      version: "20250803+deb13u1",
      kernelVersion: "6.12.1+deb13-amd64",
    });
    assert.equal(content("undionly.kpxe"), "undionly");
    assert.equal(content("ipxe.efi"), "ipxe amd64");
    assert.equal(content("arm64/snponly.efi"), "ipxe arm64");
    assert.equal((await boot.files.find("snponly.efi"))?.size, 7);
  });

  test("a second pull fetches nothing and says that nothing changed", async () => {
    await boot.assets.pull({ need: TRIXIE });
    archive.requests.length = 0;
    const report = await boot.assets.pull({ need: TRIXIE });
    assert.equal(report.unchanged, true);
    assert.deepEqual(
      archive.requests.filter((name) => !name.endsWith("InRelease")),
      [],
    );
  });

  test("a mirror without the netboot files: the package of the pool is used, and the notes say so", async () => {
    archive.publish({ ...FIRST, images: false });
    const report = await boot.assets.pull({ need: TRIXIE });
    assert.match(report.notes.join("\n"), /taken from the package debian-installer-13-netboot-amd64/);
    assert.match(content("debian-13/amd64/20250803+deb13u1/linux"), /^kernel 6\.12\.1/);
  });

  test("a release with a bad signature is refused, and nothing is put on disk", async () => {
    const good = archive.files.get("dists/trixie/InRelease")!.toString();
    archive.files.set("dists/trixie/InRelease", Buffer.from(good.replace("Version: 13.1", "Version: 13.2")));
    await assert.rejects(
      boot.assets.pull({ need: TRIXIE }),
      code("not-verified", /signature of the release trixie is not good: .*BAD signature/i),
    );
    assert.deepEqual(await boot.assets.list(), []);
  });

  test("a release signed by a stranger, unsigned, or of another suite is refused", async () => {
    const stranger = new DebianArchive();
    stranger.publish(FIRST);
    archive.files.set("dists/trixie/InRelease", stranger.files.get("dists/trixie/InRelease")!);
    await assert.rejects(boot.assets.pull({ need: TRIXIE }), code("not-verified", /public key/i));
    archive.files.set("dists/trixie/InRelease", stranger.files.get("dists/trixie/Release")!);
    await assert.rejects(boot.assets.pull({ need: TRIXIE }), code("not-verified", /not one signed message/));
    archive.publish({ ...FIRST, suite: "bookworm" });
    await assert.rejects(
      boot.assets.pull({ need: TRIXIE }),
      code("not-verified", /asked for the release trixie, got bookworm/),
    );
    stranger.dispose();
  });

  test("a missing keyring and a missing signature program name the package to install", async () => {
    const { createSignatureCheck } = await import("../../src/adapters/assets/signature.ts");
    const message = { content: "", signature: "" };
    const absent = { name: "no-such-program", parameters: [], accepts: () => true };
    const without = createSignatureCheck({ keyring: archive.keyring, programs: [absent] });
    await assert.rejects(without(message), code("unavailable", /install the package gpgv \(or sqv\)/));
    const nowhere = createSignatureCheck({ keyring: "/nowhere.gpg" });
    await assert.rejects(nowhere(message), code("unavailable", /\/nowhere\.gpg cannot be read/));
  });

  test("one good signature is enough when the keyring lacks the other signer", async () => {
    archive.publish({ ...FIRST, cosigned: true });
    assert.equal((await boot.assets.pull({ need: TRIXIE })).version, FIRST.installerVersion);
    const good = archive.files.get("dists/trixie/InRelease")!.toString();
    archive.files.set("dists/trixie/InRelease", Buffer.from(good.replace("Version: 13.1", "Version: 13.2")));
    const other = await BootAssets.open({ config: config() });
    await assert.rejects(other.assets.pull({ need: TRIXIE }), code("not-verified", /not good/));
    await other.dispose();
  });

  test("one changed byte in a file is found, the file is discarded, and a good archive heals it", async () => {
    const name = "dists/trixie/main/installer-amd64/current/images/netboot/debian-installer/amd64/linux";
    const good = archive.files.get(name)!;
    const bad = Buffer.from(good);
    bad[1000] = bad[1000]! ^ 1;
    archive.files.set(name, bad);
    await assert.rejects(
      boot.assets.pull({ need: TRIXIE }),
      code("not-verified", /linux is not what the archive's index promises/),
    );
    archive.files.set(name, good);
    assert.equal((await boot.assets.pull({ need: TRIXIE })).unchanged, false);
  });

  test("a stale index is refused under its plain name and found under its hash", async () => {
    const name = "dists/trixie/main/binary-amd64/Packages.gz";
    archive.files.set(name, Buffer.from("an index of yesterday"));
    await boot.assets.pull({ need: TRIXIE });
    const byHash = [...archive.files.keys()].find((key) =>
      key.startsWith("dists/trixie/main/binary-amd64/by-hash"),
    )!;
    archive.files.delete(byHash);
    const other = await BootAssets.open({ config: config() });
    await assert.rejects(
      other.assets.pull({ need: TRIXIE }),
      code("not-verified", /binary-amd64\/Packages\.gz|by-hash/),
    );
    await other.dispose();
  });

  test("an older release than the one known is not taken", async () => {
    await boot.assets.pull({ need: TRIXIE });
    archive.publish({ ...POINT_RELEASE, date: new Date(Date.now() - 86_400_000) });
    boot.clock.advance(1000);
    const report = await boot.assets.pull({ need: TRIXIE });
    assert.equal(report.version, FIRST.installerVersion);
    assert.match(report.notes.join("\n"), /older release/);
  });

  test("a connection cut in the middle is taken up where it ended", async () => {
    const cut = (request: IncomingMessage) =>
      request.url?.endsWith("/linux") === true && !request.headers.range;
    archive.interference = (request, response, file) => {
      if (!cut(request) || !file) return false;
      response.writeHead(200, { "Content-Length": file.length });
      response.write(file.subarray(0, 100_000), () => setTimeout(() => response.destroy(), 60));
      return true;
    };
    await boot.assets.pull({ need: TRIXIE });
    assert.ok(
      archive.requests.some((name) => /\/linux bytes=\d+-$/.test(name)),
      archive.requests.join("\n"),
    );
  });

  test("a pull that was given up goes on from what is on disk, in a new process too", async () => {
    archive.interference = (request, response, file) => {
      if (request.url?.endsWith("/linux") !== true || !file) return false;
      const from = Number(/\d+/.exec(request.headers.range ?? "0")?.[0]);
      if (from === 0) response.writeHead(200, { "Content-Length": file.length });
      else response.writeHead(503);
      response.write(from === 0 ? file.subarray(0, 50_000) : "", () =>
        setTimeout(() => response.destroy(), 60),
      );
      return true;
    };
    await assert.rejects(boot.assets.pull({ need: TRIXIE }), code("upstream-failed", /./));
    archive.interference = undefined;
    archive.requests.length = 0;
    await boot.reopen({ config: config() });
    await boot.assets.pull({ need: TRIXIE });
    assert.ok(
      archive.requests.some((name) => name.endsWith("/linux bytes=50000-")),
      archive.requests.join("\n"),
    );
  });

  test("a part file with wrong content costs one more download, not a wrong file", async () => {
    archive.interference = (request, response, file) => {
      if (request.url?.endsWith("/linux") !== true || request.headers.range || !file) return false;
      response.writeHead(200, { "Content-Length": file.length });
      response.write(Buffer.alloc(50_000), () => setTimeout(() => response.destroy(), 60));
      archive.interference = undefined;
      return true;
    };
    await boot.assets.pull({ need: TRIXIE });
    assert.match(content("debian-13/amd64/20250803+deb13u1/linux"), /^kernel 6\.12\.1/);
  });

  test("with the archive gone, and in offline operation, what is on disk is verified and used", async () => {
    await boot.assets.pull({ need: TRIXIE });
    await boot.reopen({ config: config({ offline: true }) });
    archive.requests.length = 0;
    const offline = await boot.assets.pull({ need: TRIXIE });
    assert.equal(offline.unchanged, true);
    assert.match(offline.notes.join("\n"), /offline/);
    assert.equal(archive.requests.length, 0, archive.requests.join());
    rmSync(path.join(boot.directory, "mirror/objects"), { recursive: true });
    const bare = await boot.assets.pull({ need: TRIXIE });
    assert.match(bare.notes.join("\n"), /what is on disk was verified and is used/);
    await boot.settled(TRIXIE);
    assert.deepEqual(boot.assets.status(TRIXIE), { kind: "ready" });
  });

  test("offline with nothing on disk says what is missing", async () => {
    await boot.reopen({ config: config({ offline: true }) });
    await assert.rejects(boot.assets.pull({ need: TRIXIE }), code("upstream-failed", /offline/));
    boot.assets.ensure(TRIXIE);
    await boot.settled(TRIXIE);
    const status = boot.assets.status(TRIXIE);
    assert.match(status.kind === "missing" ? status.reason : "", /offline/);
  });

  test("without any address of an archive the setting is named", async () => {
    await boot.reopen({ config: {} });
    await assert.rejects(
      boot.assets.pull({ need: TRIXIE }),
      code("upstream-failed", /set mirrors\.debian\.upstream/),
    );
  });

  test("after a point release the image is replaced before a machine is sent to it", async () => {
    boot.assets.ensure(TRIXIE);
    assert.equal(boot.assets.status(TRIXIE).kind, "pulling");
    assert.equal(boot.assets.installer(TRIXIE), undefined);
    await boot.settled(TRIXIE);
    assert.equal(boot.assets.installer(TRIXIE)?.kernelVersion, FIRST.kernel);
    archive.publish(POINT_RELEASE);
    boot.assets.ensure(TRIXIE);
    assert.equal(boot.assets.status(TRIXIE).kind, "ready", "checked a moment ago");
    boot.clock.advance(HOUR);
    boot.assets.ensure(TRIXIE);
    assert.equal(boot.assets.installer(TRIXIE), undefined, "not while it is being checked");
    await boot.settled(TRIXIE);
    assert.equal(boot.assets.installer(TRIXIE)?.kernelVersion, POINT_RELEASE.kernel);
  });

  test("a netboot image that lags behind the mirror's modules is a stated reason, asked about rarely", async () => {
    archive.publish({ ...FIRST, moduleKernels: ["6.12.9+deb13-amd64"] });
    boot.assets.ensure(TRIXIE);
    await boot.settled(TRIXIE);
    const status = boot.assets.status(TRIXIE);
    assert.match(
      status.kind === "missing" ? status.reason : "",
      /image has kernel 6\.12\.1\+deb13-amd64, the mirror has modules for 6\.12\.9\+deb13-amd64 only/,
    );
    const asked = archive.requests.length;
    boot.clock.advance(60_000);
    boot.assets.ensure(TRIXIE);
    await boot.settled(TRIXIE);
    assert.equal(archive.requests.length, asked, "no loop");
    archive.publish({ ...FIRST, date: new Date(Date.now() + 5000) });
    boot.clock.advance(HOUR);
    boot.assets.ensure(TRIXIE);
    await boot.settled(TRIXIE);
    assert.equal(boot.assets.status(TRIXIE).kind, "ready");
  });

  test("many machines with one need share one pull", async () => {
    for (let machine = 0; machine < 20; machine += 1) boot.assets.ensure({ ...TRIXIE });
    await boot.settled(TRIXIE);
    assert.equal(archive.requests.filter((name) => name.endsWith("/linux")).length, 1);
  });

  test("firmware packages and configured archives become part of an initrd of their own", async () => {
    const extra = path.join(boot.directory, "extra.cpio");
    writeFileSync(extra, encodeCpio([{ kind: "file", name: "opt/extra", data: Buffer.from("more") }]));
    await boot.reopen({ config: config({ initrdExtras: [{ os: "debian-13", file: extra }] }) });
    const need = { ...TRIXIE, firmwarePackages: ["firmware-nic"] };
    await boot.assets.pull({ need });
    await boot.settled(need);
    const composed = boot.assets.installer(need)!.initrdPath.replace("/boot/files/", "");
    assert.match(composed, /\/initrd-[0-9a-f]{16}\.gz$/);
    const stock = readFileSync(
      path.join(boot.directory, "assets/boot/debian-13/amd64", FIRST.installerVersion, "initrd.gz"),
    );
    const whole = readFileSync(path.join(boot.directory, "assets/boot", composed));
    assert.deepEqual(whole.subarray(0, stock.length), stock);
    const addition = whole.subarray(stock.length);
    const cpioStart = addition.indexOf("070701");
    assert.equal((stock.length + cpioStart) % 4, 0, "an uncompressed archive begins at a multiple of four");
    const names: string[] = [];
    const firmware = addition.subarray(addition.indexOf(Buffer.from([0x1f, 0x8b])), cpioStart);
    createCpioReader(({ name }) => names.push(name)).push(gunzipSync(firmware));
    assert.deepEqual(names, [
      "usr",
      "usr/lib",
      "usr/lib/firmware",
      "usr/lib/firmware/nic",
      "usr/lib/firmware/nic/link.bin",
      "usr/lib/firmware/nic/one.bin",
    ]);
    const listed = execFileSync("cpio", ["-t", "--quiet"], {
      input: addition.subarray(cpioStart),
      encoding: "utf8",
    });
    assert.equal(listed, "opt\nopt/extra\n");
    const before = whole;
    await boot.assets.pull({ need });
    assert.deepEqual(readFileSync(path.join(boot.directory, "assets/boot", composed)), before);
    assert.equal(
      boot.assets.status(TRIXIE).kind,
      "missing",
      "the stock initrd alone lacks the configured archive",
    );
  });

  test("an unknown firmware package and an unreadable archive are named", async () => {
    const need = { ...TRIXIE, firmwarePackages: ["firmware-nope"] };
    await assert.rejects(boot.assets.pull({ need }), code("not-found", /no firmware package firmware-nope/));
    await boot.reopen({ config: config({ initrdExtras: [{ os: "debian-13", file: "/nowhere.cpio" }] }) });
    await assert.rejects(
      boot.assets.pull({ need: TRIXIE }),
      code("not-found", /\/nowhere\.cpio cannot be read/),
    );
    await assert.rejects(
      boot.assets.pull({ need: { ...TRIXIE, os: "debian-7" } }),
      code("not-found", /debian-12, debian-13/),
    );
  });

  test("verify finds a changed and a missing file, takes them out of service, and a pull brings them back", async () => {
    await boot.assets.pull({ need: TRIXIE });
    const tree = path.join(boot.directory, "assets/boot");
    writeFileSync(path.join(tree, "undionly.kpxe"), "undionlx");
    rmSync(path.join(tree, "debian-13/amd64", FIRST.installerVersion, "linux"));
    const found = (await boot.assets.verify()).filter(({ result }) => result !== "intact");
    assert.deepEqual(found.map(({ record, result }) => `${record.name} ${result}`).sort(), [
      "linux missing",
      "undionly.kpxe changed",
    ]);
    assert.equal(await boot.files.find("undionly.kpxe"), undefined);
    assert.equal(boot.events.ofType("asset-damaged").length, 2);
    await boot.assets.pull({ need: TRIXIE });
    assert.equal(content("undionly.kpxe"), "undionly");
    assert.ok((await boot.assets.verify()).every(({ result }) => result === "intact"));
  });

  test("only the newest two versions of an installer are kept", async () => {
    for (const [number, date] of [
      [1, 0],
      [2, 10],
      [3, 20],
    ] as const) {
      archive.publish({
        ...FIRST,
        installerVersion: `2025+u${number}`,
        date: new Date(Date.now() + date * 1000),
      });
      boot.clock.advance(1000);
      await boot.assets.pull({ need: TRIXIE });
    }
    const versions = (await boot.assets.list())
      .filter(({ name }) => name === "initrd.gz")
      .map(({ version }) => version);
    assert.deepEqual(versions.sort(), ["2025+u2", "2025+u3"]);
    assert.equal(await boot.files.find("debian-13/amd64/2025+u1/linux"), undefined);
  });

  test("an HTTP proxy with credentials is used, and its password appears in no message", async () => {
    const seen: (string | undefined)[] = [];
    const proxy = createServer((request, response) => {
      seen.push(request.headers["proxy-authorization"]);
      const name = (request.url ?? "").replace(/^http:\/\/archive\.example\/debian\//, "");
      const file = archive.files.get(decodeURIComponent(name));
      response.writeHead(file ? 200 : 404).end(file);
    });
    await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
    const { port } = proxy.address() as AddressInfo;
    const debian = {
      upstream: "http://archive.example/debian",
      proxy: `http://ops:pa%20ss@127.0.0.1:${port}`,
      keyring: archive.keyring,
    };
    await boot.reopen({ config: { mirrors: { debian } } });
    await boot.assets.pull({ need: TRIXIE });
    assert.ok(
      seen.length > 0 &&
        seen.every((value) => value === `Basic ${Buffer.from("ops:pa ss").toString("base64")}`),
    );
    await new Promise((resolve) => {
      proxy.closeAllConnections();
      proxy.close(resolve);
    });
    await boot.reopen({ config: { mirrors: { debian } } });
    await boot.assets.pull({ need: TRIXIE });
    const told = JSON.stringify([boot.log.lines, boot.events.events]);
    assert.doesNotMatch(told, /pa%20ss|pa ss|b3BzOnBh/);
  });

  test("an https archive is reached through a tunnel with the credentials of the proxy; what speaks no TLS is refused", async (t) => {
    const connects: (string | undefined)[] = [];
    const plain = createTcpServer((socket) => socket.end("no TLS here"));
    await new Promise<void>((resolve) => plain.listen(0, "127.0.0.1", resolve));
    const proxy = createServer();
    proxy.on("connect", (request: IncomingMessage, client: Duplex) => {
      connects.push(`${request.url ?? ""} ${request.headers["proxy-authorization"] ?? ""}`);
      const server = connect((plain.address() as AddressInfo).port, "127.0.0.1", () => {
        client.write("HTTP/1.1 200 OK\r\n\r\n");
        server.pipe(client).pipe(server);
      });
      server.on("error", () => client.destroy());
      client.on("error", () => server.destroy());
    });
    await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
    t.after(() => {
      plain.close();
      proxy.close();
    });
    const { port } = proxy.address() as AddressInfo;
    const debian = {
      upstream: "https://archive.example/debian",
      proxy: `http://ops:secret@127.0.0.1:${port}`,
      keyring: archive.keyring,
    };
    await boot.reopen({ config: { mirrors: { debian } } });
    await assert.rejects(
      boot.assets.pull({ need: TRIXIE }),
      code("upstream-failed", /cannot reach https:\/\/archive\.example/),
    );
    assert.equal(connects[0], `archive.example:443 Basic ${Buffer.from("ops:secret").toString("base64")}`);
  });

  test("a proxy that refuses the tunnel is named without its password", async (t) => {
    const proxy = createServer();
    proxy.on("connect", (_request, client: Duplex) =>
      client.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"),
    );
    await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
    t.after(() => void proxy.close());
    const { port } = proxy.address() as AddressInfo;
    const debian = {
      upstream: "https://archive.example/debian",
      proxy: `http://ops:secret@127.0.0.1:${port}`,
    };
    await boot.reopen({ config: { mirrors: { debian } } });
    await assert.rejects(
      boot.assets.pull({ need: TRIXIE }),
      (error: Error) =>
        /proxy 127\.0\.0\.1:\d+ refuses archive\.example:443: status 407/.test(error.message) &&
        !error.message.includes("secret"),
    );
  });

  test("Basic authentication goes to the archive, and not to where it redirects", async () => {
    const seen = new Map<string, string | undefined>();
    const elsewhere = createServer((request, response) => {
      seen.set("elsewhere", request.headers.authorization);
      const file = archive.files.get(decodeURIComponent((request.url ?? "").replace(/^\/debian\//, "")));
      response.writeHead(file ? 200 : 404).end(file);
    });
    await new Promise<void>((resolve) => elsewhere.listen(0, "127.0.0.1", resolve));
    archive.interference = (request, response) => {
      seen.set("archive", request.headers.authorization);
      const { port } = elsewhere.address() as AddressInfo;
      response.writeHead(302, { Location: `http://127.0.0.1:${port}${request.url ?? ""}` }).end();
      return true;
    };
    const debian = { upstream: archive.url, username: "ops", password: "secret", keyring: archive.keyring };
    await boot.reopen({ config: { mirrors: { debian } } });
    await boot.assets.pull({ need: TRIXIE });
    assert.equal(seen.get("archive"), `Basic ${Buffer.from("ops:secret").toString("base64")}`);
    assert.equal(seen.get("elsewhere"), undefined);
    elsewhere.closeAllConnections();
    await new Promise((resolve) => elsewhere.close(resolve));
  });
});
