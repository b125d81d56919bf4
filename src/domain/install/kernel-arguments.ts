/** The installer's kernel command line, and what may stand in an iPXE script. */
import type { Mac } from "../../net/mac.ts";
import { macWithHyphens } from "../../net/mac.ts";

/** The kernel panics above 32 arguments it does not know itself ("Too many boot env vars"). */
export const MAX_ARGUMENTS = 32;

/** How many arguments of its own a machine may have: every other place may be taken by what the installer needs. */
export const MAX_OWN_ARGUMENTS = MAX_ARGUMENTS - 18;

/** Why an argument cannot pass through a boot script; undefined when it can. */
export function argumentFault(text: string): string | undefined {
  // iPXE expands ${…}, takes quotes and backslashes away, and reads || and && as its own.
  const broken = /["'\\\s]|\$\{/.test(text) || text === "||" || text === "&&";
  return broken ? `the kernel argument ${text} cannot stand in an iPXE script` : undefined;
}

export interface KernelArgumentInput {
  readonly preseedUrl: string;
  readonly hostname: string;
  readonly domain?: string | undefined;
  /** The NIC that booted: the installer uses this one, whatever its name. */
  readonly mac: Mac;
  readonly initrdName: string;
  readonly log?: { readonly host: string; readonly port: number } | undefined;
  readonly console?: string | undefined;
  readonly extra: readonly string[];
}

/**
 * Arguments in order. Those after `---` also end up in the installed system's command line. Network answers stand
 * here and not in the preseed file, which is fetched over the network they configure.
 * @throws RangeError when there are too many, or one cannot pass through an iPXE script.
 */
export function installerArguments(input: KernelArgumentInput): readonly string[] {
  const answers = input.extra.filter(isInstallerAnswer);
  const others = input.extra.filter((text) => !isInstallerAnswer(text));
  const lasting = [...(input.console ? [`console=${input.console}`] : []), ...others];
  const all = [
    `initrd=${input.initrdName}`,
    "auto=true",
    "priority=critical",
    `url=${input.preseedUrl}`,
    `hostname=${input.hostname}`,
    ...(input.domain ? [`domain=${input.domain}`] : []),
    "interface=auto",
    `BOOTIF=01-${macWithHyphens(input.mac)}`,
    "netcfg/link_wait_timeout=60",
    "netcfg/dhcp_timeout=120",
    // A boot network without a router or name servers will do: everything comes from the appliance, by address.
    "netcfg/no_default_route=true",
    "netcfg/get_nameservers=",
    // Looking for firmware would mount file systems of disks that are not ours.
    "hw-detect/load_firmware=false",
    ...(input.log ? [`log_host=${input.log.host}`, `log_port=${input.log.port}`] : []),
    // A serial line shows the plain questions and answers better than full-screen dialogues.
    ...(input.console?.startsWith("ttyS") || input.console?.startsWith("ttyAMA")
      ? ["DEBIAN_FRONTEND=text"]
      : []),
    ...answers,
    "---",
    ...lasting,
  ];
  return checked(all);
}

/** Arguments of the installer's rescue mode, which asks its questions on the console. @throws RangeError as above. */
export function rescueArguments(
  input: Pick<KernelArgumentInput, "hostname" | "mac" | "initrdName" | "console" | "extra">,
): readonly string[] {
  return checked([
    `initrd=${input.initrdName}`,
    "rescue/enable=true",
    `hostname=${input.hostname}`,
    "interface=auto",
    `BOOTIF=01-${macWithHyphens(input.mac)}`,
    "---",
    ...(input.console ? [`console=${input.console}`] : []),
    ...input.extra,
  ]);
}

/** A question of debian-installer has a slash in its name; no parameter of the kernel does. */
function isInstallerAnswer(argument: string): boolean {
  return argument.split("=", 1)[0]?.includes("/") ?? false;
}

function checked(all: readonly string[]): readonly string[] {
  if (all.length > MAX_ARGUMENTS) {
    throw new RangeError(`${all.length} kernel arguments are more than the ${MAX_ARGUMENTS} a kernel takes`);
  }
  const fault = all.map(argumentFault).find((text) => text !== undefined);
  if (fault !== undefined) throw new RangeError(fault);
  return all;
}

const WIDTH = 76;

/** A sentence as lines that iPXE's `echo` prints unchanged: printable ASCII, nothing that it would expand. */
export function consoleLines(sentence: string): readonly string[] {
  const plain = sentence
    .replace(/[^\x20-\x7e]/g, "?")
    .replace(/["'\\`$]/g, "")
    .replace(/\|\||&&/g, "");
  const lines = plain.match(new RegExp(`\\S.{0,${WIDTH - 1}}(?=\\s|$)|\\S{${WIDTH}}`, "g")) ?? [];
  return lines.slice(0, 12);
}
