/** The authority as the enrolment service sees it, and the way back from a certificate to the machine it names. */
import { createHash, type X509Certificate } from "node:crypto";
import type { NodeCertifier } from "../../services/enrolment.ts";
import type { PresentedCertificate } from "../../services/node-identities.ts";
import type { Authority } from "./authority.ts";
import { readSigningRequest } from "./signing-request.ts";

const VALID_DAYS = 10 * 365;
const SUBJECT = /^OU=generation (\d{1,9})\nCN=([a-z0-9-]{1,63})$/;

/** Signs machines' certificates: CN is the machine, OU its generation. */
export function nodeCertifier(authority: Authority): NodeCertifier {
  return {
    authority: authority.certificate,
    read: readSigningRequest,
    certify: ({ machine, generation, publicKey }) =>
      authority.issue({
        purpose: "client",
        subject: { commonName: machine, organizationalUnit: `generation ${generation}` },
        publicKey,
        days: VALID_DAYS,
      }),
  };
}

/** What a machine's certificate says; undefined for a certificate that is not one, such as the server's own. */
export function presentedCertificate(certificate: X509Certificate): PresentedCertificate | undefined {
  const [, generation, machine] = SUBJECT.exec(certificate.subject) ?? [];
  if (generation === undefined || machine === undefined) return undefined;
  const spki = certificate.publicKey.export({ type: "spki", format: "der" });
  return {
    machine,
    generation: Number(generation),
    serial: certificate.serialNumber,
    keyHash: createHash("sha256").update(spki).digest("hex"),
    expiresAt: Date.parse(certificate.validTo),
  };
}
