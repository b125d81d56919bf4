/** What people and installed machines talk to: the API over HTTPS and over the unix socket, the node endpoints. */
import path from "node:path";
import { createControlApp } from "../adapters/http/control-app.ts";
import type { ControlServices, DocumentPreview } from "../adapters/http/control-ports.ts";
import { ControlServer } from "../adapters/http/control-server.ts";
import { FailureLimit } from "../adapters/http/failure-limit.ts";
import { writeSecretFile } from "../adapters/pki/secret-file.ts";
import { PACKAGE_ROOT, packageVersion } from "../config/package-root.ts";
import { redact } from "../config/redact.ts";
import { INSTALL_DOCUMENTS } from "../services/install/compose-documents.ts";
import type { ListenerStatus } from "../services/ports.ts";
import { Tokens } from "../services/tokens.ts";
import type { AddonParts } from "./addons.ts";
import type { AssetParts } from "./assets.ts";
import type { BootPlane } from "./boot-plane.ts";
import type { ClusterParts } from "./cluster.ts";
import type { ClusterAccessParts } from "./cluster-access.ts";
import type { Context } from "./context.ts";
import type { IdentityParts } from "./identity.ts";
import type { ImageParts } from "./images.ts";
import type { RegistryParts } from "./registry.ts";
import type { ResourceParts } from "./resources.ts";
import type { StatusParts } from "./status.ts";

interface Parts {
  readonly registry: RegistryParts;
  readonly resources: ResourceParts;
  readonly cluster: ClusterParts;
  readonly access: ClusterAccessParts;
  readonly addons: AddonParts;
  readonly assets: AssetParts;
  readonly images: ImageParts;
  readonly identity: IdentityParts;
  readonly boot: BootPlane;
  readonly status: StatusParts;
  readonly listeners: () => readonly ListenerStatus[];
  readonly stopping: AbortSignal;
}

export interface ControlPlane {
  readonly server: ControlServer;
  readonly adminTokenFile: string;
  /** Makes the first admin token where there is none; the token when this start has made it. */
  readonly ensureAdminToken: () => Promise<string | undefined>;
}

/** Templates of the web page; they are read from the sources, also by a built appliance. */
const VIEWS = path.join(PACKAGE_ROOT, "src/adapters/http/views");

/** Builds the control plane; its doors open when the server is started. */
export function buildControlPlane(context: Context, parts: Parts): ControlPlane {
  const { config, clock, log } = context;
  const { registry, identity, stopping } = parts;
  const controlLog = log.child({ component: "api" });
  const tokens = new Tokens({ store: registry.store.tokens, clock, log: controlLog });
  const services = controlServices(context, parts, tokens);
  const failures = new FailureLimit({ clock });
  const node = {
    enrolment: identity.enrolment,
    identities: registry.identities,
    reports: parts.cluster.nodeReports,
    members: parts.cluster.members,
    failures,
  };
  const images = parts.images.routes({ identities: registry.identities, tokens, failures });
  const { metrics } = context;
  metrics.readFrom({
    machines: registry.registry,
    dhcpCounters: () => parts.boot.dhcp.counters(),
    listeners: parts.listeners,
  });
  const web = {
    sessionKey: identity.keys.sessions,
    viewsDirectory: VIEWS,
  };
  const base = { services, metrics, version: packageVersion(), stopping };
  const overHttps = createControlApp({
    ...base,
    trust: { kind: "tokens", tokens, failures },
    node,
    web,
    images,
  });
  const overSocket = createControlApp({ ...base, trust: { kind: "local" } });
  const server = new ControlServer({
    port: config.https.port,
    socketPath: path.join(config.dataDir, "muster.sock"),
    overHttps: metrics.observed("control", overHttps),
    overSocket: metrics.observed("control", overSocket),
    authority: identity.authority.certificate,
    credentials: identity.credentials,
    log: controlLog,
  });
  const adminTokenFile = path.join(config.dataDir, "admin-token");
  const ensureAdminToken = async (): Promise<string | undefined> => {
    await tokens.load();
    return tokens.ensureFirst((secret) => writeSecretFile(adminTokenFile, `${secret}\n`));
  };
  return { server, adminTokenFile, ensureAdminToken };
}

function controlServices(context: Context, parts: Parts, tokens: Tokens): ControlServices {
  const { config, clock, log } = context;
  const { registry, assets, images, boot, status } = parts;
  return {
    clock,
    log: log.child({ component: "api" }),
    machines: registry.registry,
    resources: parts.resources.resources,
    reimage: parts.cluster.reimage,
    clusterTurns: parts.cluster.clusterTurns,
    timeline: registry.events,
    installerLogs: registry.installerLog,
    leases: { all: () => Promise.resolve(boot.dhcp.leases()) },
    assets: images.withReleases(assets.assets),
    documents: documentPreview(boot),
    diagnose: status.diagnose,
    tokens,
    clusters: parts.access.operations,
    addons: parts.addons.addons,
    status: status.status,
    config: redact(config),
    backup: status.backup,
  };
}

/** Everything a machine is served while it boots and installs, credentials masked. */
function documentPreview({ documents, previewScript }: BootPlane): DocumentPreview {
  const script = "boot.ipxe";
  return {
    names: [script, ...INSTALL_DOCUMENTS],
    async render(machine, document) {
      if (document === script) return { contentType: "text/plain", text: await previewScript(machine) };
      return INSTALL_DOCUMENTS.some((name) => name === document)
        ? documents.render(machine.name, document)
        : undefined;
    },
  };
}
