/** A snapshot of etcd's database over the JSON gateway: one JSON object a line, each with a piece of the file. */
import type { IncomingMessage } from "node:http";
import { z } from "zod";
import { ClusterUnreachableError } from "../../services/cluster/cluster-errors.ts";
import { type ClientCredentials, connectionFault, openTls } from "./tls-request.ts";

/** A database of etcd's default quota, 2 GiB, over a slow disk. */
const TIMEOUT_MS = 10 * 60_000;
const MAX_LINE = 64 * 1024 * 1024;

const lineSchema = z.object({
  result: z.object({ blob: z.string().default(""), remaining_bytes: z.string().default("0") }).optional(),
  error: z.object({ message: z.string().default("") }).optional(),
});

/**
 * Opens a snapshot at the first member that gives one. The stream ends well only when it is complete.
 * @throws ClusterUnreachableError
 */
export async function etcdSnapshot(options: {
  readonly cluster: string;
  readonly addresses: readonly string[];
  readonly port: number;
  readonly credentials: ClientCredentials;
}): Promise<AsyncIterable<Uint8Array>> {
  const faults: string[] = [];
  for (const address of options.addresses) {
    try {
      const { response } = await openTls({
        address,
        port: options.port,
        credentials: options.credentials,
        method: "POST",
        path: "/v3/maintenance/snapshot",
        body: "{}",
        timeoutMs: TIMEOUT_MS,
      });
      if (response.statusCode === 200) return pieces(response, options.cluster);
      response.resume();
      faults.push(`${address} answers ${response.statusCode ?? 0}`);
    } catch (error) {
      faults.push(`${address} ${connectionFault(error)}`);
    }
  }
  throw new ClusterUnreachableError(
    `no etcd member of cluster ${options.cluster} gives a snapshot: ${faults.join("; ") || "it has none"}`,
  );
}

async function* pieces(response: IncomingMessage, cluster: string): AsyncGenerator<Uint8Array> {
  let remaining: string | undefined;
  for await (const line of lines(response)) {
    const { result, error } = lineSchema.parse(JSON.parse(line));
    if (error || !result) throw cutOff(cluster, error?.message ?? "an empty piece");
    remaining = result.remaining_bytes;
    if (result.blob !== "") yield Buffer.from(result.blob, "base64");
  }
  if (remaining !== "0") throw cutOff(cluster, `${remaining ?? "all"} bytes are missing`);
}

async function* lines(response: IncomingMessage): AsyncGenerator<string> {
  let rest = "";
  response.setEncoding("utf8");
  for await (const chunk of response as AsyncIterable<string>) {
    const parts = (rest + chunk).split("\n");
    rest = parts.pop() ?? "";
    if (rest.length > MAX_LINE) throw new TypeError("a piece of the snapshot is too long");
    yield* parts.filter((part) => part !== "");
  }
  if (rest !== "") yield rest;
}

function cutOff(cluster: string, why: string): ClusterUnreachableError {
  return new ClusterUnreachableError(`the snapshot of cluster ${cluster} broke off: ${why}`);
}
