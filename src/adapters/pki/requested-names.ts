/** The names in a certificate signing request (RFC 2986): its subject and its subjectAltName. */
import { isIPv4 } from "node:net";
import type { RequestedNames } from "../../services/cluster/serving-certificates.ts";
import { type DerElement, derElements } from "./der.ts";
import { requestDer } from "./signing-request.ts";

const OID = {
  commonName: "550403",
  organization: "55040a",
  /** extensionRequest of PKCS #9. */
  extensionRequest: "2a864886f70d01090e",
  alternativeName: "551d11",
} as const;

const SEQUENCE = 0x30;
const SET = 0x31;
const ATTRIBUTES = 0xa0;
const DNS_NAME = 0x82;
const IP_ADDRESS = 0x87;

/** Reads the names; undefined when this is no request. Never throws. */
export function readRequestedNames(pem: string): RequestedNames | undefined {
  const der = requestDer(pem);
  const [outer] = (der && derElements(der)) ?? [];
  const [info] = childrenOf(outer);
  const [, subject, , attributes] = childrenOf(info);
  if (subject?.tag !== SEQUENCE) return undefined;
  const pairs = childrenOf(subject)
    .flatMap((set) => childrenOf(set))
    .map(namePair);
  const names = attributes?.tag === ATTRIBUTES ? alternativeNames(attributes) : [];
  const known = names.filter(({ tag }) => tag === DNS_NAME || tag === IP_ADDRESS);
  return {
    commonName: pairs.find(([oid]) => oid === OID.commonName)?.[1] ?? "",
    organisations: pairs.filter(([oid]) => oid === OID.organization).map(([, text]) => text),
    dnsNames: names.filter(({ tag }) => tag === DNS_NAME).map(({ content }) => content.toString("latin1")),
    addresses: names.filter(({ tag }) => tag === IP_ADDRESS).map(({ content }) => addressText(content)),
    otherNames: names.length - known.length,
  };
}

/** Attributes ::= SET OF SEQUENCE { OID, SET OF Extensions }; Extensions ::= SEQUENCE OF SEQUENCE { OID, …, OCTET STRING } */
function alternativeNames(attributes: DerElement): readonly DerElement[] {
  return childrenOf(attributes)
    .map(childrenOf)
    .filter(([oid]) => oid?.content.toString("hex") === OID.extensionRequest)
    .flatMap(([, values]) => childrenOf(values))
    .flatMap(childrenOf)
    .map(childrenOf)
    .filter(([oid]) => oid?.content.toString("hex") === OID.alternativeName)
    .flatMap((extension) => derElements(extension.at(-1)?.content ?? Buffer.alloc(0)) ?? [])
    .flatMap(childrenOf);
}

function namePair(element: DerElement): readonly [oid: string, text: string] {
  const [oid, value] = childrenOf(element);
  return [oid?.content.toString("hex") ?? "", value?.content.toString("utf8") ?? ""];
}

function childrenOf(element: DerElement | undefined): readonly DerElement[] {
  const constructed = element && [SEQUENCE, SET, ATTRIBUTES].includes(element.tag);
  return (constructed && derElements(element.content)) || [];
}

/** IPv6 in its full form: nothing is compared with it yet, and two spellings of it must not look alike. */
function addressText(bytes: Buffer): string {
  const four = [...bytes].join(".");
  return isIPv4(four) ? four : (bytes.toString("hex").match(/.{1,4}/g) ?? []).join(":");
}
