/** The keys of a new cluster, and the machines' signing requests: made and signed as the appliance does it. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { performance } from "node:perf_hooks";
import { openAuthority } from "../../src/adapters/pki/authority.ts";
import { nodeCertifier } from "../../src/adapters/pki/node-certifier.ts";
import { aClusterPki } from "../support/cluster-pki.ts";
import { aCluster } from "../support/clusters.ts";
import { FakeClock } from "../support/fake-clock.ts";

export interface PkiBench {
  /** Seconds from the first question for a new cluster's authorities to their being kept, by key algorithm. */
  readonly clusters: readonly {
    readonly algorithm: string;
    readonly median: number;
    readonly slowest: number;
  }[];
  /** Signing requests read, checked and signed in a second. */
  readonly signedPerSecond: number;
}

const ALGORITHMS = ["RSA-2048", "ECDSA-P256"] as const;
/** Making an RSA key is a search of random length: many are made, and the longest is told as well. */
const CLUSTERS = 25;
const SIGNING_MS = 3_000;

/** Measures for about twenty seconds. */
export async function benchPki(): Promise<PkiBench> {
  const directory = mkdtempSync(path.join(tmpdir(), "muster-bench-pki-"));
  try {
    const clusters = [];
    for (const algorithm of ALGORITHMS) clusters.push(await newClusters(directory, algorithm));
    return { clusters, signedPerSecond: await signing(directory) };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function newClusters(
  directory: string,
  algorithm: (typeof ALGORITHMS)[number],
): Promise<PkiBench["clusters"][number]> {
  const { pki } = await aClusterPki({ directory, clock: new FakeClock() });
  const seconds: number[] = [];
  for (let number = 0; number < CLUSTERS; number++) {
    const cluster = aCluster({ name: `lab${number}`, spec: { pki: { keyAlgorithm: algorithm } } });
    const begun = performance.now();
    await pki.ensure(cluster);
    seconds.push((performance.now() - begun) / 1_000);
  }
  seconds.sort((a, b) => a - b);
  return { algorithm, median: seconds[Math.floor(CLUSTERS / 2)] ?? 0, slowest: seconds.at(-1) ?? 0 };
}

async function signing(directory: string): Promise<number> {
  const certifier = nodeCertifier(await openAuthority({ directory, clock: new FakeClock() }));
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "/dev/null"];
  const csr = execFileSync("openssl", ["req", "-new", ...key, "-subj", "/CN=kube0"], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  let signed = 0;
  const begun = performance.now();
  while (performance.now() - begun < SIGNING_MS) {
    const read = certifier.read(csr);
    if (read.kind !== "proven") throw new Error(`openssl's request was refused: ${read.reason}`);
    certifier.certify({ machine: "kube0", generation: 1, publicKey: read.request.publicKey });
    signed++;
  }
  return (signed / (performance.now() - begun)) * 1_000;
}
