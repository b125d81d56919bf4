/** The answerer of DHCP: decode, look up, decide, make durable, encode. */
import { readRequest } from "../../domain/dhcp/client-request.ts";
import { decideReply } from "../../domain/dhcp/decide-reply.ts";
import {
  type Decision,
  type IgnoreDecision,
  ignore,
  type ReplyDecision,
} from "../../domain/dhcp/decision.ts";
import type { IgnoreReason } from "../../domain/dhcp/ignore-reason.ts";
import { leaseInUse } from "../../domain/dhcp/lease.ts";
import type { DhcpSettings, NetworkSettings } from "../../domain/dhcp/network-config.ts";
import { buildNetworkPlan, type NetworkPlan } from "../../domain/dhcp/network-plan.ts";
import { isForUs } from "../../domain/dhcp/place.ts";
import { buildDhcpRules, type DhcpRules } from "../../domain/dhcp/rules.ts";
import type { Machine } from "../../domain/machine.ts";
import { ANY, formatIpv4, type Ipv4, parseIpv4 } from "../../net/ipv4.ts";
import { DecodeError } from "../../protocol/decode-error.ts";
import { decodeDhcp } from "../../protocol/dhcp/decode-packet.ts";
import { encodeDhcp } from "../../protocol/dhcp/encode-packet.ts";
import { BOOTREPLY, MESSAGE_TYPE, OPTION } from "../../protocol/dhcp/option-codes.ts";
import type { DhcpPacket } from "../../protocol/dhcp/packet.ts";
import type { Clock, EventSink, LeaseRecord, LeaseStore, Log } from "../ports.ts";
import type { Registry } from "../registry.ts";
import { AddressProber } from "./address-prober.ts";
import { DecisionObserver } from "./decision-observer.ts";
import type {
  AddressProbe,
  DecisionTrace,
  DhcpDatagram,
  DhcpOutcome,
  DhcpService,
  SeenServer,
} from "./dhcp-service.ts";
import { LeaseClock, type LeaseTime } from "./lease-clock.ts";
import { LeaseJournal, toRecord } from "./lease-journal.ts";
import { fromRecord } from "./lease-loading.ts";
import { LeaseTable } from "./lease-table.ts";
import type { Question } from "./question.ts";
import { RateLimiter } from "./rate-limiter.ts";
import { ReservationIndex } from "./reservation-index.ts";
import { clientLabel } from "./trace-decision.ts";

export interface DhcpServiceDeps {
  readonly machines: Pick<Registry, "byMac" | "list" | "subscribe" | "noteSighting">;
  readonly leases: LeaseStore;
  readonly events: EventSink;
  readonly clock: Clock;
  readonly log: Log;
  readonly config: {
    readonly dhcp: DhcpSettings;
    readonly network: NetworkSettings;
    readonly http: { readonly port: number };
  };
  /** Pings addresses; without one nothing is probed. */
  readonly probe?: AddressProbe | undefined;
}

/** A reply that is ready this late finds its client in the next round. Milliseconds. */
const STALE_MS = 3_000;
/** Addresses tried for one DISCOVER while pings keep finding them in use. */
const MAX_PROBES = 3;
/** One switch port or relay interface may carry a rack. */
const CIRCUIT_FACTOR = 400;
const MAX_BUCKETS = 20_000;
const MAX_OWN_PROBES = 8;

/**
 * Builds the answerer.
 * @throws ConfigError when the network configuration cannot be used.
 */
export function createDhcpService(deps: DhcpServiceDeps): DhcpService {
  return new DhcpAnswerer(deps);
}

class DhcpAnswerer implements DhcpService {
  readonly #deps: DhcpServiceDeps;
  readonly #plan: NetworkPlan;
  readonly #rules: DhcpRules;
  readonly #reservations: ReservationIndex;
  readonly #leases: LeaseTable;
  readonly #journal: LeaseJournal;
  readonly #prober: AddressProber;
  readonly #observer: DecisionObserver;
  readonly #clock: LeaseClock;
  readonly #clientRate: RateLimiter;
  readonly #circuitRate: RateLimiter;
  readonly #addresses = new Map<string, Ipv4>();
  readonly #ownProbes = new Set<number>();
  #unsubscribe: (() => void) | undefined;

  constructor(deps: DhcpServiceDeps) {
    const { dhcp, network, http } = deps.config;
    this.#deps = deps;
    this.#plan = buildNetworkPlan(network, dhcp);
    this.#rules = buildDhcpRules(dhcp, { httpPort: http.port });
    this.#reservations = new ReservationIndex(dhcp.reservations);
    const isReserved = (address: Ipv4): boolean => this.#reservations.isReserved(address);
    this.#leases = new LeaseTable({ plan: this.#plan, offerHoldSeconds: dhcp.offerHoldSeconds, isReserved });
    this.#journal = new LeaseJournal({ table: this.#leases, store: deps.leases, log: deps.log });
    this.#prober = new AddressProber({ probe: this.#rules.probe ? deps.probe : undefined, log: deps.log });
    this.#observer = new DecisionObserver({
      plan: this.#plan,
      rules: this.#rules,
      sightings: deps.machines,
      events: deps.events,
    });
    this.#clock = new LeaseClock(deps.clock);
    const perSecond = dhcp.clientRate;
    this.#clientRate = new RateLimiter({ perSecond, burst: perSecond * 2, maxKeys: MAX_BUCKETS });
    const perCircuit = perSecond * CIRCUIT_FACTOR;
    this.#circuitRate = new RateLimiter({ perSecond: perCircuit, burst: perCircuit, maxKeys: MAX_BUCKETS });
  }

  async start(): Promise<void> {
    if (this.#unsubscribe) return;
    for (const record of await this.#deps.leases.all()) {
      const lease = fromRecord(record);
      if (lease) this.#leases.apply({ kind: "write", lease });
    }
    for (const machine of this.#deps.machines.list()) this.#reserve(machine.name, machine);
    this.#unsubscribe = this.#deps.machines.subscribe((change) =>
      this.#reserve(change.machine.name, change.kind === "removed" ? undefined : change.machine),
    );
  }

  async stop(): Promise<void> {
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
    await this.#journal.drain();
  }

  answer(datagram: DhcpDatagram): Promise<DhcpOutcome> {
    const packet = decodeDhcp(datagram.bytes);
    if (packet instanceof DecodeError) return Promise.resolve(this.#observer.dropped("malformed"));
    const time = this.#time();
    const question = this.#question(datagram, packet, time);
    const unheard = this.#unheard(question);
    if (unheard) return Promise.resolve(this.#observer.dropped(unheard));
    const decision = this.#decide(question);
    if (decision.kind === "ignore") return this.#stayingSilent(question, decision);
    const probing = decision.fresh && this.#prober.available;
    return probing ? this.#probeFirst(question, decision) : this.#sending(question, decision);
  }

  decisionsFor(mac: string): readonly DecisionTrace[] {
    return this.#observer.decisionsFor(mac);
  }

  leases(): readonly LeaseRecord[] {
    return Array.from(this.#leases.all(), toRecord);
  }

  counters(): Readonly<Record<string, number>> {
    return this.#observer.counters();
  }

  foreignServers(): readonly SeenServer[] {
    return this.#observer.watch.foreignServers();
  }

  expectProbe(xid: number): void {
    this.#ownProbes.add(xid);
    const oldest = this.#ownProbes.values().next();
    if (this.#ownProbes.size > MAX_OWN_PROBES && oldest.done !== true) this.#ownProbes.delete(oldest.value);
  }

  #reserve(name: string, machine: Machine | undefined): void {
    for (const address of this.#reservations.setMachine(name, machine)) this.#leases.unreserved(address);
  }

  #question(datagram: DhcpDatagram, packet: DhcpPacket, time: LeaseTime): Question {
    const arrival = {
      listener: datagram.listener,
      interfaceAddress: this.#address(datagram.interfaceAddress),
      source: { address: this.#address(datagram.source.address), port: datagram.source.port },
    };
    const request = readRequest(packet, arrival, this.#rules);
    const machine = request.mac === undefined ? undefined : this.#deps.machines.byMac(request.mac);
    const label = clientLabel(request);
    const receivedAt = datagram.receivedAt ?? time.monotonic;
    return { request, machine, label, source: datagram.source.address, time, receivedAt };
  }

  /** Packets that are no client's question, or one too many of it. */
  #unheard(question: Question): IgnoreReason | undefined {
    const { request, label, time } = question;
    const { packet } = request;
    if (packet.op === BOOTREPLY) {
      const server = packet.options.ipv4(OPTION.serverId);
      const own = server !== undefined && isForUs(request, this.#plan, server);
      if (!own && request.type !== undefined) this.#observer.foreignServer(question, server);
      return "not-a-request";
    }
    if (this.#ownProbes.has(packet.xid)) return "own-probe";
    if (!this.#clientRate.admit(label, time.monotonic)) return "rate-limited";
    const circuit = request.relay?.circuitId;
    if (circuit === undefined) return undefined;
    const admitted = this.#circuitRate.admit(`${packet.giaddr}/${circuit}`, time.monotonic);
    return admitted ? undefined : "rate-limited";
  }

  #decide({ request, machine, time, label }: Question): Decision {
    const offerPending = request.type === MESSAGE_TYPE.discover && this.#prober.isRunningFor(label);
    if (offerPending) return ignore("probe-running");
    return decideReply({
      request,
      machine,
      plan: this.#plan,
      rules: this.#rules,
      leases: this.#leases,
      reservations: this.#reservations,
      now: time.now,
    });
  }

  /** Silence may still change leases: the change is on record before anybody can be told otherwise. */
  async #stayingSilent(question: Question, decision: IgnoreDecision): Promise<DhcpOutcome> {
    if (decision.changes.length > 0) await this.#journal.write(decision.changes);
    return this.#observer.silent(question, decision);
  }

  /** The reply of a decision: at once when it promises nothing new, otherwise after the commit. */
  #sending(question: Question, decision: ReplyDecision): Promise<DhcpOutcome> {
    const outcome = this.#encode(decision, this.#observer.replying(question, decision));
    const promises = decision.changes.some((change) => change.kind === "write");
    const committed = this.#journal.write(decision.changes);
    return promises
      ? this.#afterCommit(question, outcome, committed)
      : Promise.resolve(this.#observer.sent(outcome));
  }

  async #afterCommit(
    question: Question,
    outcome: DhcpOutcome & { kind: "send" },
    committed: Promise<"durable" | "failed">,
  ): Promise<DhcpOutcome> {
    if ((await committed) === "failed") return this.#observer.withdrawn(outcome, "store-failed");
    const age = this.#deps.clock.monotonic() - question.receivedAt;
    return age > STALE_MS ? this.#observer.withdrawn(outcome, "too-late") : this.#observer.sent(outcome);
  }

  /** Pings the address, and further ones while they answer; each that does goes into quarantine. */
  async #probeFirst(question: Question, first: ReplyDecision): Promise<DhcpOutcome> {
    let decision: Decision = first;
    for (let tries = 0; tries < MAX_PROBES && decision.kind === "reply" && decision.fresh; tries++) {
      const address = decision.packet.yiaddr;
      for (const change of decision.changes) if (change.kind === "hold") this.#leases.apply(change);
      if (!(await this.#prober.isInUse(question.label, address))) return this.#sending(question, decision);
      const time = this.#time();
      await this.#quarantine(question, address, time);
      decision = this.#decide({ ...question, time });
    }
    if (decision.kind === "ignore") return this.#stayingSilent(question, decision);
    return decision.fresh
      ? this.#stayingSilent(question, ignore("address-conflict"))
      : this.#sending(question, decision);
  }

  async #quarantine(question: Question, address: Ipv4, time: LeaseTime): Promise<void> {
    this.#observer.watch.addressInUse(formatIpv4(address), question.label, time.monotonic);
    const expiresAt = time.now + this.#rules.declineSeconds * 1000;
    const lease = leaseInUse(address, { startsAt: time.now, expiresAt });
    const hold = this.#leases.holdAt(address);
    const drop = hold ? [{ kind: "drop-hold", client: hold.client } as const] : [];
    await this.#journal.write([...drop, { kind: "write", lease }]);
  }

  #encode(decision: ReplyDecision, trace: DecisionTrace): DhcpOutcome & { kind: "send" } {
    const { bytes, dropped } = encodeDhcp(decision.packet, decision.limits);
    if (dropped.length > 0) this.#deps.log.debug({ client: trace.client, dropped }, "options did not fit");
    const to = { address: formatIpv4(decision.to.address), port: decision.to.port };
    return { kind: "send", bytes, to, decision: trace };
  }

  #time(): LeaseTime {
    const time = this.#clock.read();
    this.#leases.advance(time);
    if (time.jump !== 0) {
      this.#observer.watch.clockJumped(time.jump, time.monotonic);
      void this.#journal.rewrite(this.#leases.shift(time.jump));
    }
    return time;
  }

  #address(text: string): Ipv4 {
    const known = this.#addresses.get(text);
    if (known !== undefined) return known;
    const address = parseIpv4(text) ?? ANY;
    if (this.#addresses.size < MAX_BUCKETS) this.#addresses.set(text, address);
    return address;
  }
}
