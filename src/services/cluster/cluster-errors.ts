/** What can go wrong when the appliance talks to a cluster: nobody answers, or somebody answers no. */
import { MusterError } from "../../domain/errors.ts";

/** No API server or etcd member of the cluster answered in time; asking again later may help. */
export class ClusterUnreachableError extends MusterError {
  constructor(message: string, cause?: unknown) {
    super("unavailable", message, { cause });
  }
}

/** The cluster answered, and the answer is no. */
export class ClusterRefusedError extends MusterError {
  /** The HTTP status of the answer. */
  readonly status: number;
  /** Kubernetes' own word for it, like `Forbidden`, `Invalid`, `TooManyRequests`; empty when it gave none. */
  readonly reason: string;

  constructor(message: string, answer: { readonly status: number; readonly reason?: string }) {
    super("upstream-failed", message);
    this.status = answer.status;
    this.reason = answer.reason ?? "";
  }
}

/** What came of a call to a cluster: its value, or why there is none. */
export type Attempt<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: string };

/** Makes a call whose failure is part of the picture. @throws only what is not a MusterError: a fault of this program */
export async function attempt<T>(call: () => Promise<T>): Promise<Attempt<T>> {
  try {
    return { ok: true, value: await call() };
  } catch (error) {
    if (error instanceof MusterError) return { ok: false, problem: error.message };
    throw error;
  }
}
