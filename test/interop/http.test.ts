import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { get, type IncomingMessage } from "node:http";
import { connect, type Socket } from "node:net";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { BootPlane } from "../support/boot-plane.ts";

const run = promisify(execFile);
const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

function curlMissing(): string | false {
  try {
    execFileSync("curl", ["--version"], { stdio: "ignore" });
    return false;
  } catch {
    return "needs curl: install the package curl";
  }
}

interface CurlAnswer {
  readonly status: number;
  readonly head: string;
  readonly body: Buffer;
  header(name: string): string | undefined;
}

/** What curl gets, paths sent as they are written. */
async function curl(url: string, ...options: readonly string[]): Promise<CurlAnswer> {
  const parameters = ["-s", "-i", "--path-as-is", "--raw", "--max-time", "20", ...options, url];
  const { stdout } = await run("curl", parameters, { encoding: "buffer", maxBuffer: 1 << 28 });
  const end = stdout.indexOf("\r\n\r\n");
  const head = stdout.toString("latin1", 0, end);
  const header = (name: string): string | undefined =>
    new RegExp(`^${name}: (.*)$`, "m").exec(head.replaceAll("\r", ""))?.[1];
  return { status: Number(head.split(" ")[1]), head, body: stdout.subarray(end + 4), header };
}

/** Everything a socket receives until the other side closes it or the time is over. */
async function raw(port: number, text: string, ms = 3000): Promise<string> {
  return new Promise((resolve) => {
    let received = "";
    const socket = connect(port, "127.0.0.1", () => socket.write(text));
    const end = (): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(received);
    };
    const timer = setTimeout(end, ms);
    socket.on("data", (chunk) => {
      received += chunk.toString("latin1");
    });
    socket.on("close", end);
    socket.on("error", end);
  });
}

describe("boot files over HTTP", { skip: curlMissing() }, () => {
  const big = randomBytes(3_000_001);
  let plane: BootPlane;
  let at: string;
  before(async () => {
    plane = await BootPlane.open({ cacheBytes: 1_000_000 });
    at = `${plane.url}/boot/files`;
    plane.write("snponly.efi", "snponly program");
    plane.write("debian-13/amd64/20250803+deb13u7/initrd.gz", big);
    plane.write("disk.img", "img");
    plane.write("empty", "");
    plane.write("script.ipxe", "#!ipxe\n");
  });
  after(() => plane.close());

  test("H-01 HEAD tells the true length and sends no body", async () => {
    const answer = await curl(`${at}/snponly.efi`, "-I");
    assert.equal(answer.status, 200);
    assert.equal(answer.header("Content-Length"), "15");
    assert.equal(answer.body.length, 0);
  });

  test("H-02, H-08 GET has one length, ranges, a strong tag and a date, in Title-Case and not chunked", async () => {
    const answer = await curl(`${at}/debian-13/amd64/20250803+deb13u7/initrd.gz`);
    assert.equal(answer.status, 200);
    assert.equal(sha256(answer.body), sha256(big));
    assert.equal(answer.head.match(/Content-Length/gi)?.length, 1);
    assert.equal(answer.header("Content-Length"), String(big.length));
    assert.equal(answer.header("Accept-Ranges"), "bytes");
    assert.match(answer.header("ETag") ?? "", /^"[^"]+"$/);
    assert.ok(!Number.isNaN(Date.parse(answer.header("Last-Modified") ?? "")));
    assert.doesNotMatch(answer.head, /Transfer-Encoding|Content-Encoding/i);
    for (const line of answer.head.split("\r\n").slice(1))
      assert.match(line, /^(ETag|[A-Z][a-z]*(-[A-Z][a-z]*)*): /);
  });

  test("H-03, H-14 ranges give exactly their bytes; beyond the end is 416; several ranges give the whole", async () => {
    const url = `${at}/debian-13/amd64/20250803+deb13u7/initrd.gz`;
    const size = big.length;
    for (const [range, start, end] of [
      ["0-0", 0, 0],
      ["262143-262144", 262_143, 262_144],
      ["1000000-", 1_000_000, size - 1],
      ["-5", size - 5, size - 1],
      ["2999999-9999999", 2_999_999, size - 1],
    ] as const) {
      const answer = await curl(url, "-r", range);
      assert.equal(answer.status, 206, range);
      assert.equal(answer.header("Content-Range"), `bytes ${start}-${end}/${size}`);
      assert.equal(answer.header("Content-Length"), String(end - start + 1));
      assert.ok(answer.body.equals(big.subarray(start, end + 1)), range);
    }
    const beyond = await curl(url, "-r", `${size}-`);
    assert.equal(beyond.status, 416);
    assert.equal(beyond.header("Content-Range"), `bytes */${size}`);
    assert.equal((await curl(url, "-r", "0-1,5-6")).status, 200);
  });

  test("H-04 a resumed transfer gets its part while the file is the same, and 412 when it is another", async () => {
    const url = `${at}/snponly.efi`;
    const tag = (await curl(url, "-I")).header("ETag")!;
    const modified = (await curl(url, "-I")).header("Last-Modified")!;
    const part = async (condition: string) => (await curl(url, "-r", "3-5", "-H", condition)).status;
    assert.equal(await part(`If-Match: ${tag}`), 206);
    assert.equal(await part('If-Match: "other"'), 412);
    assert.equal(await part(`If-Unmodified-Since: ${modified}`), 206);
    assert.equal(await part("If-Unmodified-Since: Mon, 01 Jan 2001 00:00:00 GMT"), 412);
    assert.equal(await part(`If-Range: ${tag}`), 206);
    assert.equal(await part('If-Range: "other"'), 200);
    assert.equal((await curl(url, "-H", `If-None-Match: ${tag}`)).status, 304);
    plane.write("changing.bin", "one");
    const old = (await curl(`${at}/changing.bin`)).header("ETag")!;
    rmSync(path.join(plane.tree, "changing.bin"));
    plane.write("changing.bin", "two");
    assert.equal((await curl(`${at}/changing.bin`, "-H", `If-Match: ${old}`)).status, 412);
  });

  test("H-05 many requests on one connection, which is kept for over a minute; close and HTTP/1.0 are honoured", async () => {
    const urls = Array.from({ length: 50 }, () => `${at}/snponly.efi`);
    const { stdout } = await run("curl", [
      "-s",
      "-w",
      "%{num_connects} ",
      ...urls.flatMap((url) => ["-o", "/dev/null", url]),
    ]);
    assert.equal(
      stdout
        .trim()
        .split(" ")
        .filter((count) => count === "1").length,
      1,
      stdout,
    );
    const head = (await curl(`${at}/snponly.efi`)).head;
    assert.ok(Number(/Keep-Alive: timeout=(\d+)/.exec(head)?.[1]) > 60, head);
    const closing = await curl(`${at}/snponly.efi`, "-H", "Connection: close");
    assert.equal(closing.header("Connection"), "close");
    const old = await raw(plane.port, "GET /boot/files/snponly.efi HTTP/1.0\r\n\r\n");
    assert.match(old, /^HTTP\/1\.1 200 OK\r\n/);
    assert.match(old, /Content-Length: 15\r\n/);
    assert.match(old, /\r\n\r\nsnponly program$/);
  });

  test("H-06, H-07 content types, and capitals in names", async () => {
    assert.equal((await curl(`${at}/snponly.efi`)).header("Content-Type"), "application/efi");
    assert.equal((await curl(`${at}/snponly.EFI`)).header("Content-Type"), "application/efi");
    assert.equal((await curl(`${at}/SNPONLY.EFI`)).status, 200);
    assert.equal((await curl(`${at}/disk.img`)).header("Content-Type"), "application/vnd.efi-img");
    assert.match((await curl(`${at}/script.ipxe`)).header("Content-Type") ?? "", /^text\/plain/);
    const encoded = await curl(`${at}/snponly.efi`, "-H", "Accept-Encoding: gzip");
    assert.equal(encoded.header("Content-Encoding"), undefined);
  });

  test("H-09 nothing outside of the tree, no directory, no link that leads out", async () => {
    writeFileSync(path.join(plane.directory, "secret"), "secret");
    symlinkSync(path.join(plane.directory, "secret"), path.join(plane.tree, "link"));
    symlinkSync(plane.directory, path.join(plane.tree, "dir-link"));
    symlinkSync("snponly.efi", path.join(plane.tree, "inside.efi"));
    mkdirSync(path.join(plane.tree, "directory"), { recursive: true });
    for (const bad of [
      "../secret",
      "%2e%2e/secret",
      "..%2fsecret",
      "a/../../secret",
      "%2e%2e%2fsecret",
      "snponly.efi%00",
      "..%5csecret",
      "link",
      "dir-link/secret",
      "directory",
      "directory/",
      "",
      "%zz",
      "debian-13",
    ]) {
      const answer = await curl(`${at}/${bad}`);
      assert.ok(answer.status === 404 || answer.status === 400, `${bad} gives ${answer.status}`);
      assert.doesNotMatch(answer.body.toString(), /^secret/);
    }
    assert.equal((await curl(`${at}/inside.efi`)).status, 200);
    assert.equal((await curl(`${at}/snponly.efi`, "-X", "DELETE")).status, 405);
  });

  test("doubled slashes, as shim sends them, lead to the file", async () => {
    assert.equal((await curl(`${plane.url}/boot/files//snponly.efi`)).status, 200);
    assert.equal((await curl(`${plane.url}//boot//files///snponly.efi`)).status, 200);
  });

  test("an empty file is an answer of length 0", async () => {
    const answer = await curl(`${at}/empty`);
    assert.equal(answer.status, 200);
    assert.equal(answer.header("Content-Length"), "0");
  });

  test("H-12 the log has who asked, and a ticket only masked", async () => {
    await curl(`${at}/snponly.efi`, "-A", "UefiHttpBoot/1.0");
    await curl(`${plane.url}/install/secret-ticket/preseed.cfg`, "-A", "debian-installer");
    await curl(`${plane.url}//install//secret-ticket/report`, "-d", "{}", "-A", "debian-installer");
    const lines = JSON.stringify(plane.log.lines);
    assert.match(lines, /UefiHttpBoot\/1\.0/);
    assert.match(lines, /\/install\/\*\*\*\*\/preseed\.cfg/);
    assert.doesNotMatch(lines, /secret-ticket/);
  });

  test("H-13 nothing is ever redirected", async () => {
    for (const target of ["/boot/files", "/boot/files/debian-13", "/healthz/", "/boot"]) {
      const { status } = await curl(plane.url + target);
      assert.ok(status < 300 || status >= 400, `${target} gives ${status}`);
    }
  });

  test("H-15 scripts are plain text, not stored, with LF and a true length", async () => {
    const answer = await curl(`${plane.url}/boot/52-54-00-12-34-01.ipxe`);
    assert.equal(answer.status, 200);
    assert.equal(answer.body.toString(), "#!ipxe\necho 52:54:00:12:34:01\n");
    assert.match(answer.header("Content-Type") ?? "", /^text\/plain/);
    assert.equal(answer.header("Cache-Control"), "no-store");
    assert.equal(answer.header("Content-Length"), String(answer.body.length));
    const byQuery = await curl(`${plane.url}/boot/script.ipxe?mac=52:54:00:12:34:01`);
    assert.equal(byQuery.body.toString(), answer.body.toString());
    assert.match((await curl(`${plane.url}/boot/what.ipxe`)).body.toString(), /^#!ipxe\necho nonsense what/);
    assert.match((await curl(`${plane.url}/boot/boot.ipxe`)).body.toString(), /finder/);
  });

  test("GRUB that was loaded by HTTP finds its configuration and its machine's script beside it", async () => {
    assert.match((await curl(`${plane.url}/grub/grub.cfg`)).body.toString(), /^echo 'finder'/);
    const script = await curl(`${plane.url}/grub/52:54:00:12:34:01.cfg`);
    assert.equal(script.body.toString(), "echo '52:54:00:12:34:01'\n");
  });

  test("/healthz has a Date, which sets a machine's dead clock", async () => {
    const answer = await curl(`${plane.url}/healthz`);
    assert.equal(answer.status, 200);
    assert.ok(Math.abs(Date.parse(answer.header("Date") ?? "") - Date.now()) < 60_000);
  });

  test("H-16 no address of the boot plane asks for credentials, and sent ones do no harm", async () => {
    const answer = await curl(`${at}/snponly.efi`, "-u", "user:password");
    assert.equal(answer.status, 200);
    assert.equal(answer.header("WWW-Authenticate"), undefined);
    assert.doesNotMatch(JSON.stringify(plane.log.lines), /password|dXNlcjpwYXNz/);
  });
});

test("H-10 above the limit 503 with Retry-After; below it a slow client does not hold up the others", async (t) => {
  const plane = await BootPlane.open({ maxTransfers: 3, cacheBytes: 1_000_000 });
  t.after(() => plane.close());
  plane.write("big.iso", randomBytes(64_000_000));
  plane.write("small", "small");
  const slow: Socket[] = [];
  for (let client = 0; client < 3; client += 1) {
    const socket = connect(plane.port, "127.0.0.1");
    socket.write("GET /boot/files/big.iso HTTP/1.1\r\nHost: x\r\n\r\n");
    await new Promise((resolve) => socket.once("readable", resolve));
    slow.push(socket);
  }
  const refused = await fetch(`${plane.url}/boot/files/small`);
  assert.equal(refused.status, 503);
  assert.ok(Number(refused.headers.get("retry-after")) > 0);
  slow[0]!.destroy();
  for (let turn = 0; turn < 200 && plane.files.active() > 2; turn += 1) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const served = await fetch(`${plane.url}/boot/files/small`);
  assert.equal(await served.text(), "small");
  for (const socket of slow) socket.destroy();
});

test("H-10 many clients of a file larger than the cache: memory stays bounded", async (t) => {
  const plane = await BootPlane.open({ cacheBytes: 8_000_000 });
  t.after(() => plane.close());
  const bytes = randomBytes(24_000_000);
  plane.write("big.iso", bytes);
  const expected = sha256(bytes);
  const fetchOnce = (): Promise<string> =>
    new Promise((resolve, reject) => {
      get(`${plane.url}/boot/files/big.iso`, { agent: false }, (response: IncomingMessage) => {
        const hash = createHash("sha256");
        response.on("data", (chunk: Buffer) => hash.update(chunk));
        response.on("end", () => resolve(hash.digest("hex")));
      }).on("error", reject);
    });
  await fetchOnce();
  const before = process.memoryUsage();
  let peak = 0;
  const watch = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage().rss);
  }, 20);
  const found = await Promise.all(Array.from({ length: 16 }, fetchOnce));
  clearInterval(watch);
  assert.deepEqual(new Set(found), new Set([expected]));
  const grown = (peak - before.rss) / 1e6;
  // Without sharing it would be 16 times 24 MB; sockets, their receivers here and the cache are a few megabytes each.
  assert.ok(grown < 250, `grew by ${grown.toFixed(0)} MB`);
});

test("H-11 a client that goes away leaves no open file behind", async (t) => {
  const plane = await BootPlane.open({ cacheBytes: 1_000_000 });
  t.after(() => plane.close());
  plane.write("big.iso", randomBytes(32_000_000));
  const openFiles = (): number =>
    readdirSync("/proc/self/fd").filter((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`).endsWith("big.iso");
      } catch {
        return false;
      }
    }).length;
  const sockets: Socket[] = [];
  for (let client = 0; client < 10; client += 1) {
    const socket = connect(plane.port, "127.0.0.1");
    socket.write("GET /boot/files/big.iso HTTP/1.1\r\nHost: x\r\n\r\n");
    await new Promise((resolve) => socket.once("readable", resolve));
    sockets.push(socket);
  }
  assert.ok(plane.files.active() === 10 && openFiles() > 0);
  for (const socket of sockets) socket.destroy();
  for (let turn = 0; turn < 300 && (plane.files.active() > 0 || openFiles() > 0); turn += 1) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.equal(plane.files.active(), 0);
  assert.equal(openFiles(), 0);
});
