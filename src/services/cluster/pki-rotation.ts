/**
 * Replacing a cluster's authorities without an hour in which one half of it distrusts the other: first everybody trusts
 * both sets, then the new set signs, then the old one goes. The appliance only changes what it hands out and signs;
 * machines take it over when they are installed again, one at a time, which is what each step waits for.
 */
import { X509Certificate } from "node:crypto";
import type { ClusterView } from "../../domain/cluster/members.ts";
import { TransitionError } from "../../domain/errors.ts";
import type { Clock, EventSink } from "../ports.ts";
import type { ClusterPki } from "./cluster-pki.ts";
import { type PkiRecord, type PkiSet, publicKeyPin, type RotationPhase, trustedSets } from "./pki-record.ts";

/** What a person asks for: the next step, or back to how it was. */
export const ROTATION_STEPS = ["trust", "sign", "finish", "abort"] as const;
export type RotationStep = (typeof ROTATION_STEPS)[number];

export interface AuthorityDescription {
  /** `ca`, `front-proxy-ca` or `etcd-ca`. */
  readonly name: string;
  /** Whether new certificates are signed with it now. */
  readonly signs: boolean;
  readonly subject: string;
  readonly fingerprint: string;
  /** As kubeadm takes it in `--discovery-token-ca-cert-hash`. */
  readonly pin: string;
  readonly notBefore: number;
  readonly notAfter: number;
}

export interface PkiDescription {
  readonly cluster: string;
  readonly phase: "stable" | RotationPhase;
  readonly authorities: readonly AuthorityDescription[];
  /** What a person does next, in one sentence. */
  readonly advice: string;
}

const ADVICE: Readonly<Record<PkiDescription["phase"], string>> = {
  stable: "nothing to do; `muster cluster pki NAME rotate trust` begins a replacement",
  trusting:
    "reimage every machine of the cluster, control planes one at a time, so that all trust both; then rotate sign, or rotate abort to go back",
  signing:
    "reimage every machine once more, so that nothing rests on the old authorities; then rotate finish, and fetch new kubeconfigs",
};

/** What a cluster's authorities are and where a rotation stands; no secrets. */
export function describePki(cluster: string, record: PkiRecord): PkiDescription {
  const phase = record.rotation?.phase ?? "stable";
  const authorities = trustedSets(record).flatMap((set, index) => describeSet(set, index === 0));
  return { cluster, phase, authorities, advice: ADVICE[phase].replace("NAME", cluster) };
}

function describeSet(set: PkiSet, signs: boolean): readonly AuthorityDescription[] {
  const named = { ca: set.ca, "front-proxy-ca": set.frontProxyCa, "etcd-ca": set.etcdCa };
  return Object.entries(named).map(([name, { certificate }]) => {
    const x509 = new X509Certificate(certificate);
    return {
      name,
      signs,
      subject: x509.subject,
      fingerprint: x509.fingerprint256,
      pin: publicKeyPin(certificate),
      notBefore: Date.parse(x509.validFrom),
      notAfter: Date.parse(x509.validTo),
    };
  });
}

/**
 * Takes one step of a rotation.
 * @throws TransitionError when the step does not follow from where the rotation stands.
 */
export async function rotatePki(
  options: { readonly pki: ClusterPki; readonly clock: Clock; readonly events: EventSink },
  request: { readonly cluster: ClusterView; readonly step: RotationStep; readonly source: string },
): Promise<PkiDescription> {
  const { pki, clock, events } = options;
  const { cluster, step, source } = request;
  const record = await pki.change(cluster, (present, newSet) =>
    afterStep({ present, step, newSet, now: clock.now() }),
  );
  events.record({
    type: "cluster-pki-rotation",
    source,
    level: "warning",
    message: `rotation of the certificate authorities of cluster ${cluster.name}: ${step}`,
    data: { cluster: cluster.name, step },
  });
  return describePki(cluster.name, record);
}

async function afterStep(options: {
  readonly present: PkiRecord;
  readonly step: RotationStep;
  readonly newSet: () => Promise<PkiSet>;
  readonly now: number;
}): Promise<PkiRecord> {
  const { present, step, newSet, now } = options;
  const { rotation } = present;
  switch (step) {
    case "trust":
      if (rotation) throw notNow(step, `a rotation is under way (${rotation.phase})`);
      return { ...present, rotation: { phase: "trusting", next: await newSet(), since: now } };
    case "sign":
      if (rotation?.phase !== "trusting") throw notNow(step, "it follows after trust");
      return { ...present, rotation: { ...rotation, phase: "signing", since: now } };
    case "finish":
      if (rotation?.phase !== "signing") throw notNow(step, "it follows after sign");
      return { present: rotation.next };
    case "abort":
      // Once something was signed by the new set, dropping it would cut that machine off.
      if (rotation?.phase !== "trusting")
        throw notNow(step, "only a rotation that does not sign yet can end so");
      return { present: present.present };
  }
}

function notNow(step: RotationStep, why: string): TransitionError {
  return new TransitionError(`rotate ${step} is not possible now: ${why}`);
}
