/** What is learnt from decisions: traces for diagnosis, sightings for the registry, counters and events for people. */
import { bootClientOf } from "../../domain/dhcp/boot-client.ts";
import type { Decision, IgnoreDecision, ReplyDecision } from "../../domain/dhcp/decision.ts";
import { IGNORE_REASONS, type IgnoreReason } from "../../domain/dhcp/ignore-reason.ts";
import type { NetworkPlan } from "../../domain/dhcp/network-plan.ts";
import type { DhcpRules } from "../../domain/dhcp/rules.ts";
import { ANY, formatIpv4, type Ipv4 } from "../../net/ipv4.ts";
import { formatSubnet } from "../../net/subnet.ts";
import { MESSAGE_TYPE, messageTypeName } from "../../protocol/dhcp/option-codes.ts";
import type { EventSink } from "../ports.ts";
import type { SightingSink } from "../registry.ts";
import { DecisionLog } from "./decision-log.ts";
import type { DecisionTrace, DhcpOutcome } from "./dhcp-service.ts";
import { NetworkWatch } from "./network-watch.ts";
import type { Question } from "./question.ts";
import { sightingOf, takesElsewhere, traceDecision } from "./trace-decision.ts";

type Sent = DhcpOutcome & { readonly kind: "send" };

export class DecisionObserver {
  readonly watch: NetworkWatch;
  readonly #plan: NetworkPlan;
  readonly #rules: DhcpRules;
  readonly #sightings: SightingSink;
  readonly #decisions = new DecisionLog();
  readonly #counters = new Map<string, number>();

  constructor(options: {
    readonly plan: NetworkPlan;
    readonly rules: DhcpRules;
    readonly sightings: SightingSink;
    readonly events: EventSink;
  }) {
    this.#plan = options.plan;
    this.#rules = options.rules;
    this.#sightings = options.sightings;
    const otherServersAlarm = options.rules.mode === "server";
    this.watch = new NetworkWatch({ events: options.events, otherServersAlarm });
  }

  decisionsFor(client: string): readonly DecisionTrace[] {
    return this.#decisions.of(client);
  }

  counters(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counters);
  }

  /** A packet that nobody needs to hear more about than its count. */
  dropped(reason: IgnoreReason): DhcpOutcome {
    this.#increment(`ignored:${reason}`);
    return { kind: "ignored", reason };
  }

  /** A decision to stay silent. */
  silent(question: Question, decision: IgnoreDecision): DhcpOutcome {
    const trace = this.#see(question, decision);
    this.#decisions.note(trace);
    if (decision.reason === "other-server") this.foreignServer(question, question.request.serverId);
    if (decision.reason === "pool-exhausted") this.#poolExhausted(question);
    this.#increment(`ignored:${decision.reason}`);
    return { kind: "ignored", reason: decision.reason, decision: trace };
  }

  /** A reply about to be sent; follow with {@link sent} or {@link withdrawn}. */
  replying(question: Question, decision: ReplyDecision): DecisionTrace {
    const { request, machine, time } = question;
    const scripted = decision.bootFile?.endsWith(".ipxe") === true;
    if (decision.bootFile !== undefined && !scripted && request.mac !== undefined) {
      this.watch.firmwareBoot(request.mac, machine?.name, time.monotonic);
    }
    return this.#see(question, decision);
  }

  sent(outcome: Sent): DhcpOutcome {
    this.#decisions.note(outcome.decision);
    this.#increment(`sent:${outcome.decision.reply ?? "?"}`);
    return outcome;
  }

  /** A reply that was decided and then could not be sent. */
  withdrawn(outcome: Sent, reason: "store-failed" | "too-late"): DhcpOutcome {
    const { reply, ...rest } = outcome.decision;
    const because = `${IGNORE_REASONS[reason]}; it would have been ${reply ?? "a reply"}`;
    const trace = { ...rest, reason, because };
    this.#decisions.note(trace);
    this.#increment(`ignored:${reason}`);
    return { kind: "ignored", reason, decision: trace };
  }

  /** Another DHCP server shows itself in a packet. */
  foreignServer({ request, label, source, time }: Question, server: Ipv4 | undefined): void {
    const found = {
      server: server === undefined ? source : formatIpv4(server),
      source,
      message: messageTypeName(request.type),
      client: label,
    };
    this.watch.foreignServer(found, time);
  }

  #see(question: Question, decision: Decision): DecisionTrace {
    const { request, machine, label, time } = question;
    if (this.#isTelling(question, decision)) {
      const sighting = sightingOf(request, decision, time.now);
      if (sighting) this.#sightings.noteSighting(sighting, machine);
    }
    return traceDecision({ at: time.now, label, request, decision, machine });
  }

  /** In proxy mode the office's laptops are nobody's business here; booting firmware and our machines are. */
  #isTelling({ request, machine }: Question, decision: Decision): boolean {
    if (decision.kind === "ignore" && decision.reason === "denied") return false;
    const asks = request.type === MESSAGE_TYPE.discover || request.arrival.listener === "boot-server";
    const gives = decision.kind === "reply" && decision.packet.yiaddr !== ANY;
    if (!asks && !gives && !takesElsewhere(request, decision)) return false;
    return machine !== undefined || this.#rules.mode === "server" || bootClientOf(request) !== undefined;
  }

  #poolExhausted({ request, time }: Question): void {
    const { giaddr } = request.packet;
    const network = this.#plan.subnetOfRelay(giaddr === ANY ? request.arrival.interfaceAddress : giaddr);
    if (network) this.watch.poolExhausted(formatSubnet(network.subnet), time.monotonic);
  }

  #increment(counter: string): void {
    this.#counters.set(counter, (this.#counters.get(counter) ?? 0) + 1);
  }
}
