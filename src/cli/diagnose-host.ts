/** Runs every check of `muster doctor` and prints what it found. */
import { type Check, examine } from "../adapters/host/check.ts";
import { checkMirror } from "../adapters/host/mirror-check.ts";
import { checkNetworks } from "../adapters/host/network-check.ts";
import { checkClock, checkDisk, checkNode, checkPrograms } from "../adapters/host/platform.ts";
import { checkPort, type WantedPort } from "../adapters/host/port-check.ts";
import { checkRights } from "../adapters/host/rights.ts";
import type { Config } from "../config/schema.ts";
import { checkAppliance, statusOfRunning } from "./appliance-check.ts";
import { NegativeResult } from "./exit.ts";
import { loadAppliedConfig } from "./load-config.ts";
import type { Session } from "./session.ts";
import type { Style } from "./style.ts";
import { printable } from "./table.ts";

/**
 * Checks this host with the configuration that applies here. Where the appliance runs, it is asked about what only it
 * can know; where it does not, its ports are tried.
 * @throws NegativeResult when a check failed.
 */
export async function diagnoseHost(session: Session): Promise<void> {
  const { config } = loadAppliedConfig(session.terminal, session.options);
  const running = await statusOfRunning(session);
  const checks = await examine({
    node: () => Promise.resolve(checkNode(process.versions.node)),
    "low ports": checkRights,
    "boot network": () => checkNetworks(config, { probe: running === undefined }),
    appliance: () => checkAppliance(session, running),
    ports: () => (running ? Promise.resolve([]) : checkPorts(config)),
    clock: () => checkClock(Date.now()),
    disk: () => checkDisk(config.dataDir),
    programs: () => checkPrograms(session.terminal.environment["PATH"] ?? ""),
    mirror: () =>
      checkMirror(config.mirrors.debian, { offline: config.assets.offline, aptDirectory: "/etc/apt" }),
  });
  if (!(await session.printWhole(checks))) {
    for (const line of checks.flatMap((check) => linesOf(check, session.style))) session.data(line);
  }
  const failed = checks.filter((check) => check.state === "fail").length;
  const warned = checks.filter((check) => check.state === "warn").length;
  session.say(`${checks.length} checks: ${failed} failed, ${warned} with a warning`);
  if (failed > 0) throw new NegativeResult("a check failed");
}

/** One after the other: trying a port while another check holds it would find ourselves. */
async function checkPorts(config: Config): Promise<readonly Check[]> {
  const checks: Check[] = [];
  for (const wanted of wantedPorts(config)) checks.push(await checkPort(wanted));
  return checks;
}

/** The ports that this configuration makes the appliance open. */
export function wantedPorts(config: Config): readonly WantedPort[] {
  const udp = (port: number, purpose: string, setting: string): WantedPort => ({
    transport: "udp",
    port,
    purpose,
    setting,
  });
  const tcp = (port: number, purpose: string, setting: string): WantedPort => ({
    transport: "tcp",
    port,
    purpose,
    setting,
  });
  return [
    ...(config.dhcp.mode === "off"
      ? []
      : [
          udp(config.dhcp.port, "DHCP", "dhcp.port"),
          udp(config.dhcp.proxyPort, "the PXE boot server", "dhcp.proxyPort"),
        ]),
    ...(config.tftp.enabled ? [udp(config.tftp.port, "TFTP", "tftp.port")] : []),
    ...(config.syslog.enabled ? [udp(config.syslog.port, "the installers' logs", "syslog.port")] : []),
    tcp(config.http.port, "the boot plane", "http.port"),
    tcp(config.https.port, "the control plane", "https.port"),
  ].filter(({ port }) => port !== 0);
}

function linesOf(check: Check, style: Style): readonly string[] {
  const paint = { ok: style.good, warn: style.busy, fail: style.bad }[check.state];
  return [
    `${paint(check.state.padEnd(5))} ${check.name.padEnd(16)} ${printable(check.message)}`,
    ...(check.advice === undefined
      ? []
      : [`${" ".repeat(23)}${style.bold("do:")} ${printable(check.advice)}`]),
  ];
}
