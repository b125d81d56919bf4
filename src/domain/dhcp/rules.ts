/** The `dhcp` section made ready for decisions: parsed, indexed and frozen once. */
import { parseIpv4 } from "../../net/ipv4.ts";
import { parseMac } from "../../net/mac.ts";
import { ipv4sBytes, textBytes } from "../../protocol/dhcp/options.ts";
import type { ArchitectureOverride } from "../architecture.ts";
import { ConfigError } from "../errors.ts";
import type { DhcpSettings, ExtraOption } from "./network-config.ts";

/** Extra option, encoded. */
export interface EncodedOption {
  readonly code: number;
  readonly value: Uint8Array;
  readonly always: boolean;
}

export interface DhcpRules {
  readonly mode: "off" | "proxy" | "server";
  readonly authoritative: boolean;
  readonly unknown: "ignore" | "discover";
  /** Canonical MACs. */
  readonly denied: ReadonlySet<string>;
  readonly serverPort: number;
  readonly clientPort: number;
  /** Port of the boot plane, for URLs. */
  readonly httpPort: number;
  readonly leaseSeconds: number;
  readonly minLeaseSeconds: number;
  readonly maxLeaseSeconds: number;
  readonly declineSeconds: number;
  readonly matchBy: "mac" | "client-id";
  readonly echoClientId: boolean;
  readonly rapidCommit: boolean;
  readonly trustAgentOptionWithoutRelay: boolean;
  readonly probe: boolean;
  readonly maxHolds: number;
  readonly architectures: readonly ArchitectureOverride[];
  readonly extraOptions: readonly EncodedOption[];
}

/**
 * Prepares the settings.
 * @throws ConfigError when `deny` or `options` hold something that is no MAC, address or hex text.
 */
export function buildDhcpRules(settings: DhcpSettings, ports: { readonly httpPort: number }): DhcpRules {
  return Object.freeze({
    mode: settings.mode,
    authoritative: settings.authoritative,
    unknown: settings.unknown,
    denied: new Set(settings.deny.map(requireMac)),
    serverPort: settings.port,
    clientPort: settings.port + 1,
    httpPort: ports.httpPort,
    leaseSeconds: settings.leaseSeconds,
    minLeaseSeconds: settings.minLeaseSeconds,
    maxLeaseSeconds: settings.maxLeaseSeconds,
    declineSeconds: settings.declineSeconds,
    matchBy: settings.matchBy,
    echoClientId: settings.echoClientId,
    rapidCommit: settings.rapidCommit,
    trustAgentOptionWithoutRelay: settings.trustAgentOptionWithoutRelay,
    probe: settings.probe !== "off",
    maxHolds: settings.maxHolds,
    architectures: settings.architectures,
    extraOptions: settings.options.map(encodeExtra),
  });
}

function encodeExtra(option: ExtraOption): EncodedOption {
  return { code: option.code, value: extraValue(option), always: option.always };
}

function extraValue({ code, text, hex, addresses }: ExtraOption): Uint8Array {
  if (text !== undefined) return textBytes(text);
  if (addresses !== undefined) {
    const parsed = addresses.map(parseIpv4).filter((ip) => ip !== undefined);
    if (parsed.length === addresses.length && parsed.length > 0) return ipv4sBytes(parsed);
  }
  if (hex !== undefined && /^(?:[0-9a-f]{2})+$/i.test(hex)) return Buffer.from(hex, "hex");
  throw new ConfigError(`dhcp.options: option ${code} needs a text, pairs of hex digits, or IPv4 addresses`);
}

function requireMac(text: string): string {
  const mac = parseMac(text);
  if (!mac) throw new ConfigError(`dhcp.deny: "${text}" is not a MAC address`);
  return mac;
}
