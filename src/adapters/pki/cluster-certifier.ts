/** Makes the keys and certificates of clusters. */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type KeyObject,
  X509Certificate,
} from "node:crypto";
import { promisify } from "node:util";
import type { ClusterCertifier, KeyAlgorithm } from "../../services/cluster/cluster-pki.ts";
import { buildCertificate, type DistinguishedName } from "./certificate.ts";

const newKeyPair = promisify(generateKeyPair);

const RSA_BITS = { "RSA-2048": 2048, "RSA-3072": 3072, "RSA-4096": 4096 } as const;
const CURVES = { "ECDSA-P256": "prime256v1", "ECDSA-P384": "secp384r1" } as const;

/** The certifier of clusters: node:crypto makes keys and signs. */
export function clusterCertifier(): ClusterCertifier {
  return {
    newKey: async (algorithm) => pem(await keyPair(algorithm)),
    authority: ({ commonName, key, notBefore, notAfter }) => {
      const privateKey = createPrivateKey(key);
      const publicKey = createPublicKey(privateKey);
      const name = { commonName };
      return buildCertificate({
        purpose: "authority",
        subject: name,
        issuer: name,
        publicKey,
        issuerKey: { privateKey, publicKey },
        notBefore,
        notAfter,
      }).pem;
    },
    leaf: ({ issuer, publicKey, subject, ...request }) => {
      const privateKey = createPrivateKey(issuer.key);
      const own = new X509Certificate(issuer.certificate);
      return buildCertificate({
        ...request,
        subject: nameFor(subject),
        issuer: { commonName: commonNameOf(own) },
        issuerKey: { privateKey, publicKey: own.publicKey },
        publicKey: createPublicKey(publicKey),
      }).pem;
    },
  };
}

function nameFor(subject: {
  readonly commonName: string;
  readonly organisations?: readonly string[];
}): DistinguishedName {
  const { commonName, organisations } = subject;
  return { commonName, ...(organisations === undefined ? {} : { organizations: organisations }) };
}

/** Our authorities' names are a common name and nothing else. */
function commonNameOf(certificate: X509Certificate): string {
  return certificate.subject.replace(/^CN=/, "");
}

async function keyPair(
  algorithm: KeyAlgorithm,
): Promise<{ readonly privateKey: KeyObject; readonly publicKey: KeyObject }> {
  switch (algorithm) {
    case "RSA-2048":
    case "RSA-3072":
    case "RSA-4096":
      return newKeyPair("rsa", { modulusLength: RSA_BITS[algorithm] });
    case "ECDSA-P256":
    case "ECDSA-P384":
      return newKeyPair("ec", { namedCurve: CURVES[algorithm] });
  }
}

function pem(pair: { readonly privateKey: KeyObject; readonly publicKey: KeyObject }): {
  readonly privateKey: string;
  readonly publicKey: string;
} {
  return {
    privateKey: pair.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    publicKey: pair.publicKey.export({ type: "spki", format: "pem" }).toString(),
  };
}
