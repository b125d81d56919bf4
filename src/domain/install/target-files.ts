/** Files of the installed system that are written during installation. */
import { networkUnits } from "./network-config.ts";
import type { InstallPlan } from "./plan.ts";
import { shellAssignments, type TextFile } from "./shell.ts";

/** Cloud-init's seed as text, and the static programs of first boot. */
export interface FirstBootTexts {
  readonly userData: string;
  readonly metaData: string;
  readonly networkConfig: string;
  readonly reportScript: string;
  readonly reportUnit: string;
  readonly payloadScript: string;
  readonly espScript: string;
  readonly espUnit: string;
}

const SEED = "/var/lib/cloud/seed/nocloud";

/** Every file, in the order in which they are written. */
export function targetFiles(plan: InstallPlan, texts: FirstBootTexts): readonly TextFile[] {
  return [
    ...networkUnits(plan.nics, plan.domain),
    ...network(),
    ...access(plan),
    ...time(plan),
    ...cloudInit(texts),
    ...phoneHome(plan, texts),
    ...systemPartitions(plan, texts),
  ];
}

function network(): readonly TextFile[] {
  return [
    // The installer's own file configures the NIC by its name of that day.
    file(
      "/etc/network/interfaces",
      "source /etc/network/interfaces.d/*\n\nauto lo\niface lo inet loopback\n",
    ),
    file(
      "/etc/systemd/system/systemd-networkd-wait-online.service.d/muster.conf",
      "[Service]\nExecStart=\nExecStart=/lib/systemd/systemd-networkd-wait-online --any --timeout=30\n",
    ),
  ];
}

function access(plan: InstallPlan): readonly TextFile[] {
  const { user, sshKeys, sudo, passwordHash } = plan.spec.access;
  const keys: TextFile = {
    path: `/home/${user}/.ssh/authorized_keys`,
    mode: "0600",
    content: sshKeys.map((key) => `${key}\n`).join(""),
  };
  // Without a password there is nothing sudo could ask for.
  const rule = `${user} ALL=(ALL:ALL) ${passwordHash ? "" : "NOPASSWD: "}ALL\n`;
  return [
    ...(sshKeys.length ? [keys] : []),
    ...(sudo ? [{ path: "/etc/sudoers.d/90-muster", mode: "0440", content: rule }] : []),
  ];
}

function time(plan: InstallPlan): readonly TextFile[] {
  const { ntp } = plan.spec;
  if (!ntp.length) return [];
  return [file("/etc/systemd/timesyncd.conf.d/muster.conf", `[Time]\nNTP=${ntp.join(" ")}\n`)];
}

function cloudInit(texts: FirstBootTexts): readonly TextFile[] {
  return [
    file(`${SEED}/meta-data`, texts.metaData),
    { path: `${SEED}/user-data`, mode: "0600", content: texts.userData },
    file(`${SEED}/network-config`, texts.networkConfig),
    file(
      "/etc/cloud/cloud.cfg.d/90-muster.cfg",
      "datasource_list: [NoCloud, None]\n# The installer made the user with its keys.\nusers: []\n# systemd-networkd is configured by MAC in /etc/systemd/network.\nnetwork: { config: disabled }\n",
    ),
  ];
}

function phoneHome(plan: InstallPlan, texts: FirstBootTexts): readonly TextFile[] {
  const { address, httpPort, httpsPort, caCertificate } = plan.appliance;
  const settings = shellAssignments({
    MACHINE: plan.name,
    GENERATION: plan.generation,
    NODE_URL: `https://${address}:${httpsPort}/node/v1`,
    HEALTH_URL: `http://${address}:${httpPort}/healthz`,
  });
  return [
    file("/etc/muster/settings", settings),
    file("/etc/muster/ca.pem", caCertificate),
    { path: "/etc/muster/enrolment-secret", mode: "0600", content: `${plan.credentials.enrolmentSecret}\n` },
    { path: "/usr/local/lib/muster/report", mode: "0755", content: texts.reportScript },
    { path: "/usr/local/lib/muster/payload", mode: "0755", content: texts.payloadScript },
    file("/etc/systemd/system/muster-report.service", texts.reportUnit),
  ];
}

function systemPartitions(plan: InstallPlan, texts: FirstBootTexts): readonly TextFile[] {
  const never = file("/etc/default/grub.d/muster.cfg", "GRUB_DISABLE_OS_PROBER=true\n");
  if (plan.spec.install.layout !== "raid1") return [never];
  return [
    never,
    { path: "/usr/local/lib/muster/esp", mode: "0755", content: texts.espScript },
    file("/etc/systemd/system/muster-esp.service", texts.espUnit),
    file(
      "/etc/apt/apt.conf.d/90-muster-esp",
      'DPkg::Post-Invoke { "if [ -x /usr/local/lib/muster/esp ]; then /usr/local/lib/muster/esp || true; fi"; };\n',
    ),
  ];
}

function file(path: string, content: string): TextFile {
  return { path, mode: "0644", content };
}
