/** The control plane's certificate: for the addresses it is reached by, issued again before it is too late. */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type KeyObject,
  X509Certificate,
} from "node:crypto";
import { isIP } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Clock } from "../../services/ports.ts";
import type { Authority } from "./authority.ts";
import { readIfThere, readSecretFile, writePublicFile, writeSecretFile } from "./secret-file.ts";

const newKeyPair = promisify(generateKeyPair);
const DAY_MS = 86_400_000;
const VALID_DAYS = 397;
const RENEW_BEFORE_MS = 30 * DAY_MS;

export interface ServerCertificateOptions {
  readonly directory: string;
  readonly authority: Authority;
  readonly clock: Clock;
  /** Host names and addresses by which clients reach the appliance; `localhost` is always there. */
  readonly names: readonly string[];
}

export interface ServerCredentials {
  readonly key: string;
  /** The server's certificate followed by the CA's, as PEM. */
  readonly chain: string;
  /** True when it was issued just now. */
  readonly fresh: boolean;
}

/**
 * The key and certificate to serve with. The certificate in `<directory>/server.crt` is kept while it was issued by
 * the authority for exactly these names and has a month to go; otherwise a new one is issued and written there.
 */
export async function serverCredentials(options: ServerCertificateOptions): Promise<ServerCredentials> {
  const { directory, authority, clock } = options;
  const names = allNames(options.names);
  const files = { key: join(directory, "server.key"), chain: join(directory, "server.crt") };
  const key = readKey(await readSecretFile(files.key));
  const chain = await readIfThere(files.chain);
  if (key && chain !== undefined && stillGood(chain, { key, names, authority, now: clock.now() })) {
    return { key: pemOf(key), chain, fresh: false };
  }
  const serving = key ?? (await newKeyPair("rsa", { modulusLength: 2048 })).privateKey;
  if (!key) await writeSecretFile(files.key, pemOf(serving));
  const issued = authority.issue({
    purpose: "server",
    subject: { commonName: "muster" },
    publicKey: createPublicKey(serving),
    days: VALID_DAYS,
    alternativeNames: names,
  });
  const fullChain = issued.pem + authority.certificate;
  await writePublicFile(files.chain, fullChain);
  return { key: pemOf(serving), chain: fullChain, fresh: true };
}

function allNames(names: readonly string[]): readonly string[] {
  return [
    ...new Set(["localhost", "muster", "127.0.0.1", "::1", ...names.map((name) => name.toLowerCase())]),
  ];
}

function readKey(pem: string | undefined): KeyObject | undefined {
  if (pem === undefined) return undefined;
  try {
    return createPrivateKey(pem);
  } catch {
    // A key nobody can read is as good as none: a new one costs nothing, clients pin the CA.
    return undefined;
  }
}

function stillGood(
  chain: string,
  wanted: {
    readonly key: KeyObject;
    readonly names: readonly string[];
    readonly authority: Authority;
    readonly now: number;
  },
): boolean {
  try {
    const certificate = new X509Certificate(chain);
    return (
      wanted.authority.issued(certificate) &&
      certificate.checkPrivateKey(wanted.key) &&
      Date.parse(certificate.validTo) - wanted.now > RENEW_BEFORE_MS &&
      sameNames(certificate, wanted.names)
    );
  } catch {
    return false;
  }
}

function sameNames(certificate: X509Certificate, names: readonly string[]): boolean {
  const count = certificate.subjectAltName?.split(", ").length ?? 0;
  return (
    count === names.length &&
    names.every((name) =>
      isIP(name) === 0 ? certificate.checkHost(name) !== undefined : certificate.checkIP(name) !== undefined,
    )
  );
}

function pemOf(key: KeyObject): string {
  return key.export({ type: "pkcs8", format: "pem" }).toString();
}
