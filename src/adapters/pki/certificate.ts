/**
 * Builds X.509 v3 certificates (RFC 5280): node-forge lays out the ASN.1, node:crypto signs. The only file that uses
 * node-forge: it signs slowly and is not trusted with anybody else's input.
 */
import { createHash, type KeyObject, randomBytes, sign } from "node:crypto";
import { isIPv4, isIPv6 } from "node:net";
import forge from "node-forge";
import { ipv6Bytes } from "./ipv6-bytes.ts";

const { asn1 } = forge;
type Asn1 = forge.asn1.Asn1;

export interface DistinguishedName {
  readonly commonName: string;
  /** Kubernetes reads these as the groups of a user. */
  readonly organizations?: readonly string[];
  readonly organizationalUnit?: string;
}

/** What a certificate is for decides its key usage and constraints; `peer` is server and client in one. */
export type CertificatePurpose = "authority" | "server" | "client" | "peer";

export interface CertificateRequest {
  readonly purpose: CertificatePurpose;
  readonly subject: DistinguishedName;
  readonly issuer: DistinguishedName;
  readonly publicKey: KeyObject;
  /** The issuer's key pair: RSA, P-256 or P-384. */
  readonly issuerKey: { readonly privateKey: KeyObject; readonly publicKey: KeyObject };
  /** Epoch milliseconds, both inclusive. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** DNS names and IP addresses. */
  readonly alternativeNames?: readonly string[];
}

export interface Certificate {
  readonly pem: string;
  /** Hex, upper case, as node:crypto's X509Certificate shows it. */
  readonly serial: string;
}

const OID = {
  sha256WithRsa: "1.2.840.113549.1.1.11",
  ecdsaWithSha256: "1.2.840.10045.4.3.2",
  ecdsaWithSha384: "1.2.840.10045.4.3.3",
  commonName: "2.5.4.3",
  organization: "2.5.4.10",
  organizationalUnit: "2.5.4.11",
  subjectKeyId: "2.5.29.14",
  keyUsage: "2.5.29.15",
  alternativeName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  authorityKeyId: "2.5.29.35",
  extendedKeyUsage: "2.5.29.37",
  serverAuth: "1.3.6.1.5.5.7.3.1",
  clientAuth: "1.3.6.1.5.5.7.3.2",
} as const;

/** keyUsage as the octets of its BIT STRING: unused bits, then digitalSignature as the highest bit. */
const KEY_USAGE: Readonly<Record<CertificatePurpose, readonly number[]>> = {
  authority: [0x01, 0x06],
  server: [0x05, 0xa0],
  client: [0x07, 0x80],
  peer: [0x05, 0xa0],
};

/** Builds and signs one certificate with a random 128-bit serial. */
export function buildCertificate(request: CertificateRequest): Certificate {
  // The highest bit stays clear and the next is set: positive, and of the same length every time.
  const serial = randomBytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  const { digest, identifier } = signatureAlgorithm(request.issuerKey.privateKey);
  const tbs = tbsCertificate(request, { serial, identifier });
  const signature = sign(digest, derOf(tbs), request.issuerKey.privateKey);
  const der = derOf(sequence(tbs, identifier, bitString(signature)));
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return {
    pem: `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`,
    serial: serial.toString("hex").toUpperCase(),
  };
}

function tbsCertificate(
  request: CertificateRequest,
  made: { readonly serial: Buffer; readonly identifier: Asn1 },
): Asn1 {
  return sequence(
    context(0, [primitive(asn1.Type.INTEGER, Buffer.from([2]))]),
    primitive(asn1.Type.INTEGER, made.serial),
    made.identifier,
    nameOf(request.issuer),
    sequence(timeOf(request.notBefore), timeOf(request.notAfter)),
    nameOf(request.subject),
    publicKeyInfo(request.publicKey),
    context(3, [sequence(...extensionsOf(request))]),
  );
}

function extensionsOf(request: CertificateRequest): readonly Asn1[] {
  const { purpose, alternativeNames = [] } = request;
  const authority = purpose === "authority";
  const constraints = authority ? [boolean(true), primitive(asn1.Type.INTEGER, Buffer.from([0]))] : [];
  const purposes = {
    authority: [],
    server: [OID.serverAuth],
    client: [OID.clientAuth],
    peer: [OID.serverAuth, OID.clientAuth],
  }[purpose];
  return [
    extension(OID.basicConstraints, sequence(...constraints), "critical"),
    extension(OID.keyUsage, primitive(asn1.Type.BITSTRING, Buffer.from(KEY_USAGE[purpose])), "critical"),
    ...(purposes.length > 0 ? [extension(OID.extendedKeyUsage, sequence(...purposes.map(oid)))] : []),
    extension(OID.subjectKeyId, primitive(asn1.Type.OCTETSTRING, keyId(request.publicKey))),
    extension(OID.authorityKeyId, sequence(contextBytes(0, keyId(request.issuerKey.publicKey)))),
    ...(alternativeNames.length > 0
      ? [extension(OID.alternativeName, sequence(...alternativeNames.map(generalName)))]
      : []),
  ];
}

function extension(id: string, value: Asn1, critical?: "critical"): Asn1 {
  const flag = critical ? [boolean(true)] : [];
  return sequence(oid(id), ...flag, primitive(asn1.Type.OCTETSTRING, derOf(value)));
}

function generalName(name: string): Asn1 {
  if (isIPv4(name)) return contextBytes(7, Buffer.from(name.split(".").map(Number)));
  if (isIPv6(name)) return contextBytes(7, ipv6Bytes(name));
  return contextBytes(2, Buffer.from(name, "latin1"));
}

/** RFC 7093 method 1: the leftmost 160 bits of a SHA-256, here over the whole SubjectPublicKeyInfo. */
function keyId(key: KeyObject): Buffer {
  return createHash("sha256").update(spki(key)).digest().subarray(0, 20);
}

function nameOf({ commonName, organizations = [], organizationalUnit }: DistinguishedName): Asn1 {
  const attribute = (id: string, value: string): Asn1 =>
    asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SET, true, [
      sequence(oid(id), primitive(asn1.Type.UTF8, Buffer.from(value, "utf8"))),
    ]);
  const unit =
    organizationalUnit === undefined ? [] : [attribute(OID.organizationalUnit, organizationalUnit)];
  const groups = organizations.map((group) => attribute(OID.organization, group));
  return sequence(...groups, ...unit, attribute(OID.commonName, commonName));
}

/** UTCTime through 2049, GeneralizedTime from 2050 (RFC 5280 4.1.2.5). */
function timeOf(at: number): Asn1 {
  const digits = new Date(at).toISOString().replaceAll(/[-:T]|\.\d+/g, "");
  return new Date(at).getUTCFullYear() < 2050
    ? primitive(asn1.Type.UTCTIME, Buffer.from(digits.slice(2)))
    : primitive(asn1.Type.GENERALIZEDTIME, Buffer.from(digits));
}

function publicKeyInfo(key: KeyObject): Asn1 {
  return asn1.fromDer(spki(key).toString("latin1"));
}

function spki(key: KeyObject): Buffer {
  return key.export({ type: "spki", format: "der" });
}

/** RSA with SHA-256, or ECDSA with the hash that fits the curve (RFC 4055, RFC 5758). */
function signatureAlgorithm(key: KeyObject): { readonly digest: string; readonly identifier: Asn1 } {
  if (key.asymmetricKeyType === "rsa") {
    const none = asn1.create(asn1.Class.UNIVERSAL, asn1.Type.NULL, false, "");
    return { digest: "sha256", identifier: sequence(oid(OID.sha256WithRsa), none) };
  }
  return key.asymmetricKeyDetails?.namedCurve === "secp384r1"
    ? { digest: "sha384", identifier: sequence(oid(OID.ecdsaWithSha384)) }
    : { digest: "sha256", identifier: sequence(oid(OID.ecdsaWithSha256)) };
}

function sequence(...values: readonly Asn1[]): Asn1 {
  return asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SEQUENCE, true, [...values]);
}

function context(tag: number, values: Asn1[]): Asn1 {
  return tagged(tag, asn1.create(asn1.Class.CONTEXT_SPECIFIC, asn1.Type.NONE, true, values));
}

function contextBytes(tag: number, bytes: Buffer): Asn1 {
  const value = bytes.toString("latin1");
  return tagged(tag, asn1.create(asn1.Class.CONTEXT_SPECIFIC, asn1.Type.NONE, false, value));
}

/** Context tags are plain numbers, which node-forge's types keep in the list of universal ones. */
function tagged(tag: number, value: Asn1): Asn1 {
  return Object.assign(value, { type: tag });
}

function primitive(type: forge.asn1.Type, bytes: Buffer): Asn1 {
  return asn1.create(asn1.Class.UNIVERSAL, type, false, bytes.toString("latin1"));
}

function boolean(value: boolean): Asn1 {
  return primitive(asn1.Type.BOOLEAN, Buffer.from([value ? 0xff : 0]));
}

function bitString(bytes: Buffer): Asn1 {
  return primitive(asn1.Type.BITSTRING, Buffer.concat([Buffer.from([0]), bytes]));
}

function oid(text: string): Asn1 {
  return asn1.create(asn1.Class.UNIVERSAL, asn1.Type.OID, false, asn1.oidToDer(text).getBytes());
}

function derOf(value: Asn1): Buffer {
  return Buffer.from(asn1.toDer(value).getBytes(), "latin1");
}
