/**
 * The certificates of clusters: three authorities and a service-account pair, made as soon as a cluster is applied and
 * before any of its machines boots, and the leaf certificates that the appliance signs with them.
 */
import { X509Certificate } from "node:crypto";
import type { ClusterSpec } from "../../domain/cluster/cluster-spec.ts";
import type { ClusterView } from "../../domain/cluster/members.ts";
import { NotFoundError } from "../../domain/errors.ts";
import type { Clusters } from "../clusters.ts";
import type { Clock, EventSink, Log, Service } from "../ports.ts";
import type {
  ClientCertificateRequest,
  ClusterAuthorities,
  KeyedCertificate,
} from "./cluster-authorities.ts";
import { authoritiesOf, type PkiRecord, type PkiRecords, type PkiSet, trustedSets } from "./pki-record.ts";

export type KeyAlgorithm = ClusterSpec["pki"]["keyAlgorithm"];

export interface KeyPair {
  /** PKCS#8 as PEM. */
  readonly privateKey: string;
  /** SubjectPublicKeyInfo as PEM. */
  readonly publicKey: string;
}

export interface LeafCertificateRequest {
  readonly purpose: "server" | "client" | "peer";
  readonly subject: { readonly commonName: string; readonly organisations?: readonly string[] };
  readonly alternativeNames?: readonly string[];
  /** Epoch milliseconds. */
  readonly notBefore: number;
  readonly notAfter: number;
}

/** Makes keys and certificates; everything PEM. */
export interface ClusterCertifier {
  newKey(algorithm: KeyAlgorithm): Promise<KeyPair>;
  /** A self-signed authority. */
  authority(request: {
    readonly commonName: string;
    readonly key: string;
    readonly notBefore: number;
    readonly notAfter: number;
  }): string;
  leaf(
    request: LeafCertificateRequest & { readonly issuer: KeyedCertificate; readonly publicKey: string },
  ): string;
}

/** A client certificate with its end, in epoch milliseconds. */
export interface ClientCertificate extends KeyedCertificate {
  readonly expiresAt: number;
}

export interface ClusterPkiOptions {
  readonly clusters: Clusters;
  readonly records: PkiRecords;
  readonly certifier: ClusterCertifier;
  readonly events: EventSink;
  readonly clock: Clock;
  readonly log: Log;
}

const DAY_MS = 86_400_000;
/** A machine whose clock is behind must still accept a new authority (kubeadm itself allows for five minutes). */
export const PKI_BACKDATED_MS = DAY_MS;

/** A P-256 key takes a millisecond where RSA takes a second on a small host, and every client and server takes it. */
const CLIENT = { purpose: "client", keyAlgorithm: "ECDSA-P256" } as const;

export class ClusterPki implements Service {
  readonly #options: ClusterPkiOptions;
  /** One making or changing of a cluster's PKI at a time. */
  readonly #inFlight = new Map<string, Promise<PkiRecord>>();
  #unsubscribe: (() => void) | undefined;

  constructor(options: ClusterPkiOptions) {
    this.#options = options;
  }

  /** Makes what applied clusters lack, now and whenever one is applied. A failure is logged; the next use tries again. */
  async start(): Promise<void> {
    const { clusters } = this.#options;
    this.#unsubscribe ??= clusters.subscribe((change) => {
      if (change.kind === "changed") void this.#prepare(change.cluster);
    });
    await Promise.all(clusters.list().map((cluster) => this.#prepare(cluster)));
  }

  async stop(): Promise<void> {
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
    await Promise.allSettled(this.#inFlight.values());
  }

  /**
   * The authorities of a cluster, made at the first call.
   * @throws MusterError `unavailable` when stored ones cannot be opened.
   */
  async ensure(cluster: ClusterView): Promise<ClusterAuthorities> {
    return authoritiesOf(cluster.name, await this.record(cluster));
  }

  /** Everything that is kept about a cluster's PKI, made at the first call. */
  record(cluster: ClusterView): Promise<PkiRecord> {
    return this.#alone(cluster.name, async () => {
      const { records, clock, events } = this.#options;
      const known = await records.get(cluster.name);
      if (known) return known;
      const made: PkiRecord = { present: await this.#newSet(cluster.spec.pki) };
      await records.put(cluster.name, made);
      events.record({
        type: "cluster-pki-made",
        source: "appliance",
        message: `made the certificate authorities of cluster ${cluster.name}`,
        data: { cluster: cluster.name, at: clock.now() },
      });
      return made;
    });
  }

  /** Changes what is kept, from the present record to another one. */
  async change(
    cluster: ClusterView,
    next: (present: PkiRecord, newSet: () => Promise<PkiSet>) => Promise<PkiRecord>,
  ): Promise<PkiRecord> {
    await this.record(cluster);
    return this.#alone(cluster.name, async () => {
      const { records } = this.#options;
      const present = await records.get(cluster.name);
      if (!present) throw new NotFoundError(`cluster ${cluster.name} has no certificates`);
      const changed = await next(present, () => this.#newSet(cluster.spec.pki));
      await records.put(cluster.name, changed);
      return changed;
    });
  }

  /** A client of the Kubernetes API; `organisations` are its groups. Ends no later than the authority. */
  async clientCertificate(
    cluster: ClusterView,
    request: ClientCertificateRequest,
  ): Promise<ClientCertificate> {
    return this.leaf(cluster, { ...request, ...CLIENT, authority: "ca" });
  }

  /** A client of the cluster's etcd. */
  async etcdClientCertificate(
    cluster: ClusterView,
    request: Omit<ClientCertificateRequest, "organisations">,
  ): Promise<ClientCertificate> {
    return this.leaf(cluster, { ...request, ...CLIENT, organisations: [], authority: "etcdCa" });
  }

  /** Any leaf certificate on a new key. */
  async leaf(
    cluster: ClusterView,
    request: ClientCertificateRequest & {
      readonly authority: "ca" | "frontProxyCa" | "etcdCa";
      readonly purpose: LeafCertificateRequest["purpose"];
      readonly alternativeNames?: readonly string[];
      readonly keyAlgorithm?: KeyAlgorithm;
    },
  ): Promise<ClientCertificate> {
    const { certifier, clock } = this.#options;
    const [signing] = trustedSets(await this.record(cluster));
    const issuer = signing[request.authority];
    const key = await certifier.newKey(request.keyAlgorithm ?? cluster.spec.pki.keyAlgorithm);
    const authorityEnd = Date.parse(new X509Certificate(issuer.certificate).validTo);
    const expiresAt = Math.min(clock.now() + request.lifetimeMs, authorityEnd);
    const certificate = certifier.leaf({
      purpose: request.purpose,
      subject: { commonName: request.commonName, organisations: request.organisations },
      issuer,
      publicKey: key.publicKey,
      notBefore: clock.now() - PKI_BACKDATED_MS,
      notAfter: expiresAt,
      ...(request.alternativeNames ? { alternativeNames: request.alternativeNames } : {}),
    });
    return { certificate, key: key.privateKey, expiresAt };
  }

  async #newSet(pki: ClusterSpec["pki"]): Promise<PkiSet> {
    const { certifier, clock } = this.#options;
    const createdAt = clock.now();
    const authority = async (commonName: string): Promise<KeyedCertificate> => {
      const { privateKey } = await certifier.newKey(pki.keyAlgorithm);
      const notBefore = createdAt - PKI_BACKDATED_MS;
      const notAfter = createdAt + pki.caValidityDays * DAY_MS;
      const certificate = certifier.authority({ commonName, key: privateKey, notBefore, notAfter });
      return { certificate, key: privateKey };
    };
    // The names are kubeadm's own.
    const [ca, frontProxyCa, etcdCa, serviceAccount] = await Promise.all([
      authority("kubernetes"),
      authority("front-proxy-ca"),
      authority("etcd-ca"),
      certifier.newKey(pki.keyAlgorithm),
    ]);
    return { ca, frontProxyCa, etcdCa, serviceAccount, createdAt };
  }

  async #prepare(cluster: ClusterView): Promise<void> {
    try {
      await this.record(cluster);
    } catch (error) {
      this.#options.log.error(
        { err: error, cluster: cluster.name },
        "the certificates of a cluster could not be made or opened",
      );
    }
  }

  /** Runs after whatever else is under way for the same cluster. */
  #alone(cluster: string, work: () => Promise<PkiRecord>): Promise<PkiRecord> {
    const before = this.#inFlight.get(cluster) ?? Promise.resolve();
    const run = before.then(work, work).finally(() => {
      if (this.#inFlight.get(cluster) === run) this.#inFlight.delete(cluster);
    });
    this.#inFlight.set(cluster, run);
    return run;
  }
}
