/** Tells systemd how far the service is (sd_notify), through its own program: Node has no unix datagram socket. */
import { execFile } from "node:child_process";

const PATIENCE_MS = 2000;

/**
 * Does nothing outside of systemd, and soft-fails: a service that serves must not end because nobody could be told.
 */
export function notifySystemd(
  state: "--ready" | "--stopping",
  environment: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  if (!environment["NOTIFY_SOCKET"]) return Promise.resolve();
  return new Promise((resolve) => {
    execFile("systemd-notify", [state], { timeout: PATIENCE_MS, env: { ...environment } }, () => resolve());
  });
}
