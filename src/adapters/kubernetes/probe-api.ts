/** Asks one address who answers there and whether it is ready; for API servers, and for the endpoint before its first use. */
import type { ApiAddress, ApiServerHealth } from "../../services/cluster/ports.ts";
import { type ClientCredentials, connectionFault, tlsRequest } from "./tls-request.ts";

const TIMEOUT_MS = 4000;

/** Faults of a certificate that this cluster's authority did sign. */
const OWN_CERTIFICATE = new Set(["ERR_TLS_CERT_ALTNAME_INVALID", "CERT_NOT_YET_VALID", "CERT_HAS_EXPIRED"]);

/** `/readyz` of one address; never throws. */
export async function probeApi(at: ApiAddress, credentials: ClientCredentials): Promise<ApiServerHealth> {
  try {
    const answer = await tlsRequest({
      ...at,
      credentials,
      method: "GET",
      path: "/readyz?verbose",
      timeoutMs: TIMEOUT_MS,
      anyCertificate: true,
    });
    const fault = answer.certificateFault;
    if (fault && !OWN_CERTIFICATE.has(fault.code)) return { kind: "foreign", issuer: fault.issuer };
    if (fault) return { kind: "not-ready", failing: [`certificate: ${fault.code}`] };
    return answer.status === 200 ? { kind: "ready" } : { kind: "not-ready", failing: failingChecks(answer) };
  } catch (error) {
    const reason = connectionFault(error);
    return reason === "does not speak TLS"
      ? { kind: "foreign", issuer: "" }
      : { kind: "unreachable", reason };
  }
}

/** `[-]etcd failed: reason withheld` is a check that fails. */
function failingChecks({
  status,
  text,
}: {
  readonly status: number;
  readonly text: string;
}): readonly string[] {
  const failing = [...text.matchAll(/^\[-\](\S+)/gm)].map(([, name = ""]) => name);
  return failing.length > 0 ? failing : [`answers ${status}`];
}
