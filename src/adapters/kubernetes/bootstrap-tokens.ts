/** Bootstrap tokens: Secrets in kube-system whose names and fields kubeadm and the API server know. */
import { randomInt } from "node:crypto";
import type { BootstrapToken, ListedToken } from "../../services/cluster/ports.ts";
import { type ApiClient, bodyOf, refusal } from "./api-client.ts";
import { secretListSchema } from "./api-objects.ts";

const SECRETS = "/api/v1/namespaces/kube-system/secrets";
const TYPE = "bootstrap.kubernetes.io/token";
/** kubeadm binds this group to what a joining machine needs. */
const GROUP = "system:bootstrappers:kubeadm:default-node-token";
const LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789";

/** Makes a token that ends by itself. @throws ClusterUnreachableError, ClusterRefusedError */
export async function createBootstrapToken(
  client: ApiClient,
  options: { readonly now: number; readonly lifetimeMs: number; readonly description: string },
): Promise<BootstrapToken> {
  const id = randomLetters(6);
  const secret = randomLetters(16);
  const expiresAt = options.now + options.lifetimeMs;
  const answer = await client.call({
    method: "POST",
    path: SECRETS,
    body: {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: `bootstrap-token-${id}`, namespace: "kube-system" },
      type: TYPE,
      stringData: {
        "token-id": id,
        "token-secret": secret,
        // Without milliseconds: the API server reads RFC 3339.
        expiration: new Date(expiresAt).toISOString().replace(/\.\d+Z$/, "Z"),
        "usage-bootstrap-authentication": "true",
        "usage-bootstrap-signing": "true",
        "auth-extra-groups": GROUP,
        description: options.description,
      },
    },
  });
  // Where one server took it and its answer was lost, the next one says that the name exists: it is this very token.
  if (!answer.ok && answer.status !== 409) throw refusal(answer, "a bootstrap token");
  return { id, token: `${id}.${secret}`, expiresAt };
}

/** @throws ClusterUnreachableError, ClusterRefusedError */
export async function deleteBootstrapToken(client: ApiClient, id: string): Promise<"deleted" | "absent"> {
  const path = `${SECRETS}/bootstrap-token-${encodeURIComponent(id)}`;
  const body = bodyOf(await client.call({ method: "DELETE", path }), `to delete the bootstrap token ${id}`);
  return body === undefined ? "absent" : "deleted";
}

/** Every bootstrap token, kubeadm's own too. @throws ClusterUnreachableError, ClusterRefusedError */
export async function listBootstrapTokens(client: ApiClient): Promise<readonly ListedToken[]> {
  const body = await client.get(`${SECRETS}?fieldSelector=${encodeURIComponent(`type=${TYPE}`)}`);
  return secretListSchema.parse(body ?? { items: [] }).items.map(({ data }) => {
    const text = (key: string): string => Buffer.from(data[key] ?? "", "base64").toString("utf8");
    const expiresAt = Date.parse(text("expiration"));
    return {
      id: text("token-id"),
      description: text("description"),
      ...(Number.isNaN(expiresAt) ? {} : { expiresAt }),
    };
  });
}

function randomLetters(length: number): string {
  return Array.from({ length }, () => LETTERS[randomInt(LETTERS.length)]).join("");
}
