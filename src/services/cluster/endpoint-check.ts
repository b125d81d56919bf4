/** Before a cluster's address is used for the first time: does somebody else hold it already? */
import { routerIdOf } from "../../domain/cluster/endpoint-spec.ts";
import type { ClusterView } from "../../domain/cluster/members.ts";
import type { EndpointSight } from "../../domain/cluster/turn-facts.ts";
import { macsOf } from "../../domain/machine.ts";
import type { Clock, EventSink } from "../ports.ts";
import type { ClusterStates } from "./cluster-state.ts";

/** What the wire says about an address. */
export type AddressHolder =
  | { readonly kind: "nobody" }
  /** `mac` is absent where the address lies behind a router. */
  | { readonly kind: "held"; readonly mac?: string };

/** One VRRP speaker that was heard. */
export interface VrrpSpeaker {
  readonly routerId: number;
  readonly address: string;
  readonly mac?: string;
}

/** Looks at the appliance's own network. */
export interface AddressProbe {
  holderOf(address: string): Promise<AddressHolder>;
  /** Who announces VRRP within a few seconds; empty where it cannot be heard. */
  vrrpSpeakers(): Promise<readonly VrrpSpeaker[]>;
}

export interface EndpointCheckOptions {
  readonly states: ClusterStates;
  readonly probe: AddressProbe;
  readonly events: EventSink;
  readonly clock: Clock;
}

const FREE: EndpointSight = { kind: "free" };
/** A taken address is looked at again after this time: somebody may have freed it. */
const TAKEN_FRESH_MS = 10_000;

export class EndpointCheck {
  readonly #options: EndpointCheckOptions;
  readonly #recent = new Map<string, { readonly at: number; readonly sight: Promise<EndpointSight> }>();

  constructor(options: EndpointCheckOptions) {
    this.#options = options;
  }

  /**
   * Whether a cluster's endpoint may be used. Asked once in a cluster's life with the answer yes; before, and until
   * then, no member is given what would make it claim the address.
   */
  async check(cluster: ClusterView): Promise<EndpointSight> {
    const { states, clock } = this.#options;
    if (!isOurs(cluster) || states.get(cluster.name).endpointCheckedAt !== undefined) return FREE;
    const now = clock.monotonic();
    const known = this.#recent.get(cluster.name);
    if (known && now - known.at < TAKEN_FRESH_MS) return known.sight;
    const sight = this.#look(cluster);
    this.#recent.set(cluster.name, { at: now, sight });
    return sight;
  }

  async #look(cluster: ClusterView): Promise<EndpointSight> {
    const { probe, events } = this.#options;
    const address = cluster.spec.endpoint?.address ?? "";
    const [holder, speakers] = await Promise.all([probe.holderOf(address), probe.vrrpSpeakers()]);
    const by = heldBy(cluster, address, holder) ?? rivalOf(cluster, speakers);
    if (by === undefined) return FREE;
    events.record({
      type: "endpoint-taken",
      source: "appliance",
      level: "alarm",
      message: `cluster ${cluster.name}: ${by}`,
      data: { cluster: cluster.name, address },
    });
    return { kind: "taken", by };
  }
}

/** Remembers that a cluster's endpoint was free: from now on its members may hold it. */
export async function rememberEndpoint(states: ClusterStates, cluster: string, now: number): Promise<void> {
  if (states.get(cluster).endpointCheckedAt !== undefined) return;
  await states.update(cluster, (record) =>
    record.endpointCheckedAt === undefined ? { ...record, endpointCheckedAt: now } : record,
  );
}

/** Whether machines of ours will hold the address, which is nobody's own. */
function isOurs({ spec: { endpoint }, members }: ClusterView): boolean {
  if (!endpoint || endpoint.provider === "external") return false;
  return !members.some(({ address }) => address === endpoint.address);
}

function heldBy({ members }: ClusterView, address: string, holder: AddressHolder): string | undefined {
  if (holder.kind === "nobody") return undefined;
  const own = members.some(({ spec }) => macsOf(spec).some((mac) => mac === holder.mac));
  if (own) return undefined;
  const who = holder.mac === undefined ? "somebody" : `the machine with the MAC ${holder.mac}`;
  return `the endpoint's address ${address} is in use by ${who}: free it, or choose another address`;
}

function rivalOf({ spec, members }: ClusterView, speakers: readonly VrrpSpeaker[]): string | undefined {
  const routerId = spec.endpoint && routerIdOf(spec.endpoint);
  const rival = speakers.find(
    (speaker) => speaker.routerId === routerId && !members.some(({ address }) => address === speaker.address),
  );
  if (!rival) return undefined;
  const mac = rival.mac === undefined ? "" : ` (${rival.mac})`;
  return `${rival.address}${mac} already announces VRRP router id ${rival.routerId}; choose another endpoint.routerId`;
}
