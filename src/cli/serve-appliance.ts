/** Runs the appliance until a signal ends it, and tells the person at the terminal how to go on. */
import { notifySystemd } from "../adapters/host/service-manager.ts";
import { didYouMean } from "../config/faults.ts";
import type { Config } from "../config/schema.ts";
import { settingsOf } from "../config/settings.ts";
import type { Assignment } from "../config/source.ts";
import { valueOf } from "../config/value-of.ts";
import { type Appliance, type RunOptions, runAppliance } from "../main.ts";
import { isInterruption, UsageError } from "./exit.ts";
import { loadAppliedConfig } from "./load-config.ts";
import type { Session } from "./session.ts";
import { welcomeLines } from "./welcome.ts";

/** The options of `muster serve`. */
export interface ServeOptions {
  readonly mode?: string;
  readonly interface?: string;
  readonly address?: string;
  readonly dataDir?: string;
  readonly logLevel?: string;
  readonly set?: readonly string[];
  readonly force?: boolean;
}

const FLAGS = {
  mode: ["--mode", "dhcp.mode"],
  interface: ["--interface", "network.interface"],
  address: ["--address", "network.address"],
  dataDir: ["--data-dir", "dataDir"],
  logLevel: ["--log-level", "log.level"],
} as const;

/**
 * Loads the configuration, starts, waits for the first signal, stops. A second signal ends the process at once, a signal
 * during the start ends that.
 * @throws ConfigError, or what the start throws: a taken port as one sentence naming who holds it.
 */
export async function serveAppliance(session: Session, options: ServeOptions): Promise<void> {
  const { interrupted } = session.terminal;
  const { config, warnings } = loadAppliedConfig(session.terminal, session.options, assignmentsOf(options));
  for (const warning of warnings) session.warn(warning);
  const appliance = await startUnlessStopped(config, { force: options.force === true, signal: interrupted });
  if (appliance === undefined) {
    session.say("stopped before it served");
    return;
  }
  const welcome = {
    dataDir: config.dataDir,
    onTerminal: isWatched(session),
    command: commandName(session),
    bySudo: session.terminal.environment["SUDO_USER"] !== undefined,
  };
  for (const line of welcomeLines(appliance, welcome)) session.say(line);
  await notifySystemd("--ready", session.terminal.environment);
  await aborted(interrupted);
  session.say("stopping; a second signal ends at once");
  await notifySystemd("--stopping", session.terminal.environment);
  await appliance.stop();
}

/** Undefined when the signal ended the start: whoever stops a start gets what he asked for, and no failure. */
async function startUnlessStopped(config: Config, options: RunOptions): Promise<Appliance | undefined> {
  try {
    return await runAppliance(config, options);
  } catch (error) {
    if (options.signal.aborted && isInterruption(error)) return undefined;
    throw error;
  }
}

/** The settings that the options stand for. */
export function assignmentsOf(options: ServeOptions): readonly Assignment[] {
  const named = (Object.keys(FLAGS) as (keyof typeof FLAGS)[]).flatMap((option): readonly Assignment[] => {
    const [flag, setting] = FLAGS[option];
    const value = options[option];
    return value === undefined ? [] : [{ path: setting.split("."), value, origin: { kind: "flag", flag } }];
  });
  return [...named, ...(options.set ?? []).map(freeSetting)];
}

function freeSetting(text: string): Assignment {
  const equals = text.indexOf("=");
  const name = text.slice(0, Math.max(0, equals));
  const settings = settingsOf();
  const setting = settings.find(({ path }) => path.join(".") === name);
  if (equals <= 0 || setting === undefined) {
    const known = settings.map(({ path }) => path.join("."));
    throw new UsageError(
      equals <= 0
        ? `--set ${text}: write it like http.port=8081`
        : `--set: there is no ${name}${didYouMean(name, known)}`,
    );
  }
  const value = valueOf(text.slice(equals + 1), setting.node);
  return { path: setting.path, value, origin: { kind: "flag", flag: `--set ${name}` } };
}

/** In a checkout, `npm start` runs what no PATH leads to. */
function commandName({ terminal }: Session): string {
  return terminal.environment["npm_lifecycle_event"] === undefined ? "muster" : "npx muster";
}

/** Secrets are shown to a person only, never to a pipe that may end in a log. */
function isWatched(session: Session): boolean {
  return session.terminal.stderr.isTTY === true;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
