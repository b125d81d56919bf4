/** What the pages show, computed once here so that the templates only lay it out. */
import type { Machine } from "../../domain/machine.ts";
import type { StoredEvent } from "../../services/ports.ts";
import { progressOf } from "./machine-view.ts";
import {
  type FailureWords,
  failureWords,
  stageWords,
  stateWords,
  type Tone,
  toneOf,
} from "./machine-words.ts";

/** One tile of the first page. */
export interface Tile {
  readonly name: string;
  readonly mac: string;
  readonly address: string;
  readonly os: string;
  readonly generation: number;
  readonly state: string;
  readonly words: string;
  readonly tone: Tone;
  readonly stage: string;
  /** Percent; undefined when there is nothing to progress. */
  readonly progress: number | undefined;
  readonly held: string | undefined;
  readonly failure: FailureWords | undefined;
  readonly last: { readonly at: number; readonly message: string } | undefined;
}

/** The tile of a machine. */
export function tileOf(machine: Machine, last: StoredEvent | undefined): Tile {
  const { spec } = machine;
  return {
    name: machine.name,
    mac: spec.mac,
    address: spec.address ?? machine.seen?.address ?? "",
    os: `${spec.os.name} ${spec.os.version}`,
    generation: machine.generation,
    state: machine.state,
    words: stateWords(machine.state),
    tone: toneOf(machine),
    stage: machine.state === "installing" ? stageWords(machine.stage) : "",
    progress: machine.state === "installing" ? progressOf(machine) : undefined,
    held: machine.held,
    failure: machine.state === "failed" ? failureWords(machine) : undefined,
    last: last && { at: last.at, message: last.message },
  };
}

/** A button on a machine's page. */
export interface ActionButton {
  readonly verb: "approve" | "retry" | "reimage" | "retire" | "confirm" | "boot";
  readonly label: string;
  /** Asks for the machine's name first: it destroys something, or ends it. */
  readonly dangerous: boolean;
  readonly explanation: string;
  /** Fields that go with the request. */
  readonly fields: Readonly<Record<string, string>>;
}

/** The buttons that make sense for a machine as it is. */
export function actionsFor(machine: Machine): readonly ActionButton[] {
  const { state, held, failure, installFinished } = machine;
  const button = (
    verb: ActionButton["verb"],
    label: string,
    explanation: string,
    fields: ActionButton["fields"] = {},
  ): ActionButton => ({
    verb,
    label,
    explanation,
    fields,
    dangerous: verb === "reimage" || verb === "retire",
  });
  const buttons: ActionButton[] = [];
  if (held !== undefined)
    buttons.push(button("confirm", "Confirm", "What the registry says about this machine is true."));
  if (state === "discovered")
    buttons.push(button("approve", "Approve", "It will be installed at its next network boot."));
  if (failure?.from === "installing" && !installFinished) {
    buttons.push(button("retry", "Retry", "Install once more at its next network boot."));
  }
  if (state === "installed" || state === "ready" || (state === "failed" && installFinished)) {
    buttons.push(
      button(
        "reimage",
        "Reimage",
        "Installs it again at its next network boot. Everything on its system disk is lost.",
      ),
    );
  }
  if (machine.bootOverride !== undefined) {
    buttons.push(
      button("boot", "Boot as usual", `Takes back: boot ${machine.bootOverride} once.`, { target: "" }),
    );
  } else if (state === "registered" || state === "installing") {
    buttons.push(
      button("boot", "Boot its disk once", "The next network boot gets its own disk.", { target: "local" }),
    );
  }
  if (state !== "retired") buttons.push(button("retire", "Retire", "It is never installed or served again."));
  return buttons;
}
