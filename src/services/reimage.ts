/**
 * The one way from an installed machine back to the installer. Guards are asked first; what a cluster has to say
 * (quorum, drain) is one more guard. Tickets and identities of the ended generation follow the registry's change.
 */
import { MusterError, NotFoundError, TransitionError } from "../domain/errors.ts";
import { transition } from "../domain/lifecycle.ts";
import type { LifecycleEvent, LifecycleLimits } from "../domain/lifecycle-events.ts";
import type { Machine } from "../domain/machine.ts";
import type { Clock } from "./ports.ts";
import type { Registry, Source } from "./registry.ts";

/** One reason not to reimage a machine now; undefined when there is none. */
export interface ReimageGuard {
  readonly name: string;
  /** Whether a person may go on all the same. */
  readonly overridable: boolean;
  check(machine: Machine): Promise<string | undefined>;
}

export interface ReimageRequest {
  /** Go on although an overridable guard objects, or the machine's first boot is still awaited. */
  readonly force?: boolean | undefined;
}

/** Takes a machine out of what it is a member of before it is installed anew. */
export interface ReimageRemoval {
  /** The machine as it is now when there is something to remove, which goes on by itself; undefined when there is not. */
  begin(machine: Machine, request: ReimageRequest, source: Source): Promise<Machine | undefined>;
}

export interface ReimageOptions {
  readonly registry: Pick<Registry, "byName" | "apply">;
  readonly guards: readonly ReimageGuard[];
  /** Absent where there are no clusters. */
  readonly removal?: ReimageRemoval;
  readonly clock: Clock;
  readonly limits: LifecycleLimits;
}

export class Reimage {
  readonly #options: ReimageOptions;

  constructor(options: ReimageOptions) {
    this.#options = options;
  }

  /**
   * Makes the machine `registered` again, in its next generation: its next network boot installs it. A member of a cluster
   * is drained and removed first, and is answered as `draining`.
   * @throws NotFoundError, TransitionError when its state does not allow it, MusterError `refused` with a guard's reason.
   */
  async reimage(name: string, request: ReimageRequest, source: Source): Promise<Machine> {
    const machine = this.#options.registry.byName(name);
    if (!machine) throw new NotFoundError(`there is no machine named ${name}`);
    const event: LifecycleEvent = request.force
      ? { type: "reimage-requested", confirmed: true }
      : { type: "reimage-requested" };
    if (this.#allowed(machine, event)) {
      await this.#askGuards(machine, request);
      const leaving = await this.#options.removal?.begin(machine, request, source);
      if (leaving) return leaving;
    }
    // Asked again in its turn: the machine may have moved while the guards were thinking.
    const outcome = await this.#options.registry.apply(name, event, source);
    if (!outcome.ok) throw new TransitionError(`machine ${name}: ${outcome.reason}`);
    return outcome.machine;
  }

  #allowed(machine: Machine, event: LifecycleEvent): boolean {
    const { clock, limits } = this.#options;
    return transition(machine, event, { now: clock.now(), limits }).ok;
  }

  async #askGuards(machine: Machine, request: ReimageRequest): Promise<void> {
    for (const guard of this.#options.guards) {
      const objection = await guard.check(machine);
      if (objection === undefined || (guard.overridable && request.force)) continue;
      const advice = guard.overridable ? "; --force goes on all the same" : "";
      throw new MusterError("refused", `machine ${machine.name}: ${objection}${advice}`);
    }
  }
}
