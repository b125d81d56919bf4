/** What has to be fetched for an installer, and under which names it is served: tables, no rules. */

/** Where the files of one Debian installer are in an archive. Paths are relative to the archive's root. */
export interface InstallerPlan {
  readonly codename: string;
  /** Directory of the suite, for example `dists/trixie`. */
  readonly suite: string;
  /** Directory (relative to the suite) whose `SHA256SUMS` the Release lists. */
  readonly imagesDirectory: string;
  readonly files: readonly InstallerFile[];
  /** Package in the pool that holds the same files, for mirrors that leave the installer's directory out. */
  readonly fallbackPackage: string;
  /** Index (relative to the suite) of the modules that the installer loads from the mirror. */
  readonly moduleIndex: string;
}

export interface InstallerFile {
  readonly name: "linux" | "initrd.gz";
  /** Path below {@link InstallerPlan.imagesDirectory}. */
  readonly imagePath: string;
  /** Path inside the fallback package. */
  readonly packagePath: string;
}

/** A network boot program: the package it is taken from and the name it is served under. */
export interface BootProgram {
  readonly package: string;
  readonly member: string;
  readonly servedAs: readonly string[];
  /** Left out without complaint when the package does not hold it. */
  readonly optional: boolean;
}

const CODENAMES: Readonly<Record<string, string>> = { "debian-12": "bookworm", "debian-13": "trixie" };

/** The release whose packages the network boot programs come from, whatever release a machine installs. */
export const PROGRAMS_CODENAME = "trixie";

/** Operating systems that can be pulled. */
export const INSTALLABLE: readonly string[] = Object.keys(CODENAMES).sort();

/** The plan for `debian-12` or `debian-13`; undefined for anything else. */
export function planInstaller(os: string, architecture: string): InstallerPlan | undefined {
  const codename = CODENAMES[os];
  if (codename === undefined) return undefined;
  const release = os.slice("debian-".length);
  const file = (name: InstallerFile["name"]): InstallerFile => ({
    name,
    imagePath: `netboot/debian-installer/${architecture}/${name}`,
    packagePath: `usr/lib/debian-installer/images/${release}/${architecture}/text/debian-installer/${architecture}/${name}`,
  });
  return {
    codename,
    suite: `dists/${codename}`,
    imagesDirectory: `main/installer-${architecture}/current/images`,
    files: [file("linux"), file("initrd.gz")],
    fallbackPackage: `debian-installer-${release}-netboot-${architecture}`,
    moduleIndex: `main/debian-installer/binary-${architecture}/Packages.gz`,
  };
}

/**
 * Network boot programs. Debian's ipxe has no `snponly.efi` for ARM64, RISC-V and LoongArch: the program with its
 * own drivers stands in under that name. The shim looks for GRUB beside itself.
 */
export const BOOT_PROGRAMS: readonly BootProgram[] = [
  program("ipxe", "usr/lib/ipxe/undionly.kpxe", ["undionly.kpxe"]),
  program("ipxe", "usr/lib/ipxe/ipxe.pxe", ["ipxe.pxe"]),
  program("ipxe", "usr/lib/ipxe/snponly.efi", ["snponly.efi"]),
  program("ipxe", "usr/lib/ipxe/ipxe.efi", ["ipxe.efi"]),
  optional("ipxe", "usr/lib/ipxe/ipxe-arm64.efi", ["arm64/ipxe.efi", "arm64/snponly.efi"]),
  optional("ipxe", "usr/lib/ipxe/ipxe-riscv64.efi", ["riscv64/ipxe.efi", "riscv64/snponly.efi"]),
  optional("ipxe", "usr/lib/ipxe/ipxe-loong64.efi", ["loong64/ipxe.efi", "loong64/snponly.efi"]),
  optional("shim-signed", "usr/lib/shim/shimx64.efi.signed", ["shimx64.efi"]),
  optional("grub-efi-amd64-signed", "usr/lib/grub/x86_64-efi-signed/grubnetx64.efi.signed", ["grubx64.efi"]),
];

function program(from: string, member: string, servedAs: readonly string[]): BootProgram {
  return { package: from, member, servedAs, optional: false };
}

function optional(from: string, member: string, servedAs: readonly string[]): BootProgram {
  return { ...program(from, member, servedAs), optional: true };
}
