import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { promisify } from "node:util";
import { readAptArchives } from "../../src/adapters/assets/apt-configuration.ts";
import { DEBIAN_KEYRING } from "../../src/adapters/assets/signature.ts";
import { BootAssets, TRIXIE } from "../support/boot-assets.ts";

const run = promisify(execFile);
const APT = "/etc/apt";

/** Why the archive of this host's apt cannot be used for a test; false when it can. */
async function whyNot(): Promise<string | false> {
  const { debian } = await readAptArchives(APT);
  if (debian === undefined) return "needs a Debian archive in this host's apt configuration";
  try {
    const answer = await fetch(`${debian}/dists/trixie/InRelease`, {
      method: "HEAD",
      signal: AbortSignal.timeout(10_000),
    });
    return answer.ok ? false : `the archive of this host's apt answers with status ${answer.status}`;
  } catch {
    return "needs the network: the archive of this host's apt cannot be reached";
  }
}

describe("the archive of this host's own apt", { skip: await whyNot() }, () => {
  test("debian-13 is pulled with its boot programs, verified by Debian's keyring, and again offline", async (t) => {
    const boot = await BootAssets.open({ config: {}, aptDirectory: APT });
    t.after(() => boot.dispose());
    const need = { ...TRIXIE, firmwarePackages: ["firmware-bnx2"] };
    const report = await boot.assets.pull({ need });
    t.diagnostic(report.notes.join("; "));
    assert.match(report.version, /^2025\d{4}/);
    const names = (await boot.assets.list()).map((record) => record.path);
    for (const name of ["undionly.kpxe", "snponly.efi", "ipxe.efi", "arm64/ipxe.efi"])
      assert.ok(names.includes(name), name);
    await boot.settled(need);
    const installer = boot.assets.installer(need);
    assert.match(installer?.kernelVersion ?? JSON.stringify(boot.assets.status(need)), /^6\.12\..*-amd64$/);
    const kernel = await boot.files.find(installer!.kernelPath.replace("/boot/files/", ""));
    assert.equal(readFileSync(kernel!.path).toString("latin1", 0x202, 0x206), "HdrS", "a bzImage");
    await boot.reopen({ config: { assets: { offline: true } } });
    assert.equal((await boot.assets.pull({ need })).unchanged, true);
    assert.ok((await boot.assets.verify()).every(({ result }) => result === "intact"));
  });

  test("apt itself updates and downloads through the mirror, checking Debian's signature", async (t) => {
    const boot = await BootAssets.open({ config: {}, aptDirectory: APT });
    t.after(() => boot.dispose());
    const mirror = await boot.serveMirror();
    const root = path.join(boot.directory, "apt");
    for (const part of ["lists/partial", "cache/archives/partial", "etc/preferences.d", "download"]) {
      mkdirSync(path.join(root, part), { recursive: true });
    }
    writeFileSync(path.join(root, "status"), "");
    writeFileSync(
      path.join(root, "sources.list"),
      `deb [arch=amd64 signed-by=${DEBIAN_KEYRING}] ${mirror} trixie main non-free-firmware\n`,
    );
    const settings = {
      "Dir::State": root,
      "Dir::State::status": path.join(root, "status"),
      "Dir::Cache": path.join(root, "cache"),
      "Dir::Etc": path.join(root, "etc"),
      "Dir::Etc::sourcelist": path.join(root, "sources.list"),
      "Dir::Etc::sourceparts": "-",
      "APT::Architecture": "amd64",
      "APT::Architectures": "amd64",
      "APT::Sandbox::User": "root",
      "Acquire::Languages": "none",
      "Acquire::http::Proxy": "DIRECT",
    };
    const options = Object.entries(settings).flatMap(([key, value]) => ["-o", `${key}=${value}`]);
    const apt = (...words: string[]) =>
      run("apt-get", [...options, "-q", ...words], { cwd: path.join(root, "download"), timeout: 120_000 });
    const { stdout } = await apt("update");
    assert.doesNotMatch(stdout, /^(Err|W:|E:)/m);
    await apt("download", "ipxe", "firmware-bnx2");
    const files = readdirSync(path.join(root, "download"));
    assert.equal(files.filter((name) => name.endsWith(".deb")).length, 2, files.join(" "));
  });
});
