/** The install documents of one plan as text. Pure but for the templates it is given. */
import { stringify } from "yaml";
import { RenderError } from "../../domain/errors.ts";
import { networkConfig } from "../../domain/install/network-config.ts";
import type { InstallPlan } from "../../domain/install/plan.ts";
import { settingsFile } from "../../domain/install/settings.ts";
import { type TextFile, writeFilesScript } from "../../domain/install/shell.ts";
import { targetFiles } from "../../domain/install/target-files.ts";
import { metaData, userData } from "../../domain/install/user-data.ts";
import { checkPreseed, checkShell, type DocumentFault } from "./document-checks.ts";
import type { Templates } from "./ports.ts";

export const INSTALL_DOCUMENTS = [
  "preseed.cfg",
  "start.sh",
  "target-files.sh",
  "user-data",
  "meta-data",
  "vendor-data",
  "network-config",
] as const;
export type InstallDocumentName = (typeof INSTALL_DOCUMENTS)[number];

/** Scripts that run inside the installer, all of them handed over at once by `start.sh`. */
const INSTALLER_SCRIPTS = [
  "lib.sh",
  "disks.sh",
  "signatures.sh",
  "marker.sh",
  "hide.sh",
  "early.sh",
  "watch.sh",
  "partman.sh",
  "partitioned.sh",
  "packages.sh",
  "esp.sh",
  "finished.sh",
  "late.sh",
  "finish.sh",
] as const;
const INSTALLER_DIRECTORY = "/var/lib/muster";

type Compose = (plan: InstallPlan, templates: Templates) => string;

const COMPOSERS: Readonly<Record<InstallDocumentName, Compose>> = {
  "preseed.cfg": preseed,
  "start.sh": startScript,
  "target-files.sh": targetFilesScript,
  "user-data": (plan) => cloudConfig(userData(plan)),
  "meta-data": (plan) => json(metaData(plan)),
  "vendor-data": () => "#cloud-config\n{}\n",
  "network-config": (plan) => json(networkConfig(plan.nics, plan.domain)),
};

const CHECKS: Partial<Record<InstallDocumentName, (text: string) => DocumentFault | undefined>> = {
  "preseed.cfg": checkPreseed,
  "start.sh": checkShell,
  "target-files.sh": checkShell,
};

/**
 * One document of a plan, checked.
 * @throws RenderError naming document, line and machine; nothing half-right is ever served.
 */
export function composeDocument(plan: InstallPlan, name: InstallDocumentName, templates: Templates): string {
  const text = COMPOSERS[name](plan, templates);
  const fault = CHECKS[name]?.(text);
  if (fault) throw new RenderError(`${name}, line ${fault.line}: ${fault.message}`);
  return text;
}

function preseed(plan: InstallPlan, templates: Templates): string {
  const { spec } = plan;
  const mirror = new URL(plan.mirrorUrl);
  return templates.render("preseed/debian.cfg", {
    name: plan.name,
    generation: plan.generation,
    version: plan.os.version,
    codename: plan.codename,
    locale: spec.locale,
    // C.UTF-8 says nothing about either, and the installer would ask.
    localeHasCountry: /^[a-z]+_[A-Z]{2}/.test(spec.locale),
    keyboard: spec.keyboard,
    timezone: spec.timezone,
    installUrl: plan.installUrl,
    mirrorHost: mirror.host,
    mirrorDirectory: mirror.pathname,
    // apt-setup appends /debian-security to this "host".
    securityHost: plan.securityUrl.replace(/^http:\/\//, "").replace(/\/debian-security$/, ""),
    user: spec.access.user,
    // "*" is no password's hash: nobody logs in with one.
    passwordHash: spec.access.passwordHash ?? "*",
    groups: spec.access.sudo ? "sudo" : "",
    layout: spec.install.layout,
    packages: plan.packages.join(" "),
  });
}

function startScript(plan: InstallPlan, templates: Templates): string {
  const files: readonly TextFile[] = [
    { path: `${INSTALLER_DIRECTORY}/settings.sh`, mode: "0600", content: settingsFile(plan) },
    ...INSTALLER_SCRIPTS.map((name) => ({
      path: `${INSTALLER_DIRECTORY}/${name}`,
      mode: "0644",
      content: templates.source(`preseed/scripts/${name}`),
    })),
  ];
  return `#!/bin/sh\nset -e\n${writeFilesScript(files)}exec sh ${INSTALLER_DIRECTORY}/early.sh\n`;
}

function targetFilesScript(plan: InstallPlan, templates: Templates): string {
  const firstBoot = (name: string) => templates.source(`boot-templates/first-boot/${name}`);
  const files = targetFiles(plan, {
    userData: cloudConfig(userData(plan)),
    metaData: json(metaData(plan)),
    networkConfig: json(networkConfig(plan.nics, plan.domain)),
    reportScript: firstBoot("report"),
    reportUnit: firstBoot("muster-report.service"),
    payloadScript: firstBoot("payload"),
    espScript: firstBoot("esp"),
    espUnit: firstBoot("muster-esp.service"),
  });
  return `#!/bin/sh\nset -e\n${writeFilesScript(files)}`;
}

function cloudConfig(value: Record<string, unknown>): string {
  return `#cloud-config\n${yaml(value)}`;
}

// cloud-init reads YAML 1.1, where a bare `off` is a boolean.
function yaml(value: object): string {
  return stringify(value, { version: "1.1" });
}

// Every JSON text is YAML; what only programs read needs no nicer form.
function json(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
