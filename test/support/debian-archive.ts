/** A small Debian archive with the real layout, real packages and a signature by a key made for the occasion. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { encodeCpio } from "../../src/domain/assets/cpio.ts";

/** Why such an archive cannot be made on this host; undefined when it can. */
export function archiveToolsMissing(): string | undefined {
  for (const [program, name] of [
    ["gpg", "gnupg"],
    ["gpgv", "gpgv"],
    ["dpkg-deb", "dpkg"],
  ] as const) {
    try {
      execFileSync(program, ["--version"], { stdio: "ignore" });
    } catch {
      return `needs ${program}: install the package ${name}`;
    }
  }
  return undefined;
}

export interface Publication {
  readonly kernel: string;
  readonly installerVersion: string;
  /** Kernels that the archive has installer modules for. */
  readonly moduleKernels: readonly string[];
  /** Whether the images directory holds the netboot files, or only their checksums. */
  readonly images: boolean;
  readonly date?: Date;
  readonly suite?: string;
  /** Signed by a second key too, which the keyring does not hold. */
  readonly cosigned?: boolean;
}

/** What an upstream does to one request instead of answering properly. */
export type Interference = (
  request: IncomingMessage,
  response: ServerResponse,
  file: Buffer | undefined,
) => boolean;

const hash = (bytes: Buffer | string): string => createHash("sha256").update(bytes).digest("hex");

export class DebianArchive {
  readonly directory = mkdtempSync(path.join(tmpdir(), "muster-archive-"));
  readonly files = new Map<string, Buffer>();
  readonly requests: string[] = [];
  interference: Interference | undefined;
  #server: Server | undefined;
  readonly #home: string;

  constructor() {
    this.#home = path.join(this.directory, "gnupg");
    mkdirSync(this.#home, { mode: 0o700 });
    this.#gpg("--quick-gen-key", "Archive <archive@example.test>", "ed25519", "sign", "never");
    writeFileSync(this.keyring, this.#gpg("--export"));
  }

  get keyring(): string {
    return path.join(this.directory, "keyring.gpg");
  }

  get url(): string {
    const { port } = this.#server!.address() as AddressInfo;
    return `http://127.0.0.1:${port}/debian`;
  }

  /** Replaces the whole content of the archive. */
  publish(publication: Publication): void {
    const { installerVersion: version } = publication;
    const initrd = stockInitrd(publication.kernel);
    const kernel = Buffer.from(`kernel ${publication.kernel} ${"x".repeat(300_000)}`);
    const netboot = "usr/lib/debian-installer/images/13/amd64/text/debian-installer/amd64";
    this.files.clear();
    const packages = [
      this.#package("main", "debian-installer-13-netboot-amd64", version, {
        [`${netboot}/linux`]: kernel,
        [`${netboot}/initrd.gz`]: initrd,
      }),
      this.#package("main", "ipxe", "1.21.1-1", {
        "usr/lib/ipxe/undionly.kpxe": "undionly",
        "usr/lib/ipxe/ipxe.pxe": "pxe",
        "usr/lib/ipxe/snponly.efi": "snponly",
        "usr/lib/ipxe/ipxe-amd64.efi": "ipxe amd64",
        "usr/lib/ipxe/ipxe.efi": { link: "ipxe-amd64.efi" },
        "usr/lib/ipxe/ipxe-arm64.efi": "ipxe arm64",
      }),
    ];
    const firmware = [
      this.#package("non-free-firmware", "firmware-nic", "20260101-1", {
        "usr/lib/firmware/nic/one.bin": "firmware one",
        "usr/lib/firmware/nic/link.bin": { link: "one.bin" },
      }),
    ];
    const modules = publication.moduleKernels.map((abi) => ({
      text: `Package: nic-modules-${abi}-di\nVersion: 1\nArchitecture: amd64\nKernel-Version: ${abi}\nFilename: pool/main/l/linux/nic-modules-${abi}-di_1_amd64.udeb\nSize: 4\nSHA256: ${hash("udeb")}\n`,
    }));
    for (const abi of publication.moduleKernels) {
      this.files.set(`pool/main/l/linux/nic-modules-${abi}-di_1_amd64.udeb`, Buffer.from("udeb"));
    }
    const images = "main/installer-amd64/current/images";
    const sums = `${hash(kernel)}  ./netboot/debian-installer/amd64/linux\n${hash(initrd)}  ./netboot/debian-installer/amd64/initrd.gz\n`;
    if (publication.images) {
      this.files.set(`dists/trixie/${images}/netboot/debian-installer/amd64/linux`, kernel);
      this.files.set(`dists/trixie/${images}/netboot/debian-installer/amd64/initrd.gz`, initrd);
    }
    this.#release(publication, {
      "main/binary-amd64/Packages.gz": index(packages),
      "main/debian-installer/binary-amd64/Packages.gz": index(modules),
      "non-free-firmware/binary-amd64/Packages.gz": index(firmware),
      [`${images}/SHA256SUMS`]: Buffer.from(sums),
      [`main/installer-amd64/${version}/images/SHA256SUMS`]: Buffer.from(sums),
    });
  }

  async start(): Promise<void> {
    this.#server = createServer((request, response) => this.#answer(request, response));
    await new Promise<void>((resolve) => this.#server!.listen(0, "127.0.0.1", resolve));
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    server?.closeAllConnections();
    if (server) await new Promise((resolve) => server.close(resolve));
  }

  dispose(): void {
    try {
      execFileSync("gpgconf", ["--homedir", this.#home, "--kill", "all"], { stdio: "ignore" });
    } catch {
      // Without gpgconf the agent ends by itself when its directory goes.
    }
    rmSync(this.directory, { recursive: true, force: true });
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const name = decodeURIComponent((request.url ?? "").replace(/^(http:\/\/[^/]+)?\/debian\//, ""));
    this.requests.push(request.headers.range ? `${name} ${request.headers.range}` : name);
    const file = this.files.get(name);
    if (this.interference?.(request, response, file)) return;
    if (!file) {
      response.writeHead(404).end();
      return;
    }
    const from = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? Number.NaN);
    if (Number.isNaN(from)) response.writeHead(200, { "Content-Length": file.length }).end(file);
    else {
      const rest = file.subarray(from);
      const range = `bytes ${from}-${file.length - 1}/${file.length}`;
      response.writeHead(206, { "Content-Length": rest.length, "Content-Range": range }).end(rest);
    }
  }

  #release(publication: Publication, indexes: Record<string, Buffer>): void {
    const { date = new Date(), suite = "trixie", cosigned = false } = publication;
    const lines = Object.entries(indexes).map(([name, bytes]) => ` ${hash(bytes)} ${bytes.length} ${name}`);
    const text = `Origin: Debian\nSuite: stable\nVersion: 13.1\nCodename: ${suite}\nDate: ${date.toUTCString()}\nAcquire-By-Hash: yes\nSHA256:\n${lines.join("\n")}\n`;
    const file = path.join(this.directory, "Release");
    writeFileSync(file, text);
    this.files.set("dists/trixie/Release", Buffer.from(text));
    const signers = ["-u", "archive@example.test"];
    if (cosigned) {
      this.#gpg("--quick-gen-key", "Second <second@example.test>", "ed25519", "sign", "never");
      signers.push("-u", "second@example.test");
    }
    this.files.set("dists/trixie/InRelease", this.#gpg(...signers, "--clearsign", "-o", "-", file));
    this.files.set("dists/trixie/Release.gpg", this.#gpg("--armor", "--detach-sign", "-o", "-", file));
    for (const [name, bytes] of Object.entries(indexes)) {
      this.files.set(`dists/trixie/${name}`, bytes);
      this.files.set(`dists/trixie/${path.dirname(name)}/by-hash/SHA256/${hash(bytes)}`, bytes);
    }
  }

  #package(
    component: string,
    name: string,
    version: string,
    members: Record<string, string | Buffer | { readonly link: string }>,
  ): { readonly text: string } {
    const root = mkdtempSync(path.join(this.directory, "deb-"));
    mkdirSync(path.join(root, "DEBIAN"));
    writeFileSync(
      path.join(root, "DEBIAN/control"),
      `Package: ${name}\nVersion: ${version}\nArchitecture: all\nMaintainer: Nobody <nobody@example.test>\nDescription: test\n`,
    );
    for (const [member, content] of Object.entries(members)) {
      const file = path.join(root, member);
      mkdirSync(path.dirname(file), { recursive: true });
      if (typeof content === "object" && "link" in content) symlinkSync(content.link, file);
      else writeFileSync(file, content);
    }
    const deb = `${root}.deb`;
    execFileSync("dpkg-deb", ["-Zgzip", "--root-owner-group", "--build", root, deb], { stdio: "ignore" });
    const bytes = readFileSync(deb);
    const filename = `pool/${component}/${name[0]!}/${name}/${name}_${version}_all.deb`;
    this.files.set(filename, bytes);
    return {
      text: `Package: ${name}\nVersion: ${version}\nArchitecture: all\nFilename: ${filename}\nSize: ${bytes.length}\nSHA256: ${hash(bytes)}\n`,
    };
  }

  #gpg(...parameters: string[]): Buffer {
    const common = [
      "--homedir",
      this.#home,
      "--batch",
      "--quiet",
      "--yes",
      "--passphrase",
      "",
      "--pinentry-mode",
      "loopback",
    ];
    return execFileSync("gpg", [...common, ...parameters], { stdio: ["ignore", "pipe", "ignore"] });
  }
}

/** An initrd as Debian 13 makes it: `/lib` is a link, modules of one kernel. */
function stockInitrd(kernel: string): Buffer {
  const cpio = encodeCpio([
    { kind: "directory", name: "usr/lib" },
    { kind: "symlink", name: "lib", target: "usr/lib" },
    { kind: "file", name: `usr/lib/modules/${kernel}/modules.dep`, data: Buffer.from("none\n") },
    { kind: "file", name: "init", data: Buffer.from("#!/bin/sh\n"), mode: 0o755 },
  ]);
  return gzipSync(cpio);
}

function index(entries: readonly { readonly text: string }[]): Buffer {
  return gzipSync(entries.map((entry) => entry.text).join("\n"));
}
