/** The Debian packages that the tests use, and how they come onto a machine without starting a single service. */
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { say } from "./messages.mjs";

/** By what they are for. */
export const TEST_PACKAGES = [
  // machines with real firmware
  ...[
    "qemu-system-x86",
    "qemu-system-arm",
    "qemu-utils",
    "qemu-efi-aarch64",
    "ovmf",
    "ipxe",
    "ipxe-qemu",
    "seabios",
  ],
  // DHCP and TFTP clients, servers and relays written by others
  ...["udhcpc", "isc-dhcp-client", "isc-dhcp-relay", "dhcpcd-base", "dnsmasq-base"],
  ...["kea-admin", "kea-dhcp4-server"],
  ...["tftp-hpa", "atftp", "atftpd", "nginx-light", "curl", "wrk", "busybox"],
  // networks of their own
  ...["iproute2", "nftables", "tcpdump", "procps", "iputils-ping", "python3-minimal"],
  // readers of what the appliance renders, and the archive's tools
  ...["shellcheck", "cloud-init", "debconf", "gpgv", "gnupg", "debian-archive-keyring", "sudo"],
  ...["cpio", "zstd", "xz-utils", "openssl", "kmod"],
  // what clusters keep their state in
  ...["etcd-server", "etcd-client"],
  // what stands before clusters
  ...["haproxy", "keepalived", "bind9-utils"],
  // container images from programs of others
  ...["docker-registry", "skopeo", "containerd", "apache2-utils"],
  // the web page as people see it
  "chromium",
  // the image, built without an engine
  ...["buildah", "mmdebstrap"],
  // clusters of containers that boot, and what Kubernetes is compiled with
  ...["systemd-container", "util-linux", "gcc", "libc6-dev", "libseccomp-dev", "pkgconf"],
  // shells that the completion is for
  ...["zsh", "fish"],
];

const POLICY = "/usr/sbin/policy-rc.d";

/**
 * Installs the packages that are missing. Returns a sentence saying why nothing could be done, or undefined when all are there.
 * @returns {string | undefined}
 */
export function bringTestPackages() {
  if (!existsSync("/usr/bin/apt-get"))
    return "Debian packages are not installed: this is not a Debian system";
  const missing = missingPackages();
  if (missing.length === 0) return undefined;
  if (process.getuid?.() !== 0) {
    return `as root this would have installed the Debian packages ${missing.join(" ")}`;
  }
  say(`installing ${missing.length} Debian packages for the tests: ${missing.join(" ")}`);
  return withoutServices(() => install(missing));
}

function missingPackages() {
  const query = ["-W", "-f", "${Package} ${db:Status-Status}\n", ...TEST_PACKAGES];
  const listing = spawnSync("dpkg-query", query, { encoding: "utf8" }).stdout ?? "";
  const installed = new Set(
    listing
      .split("\n")
      .filter((line) => line.endsWith(" installed"))
      .map((line) => line.split(" ")[0]),
  );
  return TEST_PACKAGES.filter((name) => !installed.has(name));
}

function install(packages) {
  const environment = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const apt = (...args) =>
    spawnSync("apt-get", ["-qq", "-o", "DPkg::Lock::Timeout=300", "-o", "Acquire::Retries=3", ...args], {
      env: environment,
      encoding: "utf8",
      maxBuffer: 64 << 20,
    });
  apt("update");
  const result = apt("install", "-y", "--no-install-recommends", ...packages);
  if (result.status === 0) return undefined;
  return `apt-get could not install the Debian packages: ${(result.stderr || result.stdout).trim().split("\n").slice(-3).join("; ")}`;
}

/** A package's service must not start on the host: a second DHCP server on somebody's network is what this product fears most. */
function withoutServices(work) {
  const saved = `${POLICY}.muster-saved`;
  if (existsSync(POLICY) && !existsSync(saved)) renameSync(POLICY, saved);
  writeFileSync(POLICY, "#!/bin/sh\nexit 101\n");
  chmodSync(POLICY, 0o755);
  try {
    return work();
  } finally {
    rmSync(POLICY, { force: true });
    if (existsSync(saved)) renameSync(saved, POLICY);
  }
}
