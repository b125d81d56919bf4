/** The appliance's own certificate authority: made at the first start, kept in the data directory, never changed. */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type KeyObject,
  X509Certificate,
} from "node:crypto";
import { join } from "node:path";
import { promisify } from "node:util";
import { MusterError } from "../../domain/errors.ts";
import type { Clock } from "../../services/ports.ts";
import {
  buildCertificate,
  type Certificate,
  type CertificatePurpose,
  type DistinguishedName,
} from "./certificate.ts";
import { readIfThere, readSecretFile, writePublicFile, writeSecretFile } from "./secret-file.ts";

const newKeyPair = promisify(generateKeyPair);
const DAY_MS = 86_400_000;
const AUTHORITY_DAYS = 20 * 365;
/** Certificates are valid from a year ago: a machine whose clock is behind must still accept them. */
export const BACKDATED_MS = 365 * DAY_MS;
/** Small and exact enough to recognise our own kind of file, not to parse names in general. */
const AUTHORITY_NAME = "Muster appliance CA";

export interface LeafRequest {
  readonly purpose: Exclude<CertificatePurpose, "authority">;
  readonly subject: DistinguishedName;
  readonly publicKey: KeyObject;
  readonly days: number;
  readonly alternativeNames?: readonly string[];
}

/** Signs what the appliance vouches for. */
export interface Authority {
  /** The CA certificate as PEM: what machines and people pin. */
  readonly certificate: string;
  /** Builds and signs a leaf certificate, back-dated, for so many days from now. */
  issue(request: LeafRequest): Certificate & { readonly expiresAt: number };
  /** Whether a certificate was signed by this authority. */
  issued(certificate: X509Certificate): boolean;
}

/**
 * Opens the authority in `<directory>/ca.key` and `ca.crt`, or makes it when there is neither.
 * @throws MusterError `unavailable` when one of the two is missing or they do not belong together: making a new
 * authority then would lock out every machine and client that pinned the old one.
 */
export async function openAuthority(options: {
  readonly directory: string;
  readonly clock: Clock;
}): Promise<Authority> {
  const { directory, clock } = options;
  const files = { key: join(directory, "ca.key"), certificate: join(directory, "ca.crt") };
  const key = await readSecretFile(files.key);
  const certificate = await readIfThere(files.certificate);
  if (key === undefined && certificate === undefined) {
    const made = await makeAuthority(clock.now());
    // The key goes first: a certificate without its key could not be told from a lost key.
    await writeSecretFile(files.key, made.key);
    await writePublicFile(files.certificate, made.certificate);
    return authorityOf({ ...made, clock });
  }
  if (key !== undefined && certificate === undefined) {
    // The first start was cut off between the two files: nobody has seen a certificate yet.
    const made = selfSigned(createPrivateKey(key), clock.now());
    await writePublicFile(files.certificate, made);
    return authorityOf({ key, certificate: made, clock });
  }
  if (key === undefined || certificate === undefined || !belongTogether(key, certificate)) {
    throw new MusterError(
      "unavailable",
      `${files.key} is missing or does not belong to ${files.certificate}; restore both from a backup, or remove both and enrol every machine again`,
    );
  }
  return authorityOf({ key, certificate, clock });
}

async function makeAuthority(now: number): Promise<{ readonly key: string; readonly certificate: string }> {
  const { privateKey } = await newKeyPair("rsa", { modulusLength: 2048 });
  const key = privateKey.export({ type: "pkcs8", format: "pem" });
  return { key: key.toString(), certificate: selfSigned(privateKey, now) };
}

function selfSigned(privateKey: KeyObject, now: number): string {
  const publicKey = createPublicKey(privateKey);
  const name = { commonName: AUTHORITY_NAME };
  return buildCertificate({
    purpose: "authority",
    subject: name,
    issuer: name,
    publicKey,
    issuerKey: { privateKey, publicKey },
    notBefore: now - BACKDATED_MS,
    notAfter: now + AUTHORITY_DAYS * DAY_MS,
  }).pem;
}

function belongTogether(key: string, certificate: string): boolean {
  try {
    return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}

function authorityOf(made: {
  readonly key: string;
  readonly certificate: string;
  readonly clock: Clock;
}): Authority {
  const privateKey = createPrivateKey(made.key);
  const publicKey = createPublicKey(privateKey);
  const own = new X509Certificate(made.certificate);
  return {
    certificate: made.certificate,
    issue: ({ days, ...request }) => {
      const now = made.clock.now();
      const expiresAt = now + days * DAY_MS;
      const certificate = buildCertificate({
        ...request,
        issuer: { commonName: AUTHORITY_NAME },
        issuerKey: { privateKey, publicKey },
        notBefore: now - BACKDATED_MS,
        notAfter: expiresAt,
      });
      return { ...certificate, expiresAt };
    },
    issued: (certificate) => certificate.checkIssued(own) && certificate.verify(publicKey),
  };
}
