/** docs/cli.md, written from the commands themselves. */
import { PassThrough } from "node:stream";
import type { Command } from "commander";
import { buildProgram } from "../../src/cli/program.ts";

/** The whole document. */
export function cliPage(): string {
  const program = buildProgram({
    stdin: new PassThrough(),
    stdout: new PassThrough(),
    stderr: new PassThrough(),
    environment: {},
    workingDirectory: "/",
    interrupted: new AbortController().signal,
  });
  return [INTRODUCTION, ...commandsBelow(program).flatMap(chapter), ""].join("\n");
}

function commandsBelow(command: Command): readonly Command[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .filter((child) => child.name() !== "help")
    .flatMap((child) => (child.commands.length > 0 ? commandsBelow(child) : [child]));
}

function chapter(command: Command): readonly string[] {
  const help = command.createHelp();
  const name = help.commandUsage(command).replace(/ \[options\]/g, "");
  const details = [
    ...command.registeredArguments.map((argument) => [
      `<${argument.name()}>`,
      help.argumentDescription(argument),
    ]),
    ...command.options.map((option) => [option.flags, help.optionDescription(option)]),
  ];
  return [
    "",
    `## ${name}`,
    "",
    command.description(),
    ...(details.length > 0 ? ["", "| | |", "|---|---|"] : []),
    ...details.map(([term = "", text = ""]) => `| \`${escaped(term)}\` | ${escaped(text)} |`),
    ...examplesOf(command),
  ];
}

function examplesOf(command: Command): readonly string[] {
  const lines: string[] = [];
  command.configureOutput({ writeOut: (text) => lines.push(text) });
  command.outputHelp();
  const after = lines.join("").split("\nExample:\n")[1] ?? "";
  return [
    "",
    "```",
    ...after
      .trimEnd()
      .split("\n")
      .map((line) => line.replace(/^ {2}/, "")),
    "```",
  ];
}

function escaped(text: string): string {
  return text.replaceAll("|", "\\|");
}

const INTRODUCTION = `# Command line

Generated from the commands by \`node test/support/write-docs.ts\`.

On the appliance's own host nothing has to be set up: commands talk through the unix socket \`muster.sock\` in the data directory of the
configuration that applies there (or of the packaged service), and whoever may open that file may use it. From elsewhere:

\`\`\`
export MUSTER_URL=https://10.0.0.2:8443      # or --url
export MUSTER_TOKEN_FILE=~/muster.token      # or --token-file, or the token itself in MUSTER_TOKEN
export MUSTER_CA=~/muster-ca.crt             # or --ca: the appliance's own CA, the only one then believed
muster get machines
\`\`\`

A token is never sent over plain HTTP, except to this host itself. Every command takes these options, before or after its own:

| | |
|---|---|
| \`-c, --config <file>\` | configuration file |
| \`--url\`, \`--token-file\`, \`--ca\` | an appliance elsewhere |
| \`-o, --output <format>\` | \`table\`, \`json\` or \`yaml\` |
| \`-q, --quiet\` | no messages, only data and errors |
| \`--no-color\` | no colours; so does \`NO_COLOR\` |

Data goes to stdout, messages and progress to stderr. Nobody is asked anything without a terminal; what would ask needs \`--yes\` then.
Exit codes: 0 done, 1 failed, 2 wrong usage, 78 wrong configuration, 130 interrupted.`;
