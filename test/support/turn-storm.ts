/** A rack in trouble: machines that do their next thing, lose power, fail, are installed anew or given up, with the real services. */
import assert from "node:assert/strict";
import { hasJoined, isBanished } from "../../src/domain/cluster/cluster-record.ts";
import { MusterError } from "../../src/domain/errors.ts";
import { InitHandover } from "../../src/services/cluster/init-handover.ts";
import { lastControlPlaneGuard, quorumGuard } from "../../src/services/cluster/member-guard.ts";
import { MemberRemoval } from "../../src/services/cluster/member-removal.ts";
import { NodeIdentities } from "../../src/services/node-identities.ts";
import { Reimage } from "../../src/services/reimage.ts";
import { LIMITS } from "./machines.ts";
import { JOIN_TURN_MS, startTurns, type TurnServices } from "./turn-services.ts";

export const MACHINES = ["kube0", "kube1", "kube2", "work0", "work1"] as const;
export type Name = (typeof MACHINES)[number];

export type Happening =
  | { readonly kind: "script" | "kill" | "boot" | "fail"; readonly machine: Name }
  /** A person wants the machine installed anew; what a guard refuses is not done. */
  | { readonly kind: "reimage"; readonly machine: Name; readonly force: boolean }
  /** The power cycle that follows a reimage: the machine's next boot installs it. */
  | { readonly kind: "reinstall"; readonly machine: Name }
  /** The holder of the init turn is switched off for good, and a person gives its turn to another machine. */
  | { readonly kind: "give-init"; readonly to: Name }
  | { readonly kind: "restart" }
  | { readonly kind: "cut-off"; readonly reachable: boolean }
  | { readonly kind: "time"; readonly ms: number };

/** The services that the appliance makes anew at every start. */
type Present = Awaited<ReturnType<TurnServices["build"]>> & ReturnType<typeof around>;

export class Storm {
  readonly services: TurnServices;
  /** How often each kind of thing was done, refused ones not counted. */
  readonly done = new Map<string, number>();
  #present: Present;

  private constructor(services: TurnServices) {
    this.services = services;
    this.#present = { ...services, ...around(services, services) };
  }

  static async begin(): Promise<Storm> {
    const storm = new Storm(await startTurns());
    await storm.#present.identities.start();
    return storm;
  }

  get record() {
    return this.#present.states.get("lab");
  }

  async happen(event: Happening): Promise<void> {
    const { rack, core } = this.services;
    switch (event.kind) {
      case "script":
        core.clock.advance(2_000);
        return this.script(event.machine);
      case "kill":
        rack.kill(event.machine);
        return;
      case "boot":
        return this.boot(event.machine);
      case "fail":
        return this.#fail(event.machine);
      case "reimage":
        return this.#asPerson("reimage", () => this.#reimage(event.machine, event.force));
      case "reinstall":
        if (!this.#awaitsInstaller(event.machine)) return;
        rack.kill(event.machine);
        return this.boot(event.machine);
      case "give-init":
        return this.#asPerson("give-init", () => this.#giveInit(event.to));
      case "restart":
        return this.#restart();
      case "cut-off":
        rack.reachable = event.reachable;
        return;
      case "time":
        core.clock.advance(event.ms);
    }
  }

  /** The script of one machine does its next thing; the appliance hears it only under the identity of its installation. */
  async script(machine: Name): Promise<void> {
    const { rack, core } = this.services;
    const { on, disk, kubeadm } = rack.machine(machine);
    const node = this.#nodeOf(machine);
    if (!on || disk.joined) return;
    if (!kubeadm) {
      if (!(await this.#isHeard(machine))) return;
      const reply = await this.#present.turns.ask(node, rack.statusOf(machine));
      if (rack.obey(machine, reply) === "reset") {
        await this.#present.reports.report(node, { step: "reset", state: "done" });
      }
      return;
    }
    const result = rack.work(machine);
    if (result === "working" || !(await this.#isHeard(machine))) return;
    const state = result === "failed" ? "failed" : "done";
    const outcome = await this.#present.reports.report(node, { step: "kubeadm", state });
    if (state === "failed" || outcome.kind !== "acknowledged") return;
    disk.joined = true;
    await core.registry.apply(machine, { type: "node-ready" }, "observer");
  }

  /** A machine that is switched on boots from the network first, and is installed when it is to be. */
  async boot(machine: Name): Promise<void> {
    const { rack, core } = this.services;
    if (rack.machine(machine).on) return;
    if (!this.#awaitsInstaller(machine)) {
      rack.boot(machine);
      return;
    }
    await core.registry.apply(machine, { type: "installer-booted" }, "http");
    await core.registry.apply(machine, { type: "install-finished", disks: [] }, "installer");
    const generation = core.registry.byName(machine)?.generation ?? 0;
    const serial = `${machine}-${generation}`;
    await core.store.identities.put({
      machine,
      generation,
      secretHashes: [],
      keyHash: `key-${serial}`,
      serial,
    });
    rack.reinstall(machine, generation);
    await core.registry.apply(machine, { type: "node-reported", generation }, "node");
    this.#count("reinstall");
  }

  /** What must hold at every moment. */
  check(): void {
    const { rack, core } = this.services;
    const { record } = this;
    const machines = [...rack.machines.values()];
    const able = machines.filter(
      ({ member, generation, kubelet }) =>
        kubelet || !isBanished(record, { machine: member.name, generation }),
    );
    const alive = rack.formed.filter((formed) => able.some(({ disk }) => disk.etcd === formed));
    assert.ok(alive.length <= 1, `two clusters: ${alive.map(({ id }) => id).join(", ")}`);
    const turns = record.joins.filter(({ role }) => role === "control-plane");
    assert.ok(turns.length <= 1, "two control planes have the turn");
    const rightful = machines.filter(
      ({ kubeadm, member }) =>
        kubeadm?.what === "join" &&
        member.roles.includes("control-plane") &&
        turns.some(({ machine }) => machine === member.name),
    );
    assert.ok(rightful.length <= 1, "two control planes join");
    assert.equal(record.frozen, undefined);
    for (const { disk, member, generation } of machines) {
      const holder = { machine: member.name, generation };
      const leaving = core.registry.byName(member.name)?.generation !== generation;
      if (disk.joined && !leaving) assert.ok(hasJoined(record, holder), `${member.name} believes it is in`);
    }
  }

  /**
   * The storm is over: everything is reachable and on, what was to be installed is, what was given up is reimaged, and scripts
   * run until nothing is left to do.
   */
  async settle(): Promise<void> {
    const { rack, core } = this.services;
    rack.reachable = true;
    for (let round = 0; round < 120 && this.outside.length > 0; round++) {
      for (const machine of MACHINES) {
        if (isBanished(this.record, this.#nodeOf(machine)))
          await this.happen({ kind: "reimage", machine, force: true });
        await this.happen({ kind: "reinstall", machine });
        await this.boot(machine);
        core.clock.advance(2_000);
        await this.script(machine);
        this.check();
      }
      if (round % 20 === 19) core.clock.advance(JOIN_TURN_MS);
    }
  }

  /** Machines that are no members in their present generation. */
  get outside(): readonly string[] {
    const leaving = MACHINES.filter((machine) => this.#awaitsInstaller(machine));
    return [...new Set([...this.services.rack.outside, ...leaving])];
  }

  #nodeOf(machine: Name) {
    return { machine, generation: this.services.rack.machine(machine).generation };
  }

  #awaitsInstaller(machine: Name): boolean {
    const known = this.services.core.registry.byName(machine);
    return known !== undefined && known.generation > this.services.rack.machine(machine).generation;
  }

  async #isHeard(machine: Name): Promise<boolean> {
    const node = this.#nodeOf(machine);
    const serial = node.generation === 1 ? machine : `${machine}-${node.generation}`;
    const presented = { ...node, serial, keyHash: `key-${serial}`, expiresAt: Number.MAX_SAFE_INTEGER };
    return (await this.#present.identities.identify(presented)).kind === "node";
  }

  async #fail(machine: Name): Promise<void> {
    const faulty = this.services.rack.machine(machine);
    if (!faulty.kubeadm) return;
    faulty.kubeadm = undefined;
    if (!(await this.#isHeard(machine))) return;
    await this.#present.reports.report(this.#nodeOf(machine), { step: "kubeadm", state: "failed" });
  }

  async #reimage(machine: Name, force: boolean): Promise<void> {
    const { reimage, removal } = this.#present;
    const before = this.services.core.registry.byName(machine)?.generation ?? 0;
    await reimage.reimage(machine, { force }, "cli");
    await removal.settled(machine);
    const after = this.services.core.registry.byName(machine)?.generation ?? 0;
    if (after === before) throw new MusterError("refused", "the cluster objects");
  }

  async #giveInit(to: Name): Promise<void> {
    const { init } = this.record;
    if (init.phase !== "initialising" || init.machine === to)
      throw new MusterError("refused", "nobody is gone");
    this.services.rack.kill(init.machine);
    await this.#present.handover.give("lab", { to, confirmGone: init.machine }, "cli");
  }

  /** A refusal is an answer, and changes nothing. */
  async #asPerson(what: string, act: () => Promise<void>): Promise<void> {
    try {
      await act();
      this.#count(what);
    } catch (error) {
      if (!(error instanceof MusterError)) throw error;
    }
  }

  async #restart(): Promise<void> {
    const { identities, removal } = this.#present;
    await identities.stop();
    await removal.stop();
    const turns = await this.services.build();
    this.#present = { ...turns, ...around(this.services, turns) };
    await this.#present.identities.start();
    await this.#present.removal.start();
  }

  #count(what: string): void {
    this.done.set(what, (this.done.get(what) ?? 0) + 1);
  }
}

/** What changes clusters at a person's word, wired like the appliance does it. */
function around(
  { core, clusters, rack }: TurnServices,
  { states, look }: Pick<TurnServices, "states" | "look">,
) {
  const { registry: machines, events, clock, store, log } = core;
  const shared = { clusters, states, machines, look, events, clock };
  const removal = new MemberRemoval({ ...shared, access: rack, timers: clock, log, drainMs: 60_000 });
  const guards = [quorumGuard(shared), lastControlPlaneGuard(shared)];
  return {
    removal,
    reimage: new Reimage({ registry: machines, guards, removal, clock, limits: LIMITS }),
    handover: new InitHandover({ ...shared, identities: store.identities }),
    identities: new NodeIdentities({ store: store.identities, machines, events, clock, log }),
  };
}
