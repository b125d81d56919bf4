/**
 * Many TFTP clients at once: `tftp-crowd.ts '{"address": …, "paths": […], "clients": 500, …}'`.
 * Prints one JSON object: how many ended how, the hashes of what each path gave, packets and seconds.
 */
import { createHash } from "node:crypto";
import { receive } from "../tftp-receiver.ts";

interface Settings {
  readonly address: string;
  readonly port?: number;
  readonly paths: readonly string[];
  readonly clients: number;
  readonly options?: Readonly<Record<string, string>>;
  readonly duplicateAcks?: number;
  readonly timeout?: number;
}

const { address, port = 69, paths, clients, ...rest } = JSON.parse(process.argv[2] ?? "{}") as Settings;
const started = performance.now();
const results = await Promise.all(
  Array.from({ length: clients }, async (_, i) => {
    const path = paths[i % paths.length] ?? "";
    const got = await receive({ address, port, path, ...rest });
    const hash = createHash("sha256").update(got.bytes).digest("hex");
    return { path, outcome: got.outcome, hash, packets: got.packets, bytes: got.bytes.length };
  }),
);
const outcomes: Record<string, number> = {};
const hashes: Record<string, string[]> = {};
for (const { path, outcome, hash } of results) {
  outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  hashes[path] = [...new Set([...(hashes[path] ?? []), hash])];
}
const sum = (pick: (result: (typeof results)[number]) => number): number =>
  results.reduce((total, result) => total + pick(result), 0);
console.log(
  JSON.stringify({
    outcomes,
    hashes,
    packets: sum((result) => result.packets),
    bytes: sum((result) => result.bytes),
    seconds: (performance.now() - started) / 1000,
  }),
);
