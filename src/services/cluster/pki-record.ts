/** A cluster's PKI as it is kept: sealed, under the cluster's name, with the generation that replaces it while a rotation runs. */
import { createHash, X509Certificate } from "node:crypto";
import { z } from "zod";
import { MusterError } from "../../domain/errors.ts";
import type { SettingStore } from "../store.ts";
import type { ClusterAuthorities, KeyedCertificate } from "./cluster-authorities.ts";

/** Seals text so that neither the store nor a copy of it gives it away. */
export interface Sealer {
  /** Tells one key from another without giving it away. */
  readonly keyId: string;
  /** Where the key lies, for messages. */
  readonly keyFile: string;
  /** `context` is bound to the result: it must be the same when it is opened. */
  seal(text: string, context: string): string;
  /** Undefined when this key did not seal it, or it was changed. */
  unseal(sealed: string, context: string): string | undefined;
}

const keyedSchema = z.object({ certificate: z.string(), key: z.string() });

/** One complete set: three authorities and the pair that signs service-account tokens. */
const pkiSetSchema = z.object({
  ca: keyedSchema,
  frontProxyCa: keyedSchema,
  etcdCa: keyedSchema,
  serviceAccount: z.object({ publicKey: z.string(), privateKey: z.string() }),
  createdAt: z.number(),
});

/**
 * Where a replacement stands. `trusting`: both sets are trusted, the present one signs. `signing`: both are trusted, the
 * next one signs.
 */
export const ROTATION_PHASES = ["trusting", "signing"] as const;

const recordSchema = z.object({
  present: pkiSetSchema,
  rotation: z.object({ phase: z.enum(ROTATION_PHASES), next: pkiSetSchema, since: z.number() }).optional(),
});

export type PkiSet = z.output<typeof pkiSetSchema>;
export type PkiRecord = z.output<typeof recordSchema>;
export type RotationPhase = (typeof ROTATION_PHASES)[number];

const sealedSchema = z.object({ sealed: z.string(), keyId: z.string() });

/** Keeps sealed records in the settings of the store. */
export class PkiRecords {
  readonly #settings: SettingStore;
  readonly #sealer: Sealer;

  constructor(options: { readonly settings: SettingStore; readonly sealer: Sealer }) {
    this.#settings = options.settings;
    this.#sealer = options.sealer;
  }

  /** @throws MusterError `unavailable` when the record cannot be opened: making a new PKI would break the cluster. */
  async get(cluster: string): Promise<PkiRecord | undefined> {
    const stored = await this.#settings.get(storeKey(cluster));
    if (stored === undefined) return undefined;
    const { sealed, keyId } = sealedSchema.parse(stored);
    const text = this.#sealer.unseal(sealed, storeKey(cluster));
    if (text !== undefined) return recordSchema.parse(JSON.parse(text));
    const why =
      keyId === this.#sealer.keyId
        ? "is damaged in the database"
        : "was sealed with another key than this one";
    throw new MusterError(
      "unavailable",
      `the certificates of cluster ${cluster} cannot be opened: what is stored ${why}; restore ${this.#sealer.keyFile} and the database from the same backup`,
    );
  }

  /** @throws MusterError `unavailable` when the key is not the one that sealed before: it was lost, and may come back. */
  async put(cluster: string, record: PkiRecord): Promise<void> {
    await this.#sameKeyAsBefore();
    const sealed = this.#sealer.seal(JSON.stringify(record), storeKey(cluster));
    await this.#settings.put(storeKey(cluster), { sealed, keyId: this.#sealer.keyId });
  }

  async #sameKeyAsBefore(): Promise<void> {
    const { keyId, keyFile } = this.#sealer;
    const known = await this.#settings.get(KEY_ID);
    if (known === undefined) return this.#settings.put(KEY_ID, keyId);
    if (known === keyId) return;
    throw new MusterError(
      "unavailable",
      `${keyFile} is not the key that sealed the certificates of the clusters; restore it from a backup`,
    );
  }
}

/** Where the id of the sealing key is kept. */
const KEY_ID = "cluster-pki-key";

function storeKey(cluster: string): string {
  return `cluster-pki.${cluster}`;
}

/** The set that signs now first, then the one that is only trusted. */
export function trustedSets({ present, rotation }: PkiRecord): readonly [PkiSet, ...PkiSet[]] {
  if (!rotation) return [present];
  return rotation.phase === "trusting" ? [present, rotation.next] : [rotation.next, present];
}

/** What machines and clients of the cluster are given at this moment. */
export function authoritiesOf(cluster: string, record: PkiRecord): ClusterAuthorities {
  const sets = trustedSets(record);
  const [signing] = sets;
  const bundle = (pick: (set: PkiSet) => KeyedCertificate): KeyedCertificate => ({
    certificate: sets.map((set) => pick(set).certificate).join(""),
    key: pick(signing).key,
  });
  return {
    cluster,
    ca: bundle((set) => set.ca),
    frontProxyCa: bundle((set) => set.frontProxyCa),
    etcdCa: bundle((set) => set.etcdCa),
    serviceAccount: {
      publicKey: sets.map((set) => set.serviceAccount.publicKey).join(""),
      privateKey: signing.serviceAccount.privateKey,
    },
    caHashes: sets.map((set) => publicKeyPin(set.ca.certificate)),
    createdAt: record.present.createdAt,
  };
}

/** `sha256:` and the hex SHA-256 of a certificate's SubjectPublicKeyInfo: what kubeadm calls a CA certificate hash. */
export function publicKeyPin(certificate: string): string {
  const spki = new X509Certificate(certificate).publicKey.export({ type: "spki", format: "der" });
  return `sha256:${createHash("sha256").update(spki).digest("hex")}`;
}
