/**
 * The appliance's own configuration (`muster.yaml`): one schema, parsed once, frozen, handed down in parts.
 * Defaults and descriptions live here and nowhere else; docs/config.md is generated from this file.
 */
import { z } from "zod";
import { parseIpv4 } from "../net/ipv4.ts";
import { parseMac } from "../net/mac.ts";
import { networkField } from "./network-field.ts";
import { fileServer, httpUrl, imagesSchema } from "./upstream-schema.ts";

const ip = z
  .string()
  .refine((text) => parseIpv4(text) !== undefined, "expected an IPv4 address like 10.0.0.1");
const port = z.int().min(0).max(65535);
const seconds = z.int().positive();
const mac = z
  .string()
  .refine((text) => parseMac(text) !== undefined, "expected a MAC address like 52:54:00:12:34:01");
const hex = z.string().regex(/^(?:[0-9a-fA-F]{2})+$/, "expected pairs of hex digits");

const poolSchema = z.strictObject({
  from: ip.describe("First address handed out"),
  to: ip.describe("Last address handed out"),
  clients: z
    .enum(["any", "known", "unknown"])
    .default("any")
    .describe("Who may be given an address from here"),
});

const subnetSchema = z.strictObject({
  cidr: networkField.describe("The network, for example 10.0.0.0/24"),
  router: ip.optional().describe("Default gateway handed to clients"),
  dns: z.array(ip).default([]).describe("Name servers handed to clients"),
  ntp: z.array(ip).default([]).describe("Time servers handed to clients"),
  domain: z.string().optional().describe("Domain name handed to clients"),
  pools: z.array(poolSchema).default([]).describe("Ranges for clients without a reservation"),
  relays: z.array(ip).default([]).describe("giaddr of relays that stand in this network, when outside of it"),
  sharedWith: networkField.optional().describe("Another configured network on the same wire"),
  routes: z
    .array(
      z.strictObject({
        to: networkField.describe("Destination network"),
        via: ip.describe("Router on the way there"),
      }),
    )
    .default([])
    .describe("Classless static routes (option 121)"),
  mtu: z.int().min(576).max(65535).optional().describe("Interface MTU handed to clients (option 26)"),
  bootServer: ip
    .optional()
    .describe("The appliance's address as this network's machines reach it; network.address when left out"),
});

const networkSchema = z.strictObject({
  interface: z
    .string()
    .optional()
    .describe("Interface of the boot network; the only suitable one when left out"),
  address: ip.optional().describe("The appliance's address there; the interface's first when left out"),
  subnets: z
    .array(subnetSchema)
    .default([])
    .describe("Networks served; the interface's own is added in proxy mode"),
});

const dhcpSchema = z.strictObject({
  mode: z
    .enum(["off", "proxy", "server"])
    .default("proxy")
    .describe("proxy adds boot data beside an existing DHCP server; server hands out addresses"),
  authoritative: z.boolean().default(false).describe("Refuse (NAK) addresses of clients nobody here knows"),
  unknown: z.enum(["ignore", "discover"]).default("ignore").describe("What machines nobody registered get"),
  deny: z.array(mac).default([]).describe("MACs that are never answered"),
  port: port.default(67).describe("DHCP port"),
  proxyPort: port.default(4011).describe("PXE boot server port"),
  leaseSeconds: seconds.default(3600).describe("Lease time when the client asks for none"),
  minLeaseSeconds: seconds.default(120).describe("Shortest lease a client may ask for"),
  maxLeaseSeconds: seconds.default(86_400).describe("Longest lease a client may ask for"),
  offerHoldSeconds: seconds.default(30).describe("How long an offered address is kept for its client"),
  declineSeconds: seconds.default(86_400).describe("How long a declined address stays unused"),
  matchBy: z.enum(["mac", "client-id"]).default("mac").describe("What makes two requests the same client"),
  echoClientId: z.boolean().default(true).describe("Copy the client identifier into replies (RFC 6842)"),
  rapidCommit: z
    .boolean()
    .default(false)
    .describe("Answer DISCOVER with ACK when the client asks for it (RFC 4039)"),
  trustAgentOptionWithoutRelay: z
    .boolean()
    .default(false)
    .describe("Believe option 82 in packets that no relay sent"),
  probe: z.enum(["off", "ping"]).default("off").describe("Ping a new address before it is offered"),
  excludeNetworkEnds: z.boolean().default(true).describe("Never hand out .0 and .255 of larger networks"),
  clientRate: z.number().positive().default(5).describe("Packets a second one client may send"),
  maxHolds: z.int().positive().default(4096).describe("Offers outstanding at once, against starvation"),
  architectures: z
    .array(
      z.strictObject({
        code: z.int().min(0).max(65535).describe("Number of the architecture (option 93)"),
        bootFile: z.string().nullable().describe("Boot file, or null for none"),
        class: z.string().min(1).optional().describe("Only for clients whose vendor or user class begins so"),
      }),
    )
    .default([])
    .describe("Overrides of the table of PXE architectures"),
  reservations: z
    .array(
      z.strictObject({
        address: ip.describe("Address kept for the client"),
        mac: mac.optional().describe("Hardware address"),
        clientId: hex.optional().describe("Client identifier (option 61) in hex, its type octet included"),
        uuid: z.guid().optional().describe("SMBIOS UUID"),
        circuitId: hex
          .optional()
          .describe("Circuit id of option 82 in hex: the address follows the switch port"),
      }),
    )
    .default([])
    .describe("Addresses for clients that are no machines, each named by exactly one identity"),
  options: z
    .array(
      z.strictObject({
        code: z.int().min(1).max(254).describe("Number of the option"),
        text: z.string().optional().describe("Its value as text"),
        hex: hex.optional().describe("Its value as octets"),
        addresses: z.array(ip).optional().describe("Its value as IPv4 addresses"),
        always: z.boolean().default(false).describe("Send it although the client did not ask"),
      }),
    )
    .default([])
    .describe("Further DHCP options, each with a text, hex or addresses"),
});

const tftpSchema = z.strictObject({
  enabled: z.boolean().default(true).describe("Serve TFTP"),
  port: port.default(69).describe("TFTP port"),
  maxBlockSize: z
    .int()
    .min(512)
    .max(65464)
    .default(1468)
    .describe("Largest block granted; the link's MTU less 32"),
  maxWindowSize: z.int().min(1).max(64).default(16).describe("Largest window granted (RFC 7440)"),
  timeoutSeconds: z.number().positive().default(1).describe("First retransmission timeout"),
  abandonSeconds: seconds.default(60).describe("A transfer without progress ends after this time"),
  maxTransfers: z
    .int()
    .positive()
    .default(1000)
    .describe("Transfers at once; further requests stay unanswered and are retried"),
  maxTransfersPerClient: z.int().positive().default(16).describe("Transfers at once to one client"),
  singlePort: z.boolean().default(false).describe("Answer everything from port 69, for NAT and containers"),
});

const httpSchema = z.strictObject({
  port: port.default(8080).describe("Boot plane, plain HTTP"),
  maxTransfers: z
    .int()
    .positive()
    .default(1000)
    .describe("File transfers at once; above it 503 with Retry-After"),
});

const httpsSchema = z.strictObject({
  port: port.default(8443).describe("Control plane, HTTPS"),
  names: z.array(z.string()).default([]).describe("Further names and addresses in the certificate"),
});

const mirrorSchema = z.strictObject({
  upstream: httpUrl
    .optional()
    .describe("Address of the archive; for debian the one of this host's apt when left out"),
  proxy: httpUrl.optional().describe("HTTP proxy on the way to the upstream"),
  username: z.string().optional().describe("User at the upstream"),
  password: z.string().optional().describe("Password at the upstream").meta({ secret: true }),
  keyring: z.string().optional().describe("Keyring that signs the archive"),
});

const assetsSchema = z.strictObject({
  maxCacheBytes: z.int().positive().default(40_000_000_000).describe("Size of the mirror's cache"),
  maxComponentBytes: z
    .int()
    .positive()
    .default(20_000_000_000)
    .describe("Size of the cache of Kubernetes, containerd, etcd and add-on manifests"),
  offline: z.boolean().default(false).describe("Never ask an upstream; serve what is there"),
  initrdExtras: z
    .array(
      z.strictObject({
        os: z
          .string()
          .regex(/^debian-(12|13)$/, "expected debian-12 or debian-13")
          .describe("Operating system whose installer gets it"),
        file: z.string().describe("Path of the archive"),
      }),
    )
    .default([])
    .describe("cpio archives appended to an installer's initrd"),
});

const installSchema = z.strictObject({
  attempts: z
    .int()
    .positive()
    .default(3)
    .describe("Installer boots of one installation before it is given up"),
  timeoutSeconds: seconds.default(7200).describe("An installation silent for this long has failed"),
  firstBootTimeoutSeconds: seconds.default(3600).describe("A first boot silent for this long has failed"),
  ticketSeconds: seconds.default(14_400).describe("Life of an installation's ticket"),
});

const clusterSchema = z.strictObject({
  preparingTimeoutSeconds: seconds
    .default(3600)
    .describe("A machine that prepares for its cluster and is silent for this long has failed"),
  waitingTimeoutSeconds: seconds
    .default(1800)
    .describe("A machine that waits for its turn and is silent for this long has failed"),
  joiningTimeoutSeconds: seconds
    .default(1800)
    .describe("A machine that joins its cluster and is silent for this long has failed"),
  joinTurnSeconds: seconds
    .default(900)
    .describe("A join that takes longer than this lets the next machine go first"),
  workersAtOnce: z.int().positive().default(10).describe("Workers that join at the same time"),
  drainSeconds: seconds
    .default(300)
    .describe("How long a machine's pods may take to leave before a reimage is given up"),
  snapshotHours: z
    .int()
    .min(0)
    .default(6)
    .describe("Hours between two copies of each cluster's etcd in the data directory; 0 for none"),
  snapshotsKept: z.int().positive().default(8).describe("Copies of each cluster's etcd that are kept"),
});

export const configSchema = z
  .strictObject({
    dataDir: z.string().default("data").describe("Where the appliance keeps its state"),
    network: networkSchema.prefault({}),
    dhcp: dhcpSchema.prefault({}),
    tftp: tftpSchema.prefault({}),
    http: httpSchema.prefault({}),
    https: httpsSchema.prefault({}),
    syslog: z
      .strictObject({
        enabled: z.boolean().default(true).describe("Receive the installers' logs"),
        port: port.default(514).describe("Installer log receiver"),
      })
      .prefault({}),
    assets: assetsSchema.prefault({}),
    mirrors: z
      .strictObject({
        debian: mirrorSchema.prefault({}),
        debianSecurity: mirrorSchema.prefault({}),
        kubernetes: fileServer("https://dl.k8s.io").prefault({}),
        github: fileServer("https://github.com").prefault({}),
        githubRaw: fileServer("https://raw.githubusercontent.com").prefault({}),
        elastic: fileServer("https://download.elastic.co").prefault({}),
      })
      .prefault({}),
    images: imagesSchema.prefault({}),
    install: installSchema.prefault({}),
    cluster: clusterSchema.prefault({}),
    security: z
      .strictObject({
        bootNetwork: z
          .enum(["trusted", "hostile"])
          .default("trusted")
          .describe("trusted gives secrets to the first key; hostile wants an approval first"),
      })
      .prefault({}),
    log: z
      .strictObject({
        level: z
          .enum(["trace", "debug", "info", "warn", "error"])
          .default("info")
          .describe("Least important line that is logged"),
        format: z
          .enum(["auto", "json", "text"])
          .default("auto")
          .describe("auto is text on a terminal and JSON elsewhere"),
      })
      .prefault({}),
    store: z
      .strictObject({ kind: z.enum(["sqlite"]).default("sqlite").describe("What keeps the state") })
      .prefault({}),
  })
  .readonly();

export type Config = z.output<typeof configSchema>;
export type ConfigInput = z.input<typeof configSchema>;
export type DhcpConfig = Config["dhcp"];
export type TftpConfig = Config["tftp"];
export type SubnetConfig = Config["network"]["subnets"][number];
export type MirrorConfig = Config["mirrors"]["debian"];
export type FileServerConfig = Config["mirrors"]["kubernetes"];
export type ImagesConfig = Config["images"];
