/** `muster cluster pki` */
import { Argument, type Command } from "commander";
import { apiPath } from "../adapters/client/api-client.ts";
import type { ClusterPkiView } from "../adapters/client/resources.ts";
import { confirmed } from "./ask.ts";
import { example } from "./example.ts";
import { UsageError } from "./exit.ts";
import { localTime } from "./format.ts";
import type { Session } from "./session.ts";
import type { Column } from "./table.ts";

const STEPS = ["trust", "sign", "finish", "abort"] as const;
type Step = (typeof STEPS)[number];

/** What a person agrees to. */
const CONSEQUENCES: Readonly<Record<Step, string>> = {
  trust:
    "new authorities are made and trusted beside the present ones by every machine that is installed from now on",
  sign: "the new authorities sign from now on; machines that do not trust them yet will refuse what they sign",
  finish: "the old authorities are gone: kubeconfigs and machines that rest on them are shut out",
  abort: "the new authorities are dropped; the present ones go on",
};

export function defineClusterPki(group: Command, session: Session): void {
  group
    .command("pki")
    .description(
      "Show a cluster's certificate authorities, or replace them step by step: rotate trust, then sign, then finish.",
    )
    .argument("<name>", "name of the cluster")
    .addArgument(new Argument("[action]", "what to do").choices(["show", "rotate"]).default("show"))
    .addArgument(new Argument("[step]", "step of the rotation").choices(STEPS))
    .option("-y, --yes", "do not ask")
    .addHelpText("after", example("muster cluster pki lab", "muster cluster pki lab rotate trust"))
    .action(
      async (name: string, action: string, step: Step | undefined, { yes }: { readonly yes?: boolean }) => {
        if (action === "show") return show(session, await read(session, name));
        if (step === undefined) throw new UsageError(`rotate takes a step: ${STEPS.join(", ")}`);
        await confirmed(session, { question: `${CONSEQUENCES[step]}. Go on?`, yes });
        const client = await session.client();
        const path = apiPath(["clusters", name, "pki", "rotate"]);
        return show(session, await client.send<ClusterPkiView>("POST", path, { step }));
      },
    );
}

async function read(session: Session, name: string): Promise<ClusterPkiView> {
  return (await session.client()).get<ClusterPkiView>(apiPath(["clusters", name, "pki"]));
}

async function show(session: Session, pki: ClusterPkiView): Promise<void> {
  await session.print(pki.authorities, COLUMNS, pki);
  session.say(`${pki.phase}: ${pki.advice}`);
}

const COLUMNS: readonly Column<ClusterPkiView["authorities"][number]>[] = [
  { title: "AUTHORITY", of: ({ name }) => name },
  { title: "SIGNS", of: ({ signs }) => (signs ? "yes" : "no") },
  { title: "VALID UNTIL", of: ({ notAfter }) => localTime(notAfter) },
  { title: "PIN", of: ({ pin }) => pin },
];
