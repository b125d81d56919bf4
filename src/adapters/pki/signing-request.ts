/** Certificate signing requests (PKCS #10, RFC 2986) of machines: read, and proof of possession checked. */
import { createHash, createPublicKey, type KeyObject, verify } from "node:crypto";
import { type DerElement, derBits, derElements, TAG } from "./der.ts";

/** A request whose sender holds the private key. Its subject is ignored: the appliance decides who it is. */
export interface SigningRequest {
  readonly publicKey: KeyObject;
  /** SHA-256 in hex of the SubjectPublicKeyInfo. */
  readonly keyHash: string;
}

export type SigningRequestCheck =
  | { readonly kind: "proven"; readonly request: SigningRequest }
  | { readonly kind: "refused"; readonly reason: string };

const MAX_PEM_LENGTH = 16_384;
const PEM =
  /^-----BEGIN (NEW )?CERTIFICATE REQUEST-----([A-Za-z0-9+/=\s]+)-----END \1?CERTIFICATE REQUEST-----\s*$/;

/** Signature algorithms by the hex of their OID; null where the algorithm implies its hash (RFC 8410). */
const SIGNATURES: Readonly<Partial<Record<string, "sha256" | "sha384" | "sha512" | null>>> = {
  "2a864886f70d01010b": "sha256",
  "2a864886f70d01010c": "sha384",
  "2a864886f70d01010d": "sha512",
  "2a8648ce3d040302": "sha256",
  "2a8648ce3d040303": "sha384",
  "2a8648ce3d040304": "sha512",
  "2b6570": null,
};
const CURVES: ReadonlySet<string | undefined> = new Set(["prime256v1", "secp384r1", "secp521r1"]);

/** Reads a PEM request and verifies its signature with the key it asks a certificate for. Never throws. */
export function readSigningRequest(pem: string): SigningRequestCheck {
  const der = requestDer(pem);
  if (!der) return refused("it is not a PEM certificate request");
  const parts = partsOf(der);
  if (!parts) return refused("it is not a PKCS #10 structure");
  const publicKey = keyOf(parts.publicKeyInfo);
  if (!publicKey) return refused("its public key cannot be read");
  const weakness = weaknessOf(publicKey);
  if (weakness !== undefined) return refused(weakness);
  const hash = SIGNATURES[parts.algorithm];
  if (hash === undefined) return refused("its signature algorithm is not accepted");
  if (!signedBy(publicKey, { hash, bytes: parts.info, signature: parts.signature })) {
    return refused("its signature does not fit its key");
  }
  const keyHash = createHash("sha256").update(parts.publicKeyInfo).digest("hex");
  return { kind: "proven", request: { publicKey, keyHash } };
}

interface Parts {
  readonly info: Buffer;
  readonly publicKeyInfo: Buffer;
  readonly algorithm: string;
  readonly signature: Buffer;
}

/** The octets of a PEM request; undefined when it is none. */
export function requestDer(pem: string): Buffer | undefined {
  const body = pem.length <= MAX_PEM_LENGTH ? PEM.exec(pem.trim())?.[2] : undefined;
  return body === undefined ? undefined : Buffer.from(body, "base64");
}

/*
 * CertificationRequest ::= SEQUENCE { info SEQUENCE { version 0, subject Name, subjectPKInfo, [0] attributes },
 *                                     signatureAlgorithm SEQUENCE { OID, … }, signature BIT STRING }
 */
function partsOf(der: Buffer): Parts | undefined {
  const outer = inside(only(derElements(der)));
  const [info, algorithm, signature] = outer ?? [];
  if (outer?.length !== 3 || !info || !signature) return undefined;
  const publicKeyInfo = publicKeyInfoOf(info);
  const oid = inside(algorithm)?.[0];
  const bits = derBits(signature);
  if (!publicKeyInfo || oid?.tag !== TAG.oid || !bits) return undefined;
  return { info: info.whole, publicKeyInfo, algorithm: oid.content.toString("hex"), signature: bits };
}

function publicKeyInfoOf(info: DerElement): Buffer | undefined {
  const [version, subject, publicKeyInfo] = inside(info) ?? [];
  if (version?.tag !== TAG.integer || !version.content.equals(Buffer.from([0]))) return undefined;
  if (subject?.tag !== TAG.sequence || publicKeyInfo?.tag !== TAG.sequence) return undefined;
  return publicKeyInfo.whole;
}

function only(elements: readonly DerElement[] | undefined): DerElement | undefined {
  return elements?.length === 1 ? elements[0] : undefined;
}

function inside(element: DerElement | undefined): readonly DerElement[] | undefined {
  return element?.tag === TAG.sequence ? derElements(element.content) : undefined;
}

function keyOf(publicKeyInfo: Buffer): KeyObject | undefined {
  try {
    return createPublicKey({ key: publicKeyInfo, format: "der", type: "spki" });
  } catch {
    return undefined;
  }
}

function weaknessOf(key: KeyObject): string | undefined {
  const { modulusLength = 0, namedCurve } = key.asymmetricKeyDetails ?? {};
  const type = key.asymmetricKeyType;
  if (type === "rsa") {
    return modulusLength >= 2048 && modulusLength <= 8192 ? undefined : "an RSA key needs 2048 to 8192 bits";
  }
  if (type === "ec")
    return CURVES.has(namedCurve) ? undefined : "its curve is not one of P-256, P-384, P-521";
  return type === "ed25519" ? undefined : "its key is neither RSA, ECDSA nor Ed25519";
}

function signedBy(
  key: KeyObject,
  signed: { readonly hash: string | null; readonly bytes: Buffer; readonly signature: Buffer },
): boolean {
  try {
    return verify(signed.hash, signed.bytes, key, signed.signature);
  } catch {
    return false;
  }
}

function refused(reason: string): SigningRequestCheck {
  return { kind: "refused", reason };
}
