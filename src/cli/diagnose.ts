/** `muster diagnose` */
import type { Command } from "commander";
import { apiPath } from "../adapters/client/api-client.ts";
import type { DiagnosisView } from "../adapters/client/resources.ts";
import { example } from "./example.ts";
import { localTime } from "./format.ts";
import type { Session } from "./session.ts";
import type { Paint, Style } from "./style.ts";
import { printable } from "./table.ts";

export function defineDiagnose(program: Command, session: Session): void {
  program
    .command("diagnose")
    .description("Explain why a machine did, or did not, get an answer, and what to do.")
    .argument("<name>", "name of a machine")
    .addHelpText("after", example("muster diagnose kube0"))
    .action(async (name: string) => {
      const client = await session.client();
      const diagnosis = await client.get<DiagnosisView>(apiPath(["machines", name, "diagnose"]));
      if (await session.printWhole(diagnosis)) return;
      for (const line of linesOf(diagnosis, session.style)) session.data(line);
    });
}

function linesOf(diagnosis: DiagnosisView, style: Style): readonly string[] {
  const { nextBoot } = diagnosis;
  return [
    style.bold(printable(diagnosis.summary)),
    ...diagnosis.findings.flatMap(({ level, message, advice }) => [
      `  ${paintOf(level, style)(level.padEnd(8))} ${printable(message)}`,
      ...(advice === undefined ? [] : [`           ${printable(advice)}`]),
    ]),
    ...(nextBoot ? [`Next network boot: ${nextBoot.kind} (${printable(nextBoot.reason)})`] : []),
    ...(diagnosis.packets.length > 0 ? ["What happened last:"] : []),
    ...diagnosis.packets.map(
      ({ at, source, what }) => `  ${localTime(Date.parse(at))}  ${printable(source)}  ${printable(what)}`,
    ),
  ];
}

function paintOf(level: DiagnosisView["findings"][number]["level"], style: Style): Paint {
  if (level === "problem") return style.bad;
  if (level === "warning") return style.busy;
  return level === "ok" ? style.good : style.dim;
}
