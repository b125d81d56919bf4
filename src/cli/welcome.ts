/** What `muster serve` says once it serves. */
import path from "node:path";

/** A started appliance, as far as the terminal needs to know it. */
export interface RunningAppliance {
  /** Address of the control plane, like `https://10.0.0.2:8443`. */
  readonly controlAddress: string;
  /** Address of the boot plane, like `http://10.0.0.2:8080`. */
  readonly bootAddress: string;
  readonly caFile: string;
  readonly adminTokenFile: string;
  /** The admin token itself, when this start has made it. */
  readonly newAdminToken?: string | undefined;
  /** What is served only in part, and the fix. */
  readonly complaints: readonly string[];
  /** Ends gracefully within a deadline; idempotent. */
  stop(): Promise<void>;
}

export interface WelcomeOptions {
  readonly dataDir: string;
  readonly onTerminal: boolean;
  /** How the command is called where this was started: `muster`, or `npx muster` in a checkout. */
  readonly command: string;
  /** Started by sudo: its files and its socket are root's, so the next commands need it too. */
  readonly bySudo: boolean;
}

/** The lines, with an example that works when pasted; the token itself only for a person at a terminal. */
export function welcomeLines(
  appliance: RunningAppliance,
  { dataDir, onTerminal, command, bySudo }: WelcomeOptions,
): readonly string[] {
  const { controlAddress, bootAddress, caFile, adminTokenFile, newAdminToken, complaints } = appliance;
  const sudo = bySudo ? "sudo " : "";
  const muster = `${sudo}${command}`;
  const curl = `${sudo}curl --cacert ${quote(caFile)} -H "Authorization: Bearer $(${sudo}cat ${quote(adminTokenFile)})"`;
  const machines = `${controlAddress}/api/v1/machines`;
  return [
    ...complaints.map((complaint) => `degraded: ${complaint}`),
    "",
    `Muster serves: web page ${controlAddress}/, boot plane ${bootAddress}/`,
    `  CA            ${caFile}`,
    `  admin token   ${adminTokenFile}`,
    ...(onTerminal && newAdminToken !== undefined ? [`                ${newAdminToken}`] : []),
    "",
    "Register a machine, power it on, watch it:",
    `  ${muster} register 52:54:00:12:34:01 --name kube0 && ${muster} watch`,
    "The same with curl alone:",
    `  ${curl} --json '{"mac": "52:54:00:12:34:01", "name": "kube0", "os": "debian-13"}' ${machines}`,
    `  ${curl} '${machines}/kube0?wait=installed&timeout=300'`,
    `or, on this host, with --unix-socket ${quote(path.join(dataDir, "muster.sock"))} http://localhost/api/v1/machines instead`,
    "",
  ];
}

function quote(text: string): string {
  return /^[\w./:@-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
