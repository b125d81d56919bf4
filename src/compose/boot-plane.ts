/** Everything machines ask before they have an operating system: DHCP, TFTP, HTTP boot, the installers' syslog. */
import { createBlockCache } from "../adapters/http/block-cache.ts";
import { createBootApp } from "../adapters/http/boot-app.ts";
import { createBootServer } from "../adapters/http/boot-server.ts";
import { HttpListener } from "../adapters/http/http-listener.ts";
import { createMirrorRoutes } from "../adapters/http/mirror-routes.ts";
import { createStaticFiles } from "../adapters/http/static-files.ts";
import { SyslogReceiver } from "../adapters/syslog/syslog-receiver.ts";
import { createNunjucksTemplates } from "../adapters/templates/nunjucks-templates.ts";
import { TftpServer } from "../adapters/tftp/tftp-server.ts";
import { PACKAGE_ROOT } from "../config/package-root.ts";
import type { ApplianceFacts } from "../domain/install/plan.ts";
import type { Machine } from "../domain/machine.ts";
import type { DhcpService } from "../services/dhcp/dhcp-service.ts";
import { GRUB } from "../services/install/boot-dialect.ts";
import { createBootPreview } from "../services/install/boot-preview.ts";
import {
  type BootScripts,
  type BootScriptsOptions,
  createBootScripts,
} from "../services/install/boot-script.ts";
import { createInstallDocuments, type InstallDocuments } from "../services/install/documents.ts";
import type { ListenerStatus } from "../services/ports.ts";
import { applianceFacts } from "./appliance-facts.ts";
import type { AssetParts } from "./assets.ts";
import { noteTransfers, tftpFiles } from "./boot-files.ts";
import type { Context } from "./context.ts";
import { buildDhcp } from "./dhcp.ts";
import type { IdentityParts } from "./identity.ts";
import type { ImageParts } from "./images.ts";
import type { InheritedParts } from "./inherited.ts";
import type { RegistryParts } from "./registry.ts";
import type { ResourceParts } from "./resources.ts";
import type { NamedService } from "./service-stack.ts";

export interface BootPlane {
  readonly dhcp: DhcpService;
  readonly documents: InstallDocuments;
  /** The script that a machine's next network boot would get. */
  readonly previewScript: (machine: Machine) => Promise<string>;
  readonly listeners: () => readonly ListenerStatus[];
  readonly services: readonly NamedService[];
}

interface Parts {
  readonly registry: RegistryParts;
  readonly resources: ResourceParts;
  readonly assets: AssetParts;
  readonly images: Pick<ImageParts, "mirrors">;
  readonly identity: IdentityParts;
  readonly inherited: InheritedParts;
}

const DRAIN_MS = 5000;
/** Kernel and initrd of a few installers: what a rack asks for at the same time is read from disk once. */
const CACHE_BYTES = 128 * 1024 * 1024;
/** Packages are asked for in turns by machines that install side by side; they must not drive out the kernels. */
const MIRROR_CACHE_BYTES = 32 * 1024 * 1024;

/** Builds the boot plane; its sockets open when it is started. @throws ConfigError, RenderError */
export function buildBootPlane(context: Context, parts: Parts): BootPlane {
  const { config, clock, log, served } = context;
  const dhcp = buildDhcp(context, parts);
  const { documents, scripts, grubScripts, previewScript, http } = buildHttp(context, parts);
  const { registry, events } = parts.registry;
  const noteTransfer = noteTransfers(registry, events);
  const tftp = new TftpServer({
    config: config.tftp,
    files: tftpFiles({ directory: parts.assets.directory, ipxe: scripts, grub: grubScripts }),
    addresses: [served.address],
    inherited: parts.inherited.tftp,
    clock,
    log: log.child({ component: "tftp" }),
    onTransfer: (stats) => {
      context.metrics.tftpTransfer(stats);
      noteTransfer(stats);
    },
  });
  const syslog = buildSyslog(context, parts);
  return {
    dhcp: dhcp.service,
    documents,
    previewScript,
    listeners: () => [dhcp.listener.status(), tftp.status(), http.status(), syslog.status()],
    services: [
      { name: "boot HTTP", service: http },
      ...(config.tftp.enabled ? [{ name: "TFTP", service: tftp }] : []),
      ...(config.syslog.enabled ? [{ name: "syslog", service: syslog }] : []),
      ...dhcp.services,
    ],
  };
}

function buildSyslog(
  { config, clock, log, served }: Context,
  { registry, inherited }: Parts,
): SyslogReceiver {
  return new SyslogReceiver({
    address: served.address,
    port: config.syslog.port,
    ...(inherited.syslog === undefined ? {} : { inheritedFd: inherited.syslog }),
    receive: ({ address, program, text }) =>
      registry.installerLog.noteSyslog({ address, program: program === "" ? "installer" : program, text }),
    clock,
    log: log.child({ component: "syslog" }),
  });
}

interface HttpParts extends Pick<BootPlane, "documents" | "previewScript"> {
  readonly scripts: BootScripts;
  readonly grubScripts: BootScripts;
  readonly http: HttpListener;
}

function buildHttp(context: Context, { registry, resources, assets, images, identity }: Parts): HttpParts {
  const { config, clock, log, limits } = context;
  const templates = createNunjucksTemplates({
    root: PACKAGE_ROOT,
    directories: ["preseed", "boot-templates"],
    autoescape: false,
    compile: (name) => !name.endsWith(".sh"),
  });
  const appliance = (machine: Machine | undefined): ApplianceFacts =>
    applianceFacts(context, { identity, resources }, machine);
  const documents = createInstallDocuments({
    machines: registry.registry,
    tickets: registry.tickets,
    templates,
    secrets: identity.enrolment,
    appliance,
  });
  const scripting: BootScriptsOptions = {
    registry: registry.registry,
    tickets: registry.tickets,
    assets: assets.assets,
    templates,
    events: registry.events,
    clock,
    limits,
    appliance,
  };
  const scripts = createBootScripts(scripting);
  const grubScripts = createBootScripts(scripting, GRUB);
  const cache = createBlockCache({ maxBytes: CACHE_BYTES });
  const bootLog = log.child({ component: "boot" });
  const app = createBootApp({
    scripts,
    grub: grubScripts,
    documents,
    reports: registry.installReports,
    files: createStaticFiles({ files: assets.files, cache, maxTransfers: config.http.maxTransfers }),
    mirror: createMirrorRoutes({
      mirrors: new Map([...assets.mirrors, ...images.mirrors]),
      cache: createBlockCache({ maxBytes: MIRROR_CACHE_BYTES }),
      log: bootLog,
    }),
    clock,
    log: bootLog,
  });
  const http = new HttpListener({
    name: "http",
    server: createBootServer(context.metrics.observed("boot", app)),
    endpoint: { kind: "port", port: config.http.port, setting: "http.port" },
    log: bootLog,
    drainMs: DRAIN_MS,
  });
  return { documents, scripts, grubScripts, previewScript: createBootPreview(scripting), http };
}
