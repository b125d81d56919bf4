/**
 * The installer's scripts outside of an installer: a made-up /sys, image files for disks, and programs that only
 * note that they were called. The scripts themselves run unchanged, in whatever shell is given.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  closeSync,
  copyFileSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { shellAssignments } from "../../src/domain/install/shell.ts";

const SCRIPTS = join(import.meta.dirname, "../../preseed/scripts");

export const MIB = 1024 * 1024;

/** Bytes at an offset; negative offsets count from the end of the disk. */
export interface Patch {
  readonly at: number;
  readonly bytes: string | Uint8Array;
}

export interface FakeDisk {
  readonly name: string;
  readonly bytes?: number;
  readonly serial?: string;
  readonly wwn?: string;
  readonly model?: string;
  readonly rotational?: boolean;
  readonly removable?: boolean;
  readonly contents?: readonly Patch[];
}

/** What one run of partman.sh did. */
export interface BenchRun {
  /** The reason it stopped for; undefined when partman may go on. */
  readonly failed: string | undefined;
  /** Answers given to debian-installer: question to value. */
  readonly answers: ReadonlyMap<string, string>;
  readonly hidden: readonly string[];
  readonly log: string;
}

/** Ways to run a POSIX script here: the host's sh, and busybox as in the installer where it is there. */
export function shells(): readonly { readonly name: string; readonly busybox: boolean }[] {
  const busybox = spawnSync("busybox", ["true"]).status === 0;
  return [{ name: "sh", busybox: false }, ...(busybox ? [{ name: "busybox sh", busybox: true }] : [])];
}

export class InstallerBench {
  readonly root: string;
  readonly #busybox: boolean;
  readonly #sizes = new Map<string, number>();

  constructor({ busybox }: { readonly busybox: boolean }) {
    this.root = mkdtempSync(join(tmpdir(), "muster-installer-"));
    this.#busybox = busybox;
    for (const directory of ["sys/block", "dev", "muster", "bin", "busybox"]) {
      mkdirSync(join(this.root, directory), { recursive: true });
    }
    if (busybox) spawnSync("busybox", ["--install", "-s", join(this.root, "busybox")]);
    for (const name of readdirSync(SCRIPTS))
      copyFileSync(join(SCRIPTS, name), join(this.root, "muster", name));
    // Tells a time that is far from now, as an appliance does whose machine lost its battery.
    this.#program(
      "wget",
      'echo "wget $*" >>"$CALLS"; case "$*" in *--spider*/healthz) echo "  Date: Sat, 03 Feb 2001 04:05:06 GMT" >&2 ;; esac',
    );
    this.#program(
      "date",
      'case " $* " in *" -s "*) echo "date $*" >>"$CALLS" ;; *) PATH=${PATH#*:} exec date "$@" ;; esac',
    );
    this.#program("hwclock", 'echo "hwclock $*" >>"$CALLS"');
    this.#program("logger", 'echo "$*" >>"$CALLS"');
    this.#program("debconf-set", 'printf "%s\\t%s\\n" "$1" "$2" >>"$ANSWERS"');
    this.#program(
      "debconf-set-selections",
      'while read -r _ name _ value; do printf "seen %s\\t%s\\n" "$name" "$value" >>"$ANSWERS"; done <"$1"',
    );
    this.#program("reboot", 'kill "$PPID"');
    this.#program("sleep", ":");
    this.#program("udevadm", ":");
    this.#program("blkid", "exit 2");
    this.#program("blockdev", 'case $1 in --setro) echo "read-only $2" >>"$CALLS" ;; esac');
  }

  add(disk: FakeDisk): void {
    const bytes = disk.bytes ?? 96 * MIB;
    const block = join(this.root, "sys/block", disk.name);
    mkdirSync(join(block, "device"), { recursive: true });
    mkdirSync(join(block, "queue"), { recursive: true });
    writeFileSync(join(block, "size"), `${bytes / 512}\n`);
    writeFileSync(join(block, "removable"), disk.removable ? "1\n" : "0\n");
    writeFileSync(join(block, "queue/rotational"), disk.rotational ? "1\n" : "0\n");
    if (disk.serial !== undefined) writeFileSync(join(block, "serial"), disk.serial);
    if (disk.wwn !== undefined) writeFileSync(join(block, "wwid"), `${disk.wwn}\n`);
    if (disk.model !== undefined) writeFileSync(join(block, "device/model"), `${disk.model}   \n`);
    this.#sizes.set(disk.name, bytes);
    const file = openSync(this.device(disk.name), "w");
    ftruncateSync(file, bytes);
    closeSync(file);
    this.write(disk.name, disk.contents ?? []);
  }

  /** Puts bytes on a disk, as another program would. */
  write(name: string, patches: readonly Patch[]): void {
    const size = this.#sizes.get(name) ?? 0;
    const file = openSync(this.device(name), "r+");
    for (const { at, bytes } of patches) {
      const data = typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes;
      writeSync(file, data, 0, data.length, at < 0 ? size + at : at);
    }
    closeSync(file);
  }

  /** Gives a disk another identity while its content stays. */
  identify(name: string, identity: Pick<FakeDisk, "serial">): void {
    writeFileSync(join(this.root, "sys/block", name, "serial"), identity.serial ?? "");
  }

  /** The image file that stands for a disk. */
  device(name: string): string {
    return join(this.root, "dev", name);
  }

  hash(name: string): string {
    return createHash("sha256")
      .update(readFileSync(this.device(name)))
      .digest("hex");
  }

  /** Runs partman.sh with these settings over the defaults. */
  partman(settings: Readonly<Record<string, string | number>>): BenchRun {
    return this.run("partman.sh", settings);
  }

  /** Runs one of the installer's scripts to its end, or to the restart it ends in. */
  run(script: string, settings: Readonly<Record<string, string | number>> = {}): BenchRun {
    return this.#execute([join(this.root, "muster", script)], settings);
  }

  /** Runs a line of shell after sourcing these scripts; gives its standard output and what it called. */
  shell(scripts: readonly string[], line: string): { readonly output: string; readonly log: string } {
    const sourced = scripts.map((name) => `. "$MUSTER/${name}"; `).join("");
    const { log } = this.#execute(["-c", `${sourced}${line} >"$MUSTER/output"`], {});
    return { output: this.left("output"), log };
  }

  #execute(args: readonly string[], settings: Readonly<Record<string, string | number>>): BenchRun {
    this.#settings(settings);
    const calls = join(this.root, "calls");
    const answers = join(this.root, "answers");
    for (const file of [calls, answers]) writeFileSync(file, "");
    rmSync(join(this.root, "muster/failed"), { force: true });
    const result = spawnSync(this.#busybox ? join(this.root, "busybox/sh") : "sh", args, {
      env: {
        PATH: `${this.root}/bin:${this.#busybox ? `${this.root}/busybox` : (process.env["PATH"] ?? "")}`,
        MUSTER: join(this.root, "muster"),
        SYS: join(this.root, "sys"),
        DEV: join(this.root, "dev"),
        CALLS: calls,
        ANSWERS: answers,
        FAILURE_PAUSE: "0",
        DISK_TRIES: "1",
        LC_ALL: "C",
      },
      encoding: "utf8",
      timeout: 60_000,
    });
    const failed = join(this.root, "muster/failed");
    const log = readFileSync(calls, "utf8") + result.stderr;
    return {
      failed: existsSync(failed) ? readFileSync(failed, "utf8").trim() : undefined,
      answers: new Map(
        readFileSync(answers, "utf8")
          .split("\n")
          .filter(Boolean)
          .map((line) => line.split("\t") as [string, string]),
      ),
      hidden: [...log.matchAll(/read-only \S*\/dev\/(\S+)/g)].map((match) => match[1] ?? ""),
      log,
    };
  }

  /** Puts a text into the scripts' directory. */
  leave(name: string, text: string): void {
    writeFileSync(join(this.root, "muster", name), text);
  }

  /** A text the scripts left in their directory. */
  left(name: string): string {
    return readFileSync(join(this.root, "muster", name), "utf8");
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }

  #settings(over: Readonly<Record<string, string | number>>): void {
    const settings = {
      MACHINE: "kube0",
      GENERATION: 1,
      BASE_URL: "http://192.0.2.1:8080/install/mti_test",
      HEALTH_URL: "http://192.0.2.1:8080/healthz",
      SECURITY_URL: "http://192.0.2.1:8080/mirror/debian-security",
      CODENAME: "trixie",
      LAYOUT: "regular",
      DISK_RULES: "only|||||||",
      WIPE: 0,
      MARKER: "0123456789abcdef0123456789abcdef",
      EARLIER_MARKER: "",
      KNOWN_DISKS: "",
      METHOD: "regular",
      RECIPE_BIOS: "bios : .",
      RECIPE_UEFI: "uefi : .",
      RAID_BIOS: "1 2 0 ext4 / @A2@#@B2@ .",
      RAID_UEFI: "1 2 0 ext4 / @A2@#@B2@ .",
      LOGIN_USER: "ops",
    };
    writeFileSync(join(this.root, "muster/settings.sh"), shellAssignments({ ...settings, ...over }));
  }

  #program(name: string, body: string): void {
    writeFileSync(join(this.root, "bin", name), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  }
}
