/** One pull: fetch, verify, put into the boot tree, record. Nothing becomes visible before it is complete. */
import { createHash } from "node:crypto";
import {
  BOOT_PROGRAMS,
  INSTALLABLE,
  type InstallerPlan,
  planInstaller,
} from "../../domain/assets/asset-plan.ts";
import { disagreement } from "../../domain/assets/kernel-agreement.ts";
import { MusterError, NotFoundError } from "../../domain/errors.ts";
import type { AssetRecord, Clock } from "../ports.ts";
import type { AssetStore, InstallerNeed, PullOptions, PullReport } from "./assets.ts";
import { initrdName, installerDirectory, installerRecords } from "./installer-records.ts";
import type {
  BootTree,
  FetchOptions,
  InitrdPiece,
  InstallerSource,
  InstallerSurvey,
  Obtained,
} from "./installer-source.ts";

export interface PullPorts {
  readonly source: InstallerSource;
  readonly tree: BootTree;
  readonly store: AssetStore;
  readonly clock: Clock;
}

/** The plan of a need. @throws NotFoundError naming what can be installed. */
export function planOf(need: InstallerNeed): InstallerPlan {
  const plan = planInstaller(need.os, need.architecture);
  if (!plan)
    throw new NotFoundError(`"${need.os}" is not an operating system to pull: ${INSTALLABLE.join(", ")}`);
  return plan;
}

/** Fetches installer, firmware and boot programs of one need. @throws MusterError as {@link PullOptions} says. */
export async function pullInstaller(
  ports: PullPorts,
  { need, onProgress, signal }: PullOptions,
): Promise<PullReport> {
  const plan = planOf(need);
  const fetching: FetchOptions = { onProgress: onProgress ?? (() => undefined), ...(signal && { signal }) };
  const survey = await ports.source.survey(plan, 0);
  const before = await ports.store.all();
  const request = { need, plan, fetching };
  const installer = (await intactImage(ports, { need, survey })) ?? (await pullImage(ports, request));
  const composed = await composeInitrd(ports, { ...request, version: installer.version });
  const programs = await pullPrograms(ports, fetching);
  const records = [...installer.records, ...composed, ...programs.records];
  await ports.store.put(records);
  await removeOldVersions(ports, need);
  const fetched = records.filter((record) =>
    before.every((held) => held.path !== record.path || held.sha256 !== record.sha256),
  );
  const problem = disagreement(installer.kernelVersion, survey.moduleKernels);
  const notes = [...installer.notes, ...programs.notes, ...(problem === undefined ? [] : [problem])];
  if (survey.note !== undefined) notes.push(`${survey.note}; the stored release was used`);
  const unchanged = fetched.length === 0;
  return {
    os: need.os,
    architecture: need.architecture,
    version: installer.version,
    fetched,
    unchanged,
    notes,
  };
}

/** The image on disk, when the archive has none that is newer and every byte is as recorded. */
async function intactImage(
  { store, tree }: PullPorts,
  { need, survey }: { readonly need: InstallerNeed; readonly survey: InstallerSurvey },
): Promise<PulledImage | undefined> {
  const held = installerRecords(await store.all(), { ...need, firmwarePackages: [] }, []);
  if (!held || !survey.versions.includes(held.initrd.version)) return undefined;
  if (
    disagreement(held.kernel.version, survey.moduleKernels) !== undefined &&
    survey.versions[0] !== held.initrd.version
  ) {
    return undefined;
  }
  const records = [held.kernel, held.initrd];
  for (const record of records)
    if ((await tree.hash(record.path))?.sha256 !== record.sha256) return undefined;
  const notes = [`kernel and initrd ${held.initrd.version} are on disk and verified`];
  return { version: held.initrd.version, kernelVersion: held.kernel.version, records, notes };
}

/** Keeps the newest version and the one before it: a machine may be in the middle of loading that. */
async function removeOldVersions({ store, tree }: PullPorts, need: InstallerNeed): Promise<void> {
  const records = (await store.all()).filter(
    (record) => record.os === need.os && record.architecture === need.architecture,
  );
  const kernels = records
    .filter((record) => record.name === "linux")
    .sort((a, b) => b.fetchedAt - a.fetchedAt);
  for (const kernel of kernels.slice(2)) {
    const directory = kernel.path.slice(0, kernel.path.lastIndexOf("/"));
    await store.remove(
      records.filter((each) => each.path.startsWith(`${directory}/`)).map((each) => each.path),
    );
    await tree.removeDirectory(directory);
  }
}

interface ImageRequest {
  readonly need: InstallerNeed;
  readonly plan: InstallerPlan;
  readonly fetching: FetchOptions;
}

interface PulledImage {
  readonly version: string;
  readonly kernelVersion: string;
  readonly records: readonly AssetRecord[];
  readonly notes: readonly string[];
}

async function pullImage(ports: PullPorts, { need, plan, fetching }: ImageRequest): Promise<PulledImage> {
  const obtained = await ports.source.installer(plan, fetching);
  try {
    const initrd = obtained.files.get("initrd.gz") ?? "";
    const kernelVersion = await ports.source.kernelVersionIn(initrd);
    if (kernelVersion === undefined) {
      throw new MusterError(
        "not-verified",
        `the initrd of ${need.os} ${obtained.version} holds no kernel modules`,
      );
    }
    const directory = installerDirectory(need, obtained.version);
    const records: AssetRecord[] = [];
    for (const [name, from] of obtained.files) {
      const version = name === "linux" ? kernelVersion : obtained.version;
      const identity = { os: need.os, architecture: need.architecture, name, version };
      records.push(await place(ports, { identity, from: [from], path: `${directory}/${name}` }));
    }
    return { version: obtained.version, kernelVersion, records, notes: obtained.notes };
  } finally {
    await obtained.dispose();
  }
}

/** The content key of an initrd with these pieces; undefined when nothing is added. */
export function compositionKey(initrdSha256: string, pieces: readonly InitrdPiece[]): string | undefined {
  if (pieces.length === 0) return undefined;
  const hash = createHash("sha256").update(initrdSha256);
  for (const piece of pieces) hash.update(`\n${piece.key}`);
  return hash.digest("hex").slice(0, 16);
}

async function composeInitrd(
  ports: PullPorts,
  { need, plan, fetching, version }: ImageRequest & { readonly version: string },
): Promise<readonly AssetRecord[]> {
  const directory = installerDirectory(need, version);
  const stock = await ports.tree.hash(`${directory}/initrd.gz`);
  if (!stock) throw new MusterError("unavailable", `${directory}/initrd.gz vanished while it was used`);
  const initrd = ports.tree.absolute(`${directory}/initrd.gz`);
  const { firmwarePackages } = need;
  const firmware = await ports.source.firmware(plan, { ...fetching, packages: firmwarePackages, initrd });
  const extras = await ports.source.extras(need.os);
  const pieces = [...firmware, ...extras];
  const key = compositionKey(stock.sha256, pieces);
  if (key === undefined) return [];
  const path = `${directory}/initrd-${key}.gz`;
  const name = initrdName({ firmwarePackages, extras: extras.map((piece) => piece.key) });
  const identity = { os: need.os, architecture: need.architecture, name, version };
  const held = (await ports.store.all()).find((record) => record.path === path);
  const intact = held && (await ports.tree.hash(path))?.sha256 === held.sha256;
  if (held && intact) return [{ ...held, ...identity }];
  const from: (string | Uint8Array)[] = [initrd];
  let length = stock.bytes;
  for (const piece of pieces) {
    const bytes = await piece.read();
    // The kernel wants an uncompressed archive to begin at a multiple of four bytes and skips zeros before it.
    from.push(new Uint8Array((4 - (length % 4)) % 4), bytes);
    length += ((4 - (length % 4)) % 4) + bytes.length;
  }
  return [await place(ports, { identity, from, path })];
}

interface PulledPrograms {
  readonly records: readonly AssetRecord[];
  readonly notes: readonly string[];
}

async function pullPrograms(ports: PullPorts, fetching: FetchOptions): Promise<PulledPrograms> {
  const obtained = await ports.source.programs(BOOT_PROGRAMS, fetching);
  try {
    const records: AssetRecord[] = [];
    for (const program of BOOT_PROGRAMS) records.push(...(await placeProgram(ports, { program, obtained })));
    return { records, notes: obtained.notes };
  } finally {
    await obtained.dispose();
  }
}

async function placeProgram(
  ports: PullPorts,
  { program, obtained }: { readonly program: (typeof BOOT_PROGRAMS)[number]; readonly obtained: Obtained },
): Promise<readonly AssetRecord[]> {
  const from = obtained.files.get(program.servedAs[0] ?? "");
  if (from === undefined) return [];
  const records: AssetRecord[] = [];
  for (const path of program.servedAs) {
    const identity = { os: "any", architecture: "any", name: path, version: obtained.version };
    records.push(await place(ports, { identity, from: [from], path }));
  }
  return records;
}

interface Placement {
  readonly identity: Pick<AssetRecord, "os" | "architecture" | "name" | "version">;
  readonly from: readonly (string | Uint8Array)[];
  readonly path: string;
}

/** Leaves a file alone that already has the content: machines may be reading it. */
async function place(
  { tree, clock, store }: PullPorts,
  { identity, from, path }: Placement,
): Promise<AssetRecord> {
  const held = (await store.all()).find((record) => record.path === path);
  const only = from.length === 1 && typeof from[0] === "string" ? from[0] : undefined;
  if (held && only !== undefined && (await tree.matches(only, path))) return { ...held, ...identity };
  const placed = await tree.place({ from, to: path });
  return { ...identity, path, sha256: placed.sha256, bytes: placed.bytes, fetchedAt: clock.now() };
}
