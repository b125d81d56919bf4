/** Which step of the node script a machine is at, as its processes say: no report comes in between. */
import { readFileSync } from "node:fs";
import path from "node:path";
import type { ClusterMachine } from "./machine.ts";

/** A step whose program runs. */
export interface RunningStep {
  readonly step: string;
  /** Of the step's program, as this host counts. */
  readonly pid: number;
}

const STEP = /\/usr\/local\/lib\/muster\/steps\/([a-z]+)\0/;
const NODE = /^\/bin\/sh\0\/usr\/local\/lib\/muster\/node\0/;
const PAYLOAD = /^\/bin\/sh\0\/usr\/local\/lib\/muster\/payload\0/;

/** Looks at the processes of one machine, as often as somebody asks. */
export class StepWatch {
  readonly #machine: ClusterMachine;
  /** The node script itself, as long as it runs. */
  #node: number | undefined;

  constructor(machine: ClusterMachine) {
    this.#machine = machine;
  }

  /** The step that runs now. */
  now(): RunningStep | undefined {
    if (this.#node !== undefined && NODE.test(commandOf(this.#node))) return stepBelow(this.#node);
    const pids = read(path.join(this.#machine.freezer, "cgroup.procs"))
      .split("\n")
      .filter(Boolean)
      .map(Number);
    const commands = pids.map((pid) => ({ pid, command: commandOf(pid) }));
    // Its subshells carry the same name; the script itself is the oldest.
    this.#node = commands.find(({ command }) => NODE.test(command))?.pid;
    if (this.#node !== undefined) return stepBelow(this.#node);
    const payload = commands.find(({ command }) => PAYLOAD.test(command));
    return payload && { step: "fetch", pid: payload.pid };
  }

  /** The last line that the running step wrote, without what only kubeadm's own readers need. */
  lastWords(): string {
    const log = this.#node === undefined ? "" : read(`/proc/${this.#node}/root/run/muster/log`);
    return log.trimEnd().split("\n").at(-1)?.trim() ?? "";
  }
}

/** Whether a process still runs its program: one that has ended and was not waited for does not. */
export function runs(pid: number): boolean {
  return commandOf(pid) !== "";
}

/** The script runs a step in a subshell beside the one that keeps its log. */
function stepBelow(node: number): RunningStep | undefined {
  for (const subshell of childrenOf(node)) {
    for (const pid of [subshell, ...childrenOf(subshell)]) {
      const step = STEP.exec(commandOf(pid))?.[1];
      if (step !== undefined) return { step, pid };
    }
  }
  return undefined;
}

function childrenOf(pid: number): readonly number[] {
  return read(`/proc/${pid}/task/${pid}/children`).split(" ").filter(Boolean).map(Number);
}

function commandOf(pid: number): string {
  return read(`/proc/${pid}/cmdline`);
}

/** Processes come and go: what is not there says nothing. */
function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
