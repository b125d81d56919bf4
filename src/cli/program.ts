/** The tree of commands. Each command is defined in its own file, which loads what it needs only when it runs. */
import { Command, Option } from "commander";
import { defineApply } from "./apply.ts";
import { defineApprove } from "./approve.ts";
import { defineAssets } from "./assets.ts";
import { defineBackup } from "./backup.ts";
import { defineBoot } from "./boot.ts";
import { defineCluster } from "./cluster.ts";
import { defineCompletion } from "./completion.ts";
import { defineConfig } from "./config.ts";
import { defineConfirm } from "./confirm.ts";
import { defineDelete } from "./delete.ts";
import { defineDescribe } from "./describe.ts";
import { defineDiagnose } from "./diagnose.ts";
import { defineDoctor } from "./doctor.ts";
import { defineEvents } from "./events.ts";
import { exitCodeOf, failureLines } from "./exit.ts";
import { defineGet } from "./get.ts";
import { type GlobalOptions, OUTPUT_FORMATS } from "./global-options.ts";
import { defineKubeconfig } from "./kubeconfig.ts";
import { defineLogs } from "./logs.ts";
import { definePlan } from "./plan.ts";
import { defineRegister } from "./register.ts";
import { defineReimage } from "./reimage.ts";
import { defineRender } from "./render.ts";
import { defineRestore } from "./restore.ts";
import { defineRetire } from "./retire.ts";
import { defineRetry } from "./retry.ts";
import { defineServe } from "./serve.ts";
import { Session } from "./session.ts";
import { defineStatus } from "./status.ts";
import type { Terminal } from "./terminal.ts";
import { defineToken } from "./token.ts";
import { defineVersion } from "./version.ts";
import { defineWatch } from "./watch.ts";

const COMMANDS = [
  defineServe,
  defineConfig,
  defineDoctor,
  defineApply,
  definePlan,
  defineDelete,
  defineRegister,
  defineGet,
  defineDescribe,
  defineApprove,
  defineRetry,
  defineReimage,
  defineBoot,
  defineConfirm,
  defineRetire,
  defineStatus,
  defineWatch,
  defineLogs,
  defineEvents,
  defineDiagnose,
  defineRender,
  defineCluster,
  defineKubeconfig,
  defineAssets,
  defineToken,
  defineBackup,
  defineRestore,
  defineCompletion,
  defineVersion,
];

/** The program with every command, writing to the terminal given. */
export function buildProgram(terminal: Terminal): Command {
  const program = new Command("muster")
    .description("Powers racked servers into an installed, reporting state over DHCP, TFTP and HTTP boot.")
    .option(
      "-c, --config <file>",
      "configuration file (else MUSTER_CONFIG, ./muster.yaml, /etc/muster/muster.yaml)",
    )
    .option("--url <address>", "appliance elsewhere, like https://10.0.0.2:8443 (else MUSTER_URL)")
    .option("--token-file <file>", "file with the API token (else MUSTER_TOKEN, MUSTER_TOKEN_FILE)")
    .option("--ca <file>", "PEM of the appliance's CA (else MUSTER_CA)")
    .addOption(
      new Option("-o, --output <format>", "how data is printed").choices(OUTPUT_FORMATS).default("table"),
    )
    .option("-q, --quiet", "no messages, only data and errors")
    .option("--no-color", "no colours (as NO_COLOR does)")
    .addHelpText("after", OVERVIEW);
  program.configureHelp({ showGlobalOptions: true, sortSubcommands: false });
  const session = new Session(terminal, () => program.opts<GlobalOptions>());
  for (const define of COMMANDS) define(program, session);
  prepare(program, terminal);
  return program;
}

/** Runs one command line and returns the exit code; every failure is told on stderr. */
export async function runProgram(words: readonly string[], terminal: Terminal): Promise<number> {
  try {
    await buildProgram(terminal).parseAsync([...words], { from: "user" });
    return 0;
  } catch (error) {
    for (const line of failureLines(error)) terminal.stderr.write(`${line}\n`);
    return exitCodeOf(error);
  }
}

function prepare(command: Command, terminal: Terminal): void {
  command.exitOverride().configureOutput({
    writeOut: (text) => terminal.stdout.write(text),
    writeErr: (text) => terminal.stderr.write(text),
    getOutHelpWidth: () => terminal.stdout.columns ?? 100,
    getErrHelpWidth: () => terminal.stderr.columns ?? 100,
    outputError: (text, write) => write(text.replace(/^error: /, "muster: ")),
  });
  for (const child of command.commands) prepare(child, terminal);
}

const OVERVIEW = `
Example:
  muster serve                                             run the appliance in the foreground
  muster register 52:54:00:12:34:01 --name kube0           install this machine when it is powered on
  muster apply -f cluster.yaml                             make these machines that cluster
  muster watch                                             see it happen
  muster reimage kube0                                     install it again

On the appliance's own host nothing needs to be set up; from elsewhere give --url, --token-file and --ca.
Exit codes: 0 done, 1 failed, 2 wrong usage, 78 wrong configuration, 130 interrupted.`;
