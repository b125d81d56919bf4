/** What a cluster's PKI consists of before any of its machines has booted. */

/** A certificate and its private key, both PEM (the key PKCS#8). */
export interface KeyedCertificate {
  readonly certificate: string;
  readonly key: string;
}

/** The shared set of one cluster: whoever holds its keys is the cluster. */
export interface ClusterAuthorities {
  readonly cluster: string;
  /** Signs API servers, kubelets and clients. While a rotation runs, `certificate` holds the new CA first and then the old one. */
  readonly ca: KeyedCertificate;
  readonly frontProxyCa: KeyedCertificate;
  readonly etcdCa: KeyedCertificate;
  /** Signs service-account tokens; both PEM. */
  readonly serviceAccount: { readonly publicKey: string; readonly privateKey: string };
  /** `sha256:` and the hex SHA-256 of the cluster CA's SubjectPublicKeyInfo, as kubeadm pins it; two while a rotation runs. */
  readonly caHashes: readonly string[];
  /** Epoch milliseconds. */
  readonly createdAt: number;
}

/** One file of the PKI as a machine keeps it. */
export interface PkiFile {
  /** Absolute, like `/etc/kubernetes/pki/ca.crt`. */
  readonly path: string;
  /** 0o600 for keys, 0o644 for the rest. */
  readonly mode: number;
  readonly content: string;
}

/** What a client certificate is asked for. */
export interface ClientCertificateRequest {
  readonly commonName: string;
  readonly organisations: readonly string[];
  readonly lifetimeMs: number;
}
