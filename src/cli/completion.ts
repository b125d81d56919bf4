/** `muster completion`, and the hidden command that its scripts call. */
import { Argument, type Command, type Option } from "commander";
import { kindOfArgument, kindOfOption, namesOf } from "./completion-names.ts";
import { example } from "./example.ts";
import { KINDS } from "./get.ts";
import type { Session } from "./session.ts";

const SHELLS = ["bash", "zsh", "fish"] as const;
type Shell = (typeof SHELLS)[number];

/** Each script hands the words so far to `muster complete`, which answers one candidate a line. */
const SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: `_muster() {
  local IFS=$'\\n'
  COMPREPLY=($(compgen -W "$(muster complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _muster muster`,
  zsh: `#compdef muster
_muster() {
  local -a candidates
  candidates=("\${(@f)$(muster complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  compadd -a candidates || _files
}
if [ "$funcstack[1]" = "_muster" ]; then _muster; else compdef _muster muster; fi`,
  fish: `function __muster_complete
    set -l words (commandline -opc) (commandline -ct)
    muster complete -- $words[2..-1] 2>/dev/null
end
complete -c muster -f -a '(__muster_complete)'`,
};

export function defineCompletion(program: Command, session: Session): void {
  program
    .command("completion")
    .description("Print the completion script of a shell.")
    .addArgument(new Argument("<shell>").choices(SHELLS))
    .addHelpText(
      "after",
      example(
        "muster completion bash > /etc/bash_completion.d/muster",
        "muster completion zsh > ~/.zfunc/_muster",
        "muster completion fish > ~/.config/fish/completions/muster.fish",
      ),
    )
    .action((shell: Shell) => session.data(SCRIPTS[shell]));
  program
    .command("complete", { hidden: true })
    .argument("[words...]")
    .addHelpText("after", example("muster complete -- get m"))
    .action(async (words: string[]) => {
      for (const candidate of await candidatesFor(program, session, words)) session.data(candidate);
    });
}

/** What may stand in the place of the last word. */
async function candidatesFor(
  program: Command,
  session: Session,
  words: readonly string[],
): Promise<readonly string[]> {
  const last = words.at(-1) ?? "";
  const { command, given } = commandOf(program, words.slice(0, -1));
  const option = optionAwaitingValue(program, command, words.at(-2));
  const all = option
    ? await valuesFor(option, session)
    : last.startsWith("-")
      ? [...command.options, ...program.options].flatMap(({ long }) => long ?? [])
      : await wordsFor(command, given, session);
  return [...new Set(all)].filter((candidate) => candidate.startsWith(last));
}

/** The command that the words lead to, and what was given to it. */
function commandOf(
  program: Command,
  words: readonly string[],
): { readonly command: Command; readonly given: readonly string[] } {
  let command = program;
  const given: string[] = [];
  for (const [index, word] of words.entries()) {
    if (word.startsWith("-") || optionAwaitingValue(program, command, words[index - 1])) continue;
    const child = command.commands.find((each) => each.name() === word);
    if (child) command = child;
    else given.push(word);
  }
  return { command, given };
}

function optionAwaitingValue(
  program: Command,
  command: Command,
  word: string | undefined,
): Option | undefined {
  if (word?.startsWith("-") !== true) return undefined;
  const option = [...command.options, ...program.options].find(
    (each) => each.long === word || each.short === word,
  );
  return option?.required === true ? option : undefined;
}

async function valuesFor({ argChoices, long }: Option, session: Session): Promise<readonly string[]> {
  const kind = kindOfOption(long);
  return argChoices ?? (kind ? namesOf(kind, session) : []);
}

async function wordsFor(
  command: Command,
  given: readonly string[],
  session: Session,
): Promise<readonly string[]> {
  if (command.commands.length > 0) {
    return command.commands.map((child) => child.name()).filter((name) => name !== "complete");
  }
  const argument = command.registeredArguments[given.length] ?? command.registeredArguments.at(-1);
  if (argument === undefined) return [];
  if (argument.argChoices) return argument.argChoices;
  if (argument.name() === "kind") return KINDS;
  const kind = kindOfArgument(command, argument.name(), given);
  const names = kind ? await namesOf(kind, session) : [];
  return argument.name() === "what" ? ["cluster", "profile", "machine", ...names] : names;
}
