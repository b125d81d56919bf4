/** Symmetric keys of this appliance, all derived from one random secret in the data directory. */
import { hkdfSync, randomBytes } from "node:crypto";
import { join } from "node:path";
import { MusterError } from "../../domain/errors.ts";
import { readSecretFile, writeSecretFile } from "./secret-file.ts";

export interface ApplianceKeys {
  /** Enrolment secrets of machines are derived from this one. */
  readonly enrolment: Uint8Array;
  /** Browser sessions are signed with this one. */
  readonly sessions: Uint8Array;
  /** Tokens of clusters' initialisations are derived from this one. */
  readonly joinTokens: Uint8Array;
}

/** Reads `<directory>/secret.key`, or makes it at the first start. @throws MusterError `unavailable` when it is damaged. */
export async function applianceKeys(directory: string): Promise<ApplianceKeys> {
  const path = join(directory, "secret.key");
  let text = await readSecretFile(path);
  if (text === undefined) {
    text = `${randomBytes(32).toString("hex")}\n`;
    await writeSecretFile(path, text);
  }
  if (!/^[0-9a-f]{64}\s*$/.test(text)) {
    throw new MusterError(
      "unavailable",
      `${path} is damaged; restore it from a backup, or remove it and reimage what is being installed`,
    );
  }
  const secret = Buffer.from(text.trim(), "hex");
  const derive = (purpose: string): Uint8Array =>
    new Uint8Array(hkdfSync("sha256", secret, "", `muster ${purpose}`, 32));
  return { enrolment: derive("enrolment"), sessions: derive("sessions"), joinTokens: derive("join tokens") };
}
