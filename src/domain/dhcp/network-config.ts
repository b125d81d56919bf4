/** The `network` and `dhcp` sections as the rules need them; config/schema.ts parses into these shapes. */
import type { ArchitectureOverride } from "../architecture.ts";

/** Which clients a pool serves. */
export type PoolClients = "any" | "known" | "unknown";

export interface PoolConfig {
  readonly from: string;
  readonly to: string;
  readonly clients: PoolClients;
}

export interface SubnetSettings {
  readonly cidr: string;
  readonly router?: string | undefined;
  readonly dns: readonly string[];
  readonly ntp: readonly string[];
  readonly domain?: string | undefined;
  readonly pools: readonly PoolConfig[];
  readonly relays: readonly string[];
  readonly sharedWith?: string | undefined;
  readonly routes: readonly { readonly to: string; readonly via: string }[];
  readonly mtu?: number | undefined;
  readonly bootServer?: string | undefined;
}

export interface NetworkSettings {
  readonly address?: string | undefined;
  readonly subnets: readonly SubnetSettings[];
}

/** An address kept for whoever shows one of these identities. */
export interface ReservationSettings {
  readonly address: string;
  readonly mac?: string | undefined;
  /** Option 61 in hex, its type octet included. */
  readonly clientId?: string | undefined;
  /** SMBIOS UUID as text. */
  readonly uuid?: string | undefined;
  /** Circuit id of option 82 in hex: the address follows the switch port. */
  readonly circuitId?: string | undefined;
}

/** One more option for clients; exactly one of `text`, `hex`, `addresses`. */
export interface ExtraOption {
  readonly code: number;
  readonly text?: string | undefined;
  readonly hex?: string | undefined;
  readonly addresses?: readonly string[] | undefined;
  /** Sent although the client did not ask for it. */
  readonly always: boolean;
}

export interface DhcpSettings {
  readonly mode: "off" | "proxy" | "server";
  readonly authoritative: boolean;
  readonly unknown: "ignore" | "discover";
  readonly deny: readonly string[];
  readonly port: number;
  readonly leaseSeconds: number;
  readonly minLeaseSeconds: number;
  readonly maxLeaseSeconds: number;
  readonly offerHoldSeconds: number;
  readonly declineSeconds: number;
  readonly matchBy: "mac" | "client-id";
  readonly echoClientId: boolean;
  readonly rapidCommit: boolean;
  readonly trustAgentOptionWithoutRelay: boolean;
  readonly probe: "off" | "ping";
  readonly excludeNetworkEnds: boolean;
  readonly clientRate: number;
  readonly maxHolds: number;
  readonly architectures: readonly ArchitectureOverride[];
  readonly reservations: readonly ReservationSettings[];
  readonly options: readonly ExtraOption[];
}
