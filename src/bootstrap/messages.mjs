/** What a launcher says while it prepares: one line each on stderr, so that stdout stays the program's own. */

/** @param {string} text one line for the person in front of the terminal */
export function say(text) {
  process.stderr.write(`muster: ${text}\n`);
}

/** A launcher's end that a person can do something about: its message is the whole story. */
export class LauncherError extends Error {}

/**
 * Runs a launcher; a {@link LauncherError} becomes one line and exit code 1, anything else is a defect and keeps its stack.
 * @param {() => Promise<void> | void} main
 */
export async function launch(main) {
  try {
    await main();
  } catch (error) {
    if (!(error instanceof LauncherError)) throw error;
    say(error.message);
    process.exitCode = 1;
  }
}
