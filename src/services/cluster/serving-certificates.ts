/**
 * Approves the serving certificates that kubelets ask for (`serverTLSBootstrap`), which Kubernetes itself never does: after
 * their names were compared with the inventory. What does not fit stays as it is, and is told once.
 */
import type { ClusterView } from "../../domain/cluster/members.ts";
import { objectionTo, type ServingRequest } from "../../domain/cluster/serving-request.ts";
import type { EventSink, Log } from "../ports.ts";
import type { ClusterAccess, SigningRequest } from "./ports.ts";

/** What a request for a certificate names. */
export type RequestedNames = Omit<ServingRequest, "username" | "groups" | "usages">;

export interface ServingCertificatesOptions {
  readonly access: ClusterAccess;
  /** Reads a PKCS #10 request; undefined when it is none. */
  readonly read: (pem: string) => RequestedNames | undefined;
  readonly events: EventSink;
  readonly log: Log;
}

const SIGNER = "kubernetes.io/kubelet-serving";
/** Refused requests that are remembered, so that each is told once; Kubernetes drops pending ones after a day. */
const REMEMBERED = 1000;

export class ServingCertificates {
  readonly #options: ServingCertificatesOptions;
  readonly #told = new Set<string>();

  constructor(options: ServingCertificatesOptions) {
    this.#options = options;
  }

  /** Looks through a cluster's pending requests, where its kubelets make any. Never throws for a cluster that is silent. */
  async settle(cluster: ClusterView): Promise<void> {
    if (cluster.spec.kubelet.config.serverTLSBootstrap !== true) return;
    const { access, log } = this.#options;
    try {
      const kubernetes = await access.kubernetes(cluster);
      for (const request of await kubernetes.signingRequests()) {
        if (request.signer !== SIGNER || request.state !== "pending") continue;
        const reason = this.#objection(cluster, request);
        if (reason === undefined) {
          await kubernetes.approve(request, `its names are those of ${request.username} in the inventory`);
          this.#record(cluster, request, { approved: true });
        } else this.#refuse(cluster, request, reason);
      }
    } catch (error) {
      log.warn(
        { err: error, cluster: cluster.name },
        "serving certificates of kubelets were not looked through",
      );
    }
  }

  #objection(cluster: ClusterView, request: SigningRequest): string | undefined {
    const names = this.#options.read(request.request);
    if (!names) return "it is no certificate request";
    const { username, groups, usages } = request;
    return objectionTo({ ...names, username, groups, usages }, cluster);
  }

  #refuse(cluster: ClusterView, request: SigningRequest, reason: string): void {
    const key = `${cluster.name}/${request.name}`;
    if (this.#told.has(key)) return;
    if (this.#told.size >= REMEMBERED) this.#told.clear();
    this.#told.add(key);
    this.#record(cluster, request, { approved: false, reason });
  }

  #record(
    cluster: ClusterView,
    { name, username }: SigningRequest,
    outcome: { readonly approved: true } | { readonly approved: false; readonly reason: string },
  ): void {
    const machine = username.replace(/^system:node:/, "");
    this.#options.events.record({
      type: outcome.approved ? "serving-certificate-approved" : "serving-certificate-refused",
      source: "observer",
      ...(cluster.members.some((member) => member.name === machine) ? { machine } : {}),
      ...(outcome.approved ? {} : { level: "alarm" }),
      message: outcome.approved
        ? `approved the serving certificate of ${machine}`
        : `did not approve ${name} of ${username}: ${outcome.reason}`,
      data: { cluster: cluster.name, request: name },
    });
  }
}
