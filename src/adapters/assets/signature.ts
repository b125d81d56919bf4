/** OpenPGP signatures of an archive, checked by the host's own gpgv or (Debian 13) sqv. */
import { execFile } from "node:child_process";
import { access, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { MusterError } from "../../domain/errors.ts";

/** A message and the detached signature (armored text, or binary) over it. */
export interface SignedMessage {
  readonly content: string;
  readonly signature: string | Uint8Array;
}

export type SignatureResult = { readonly kind: "good" } | { readonly kind: "bad"; readonly reason: string };

/** Checks one signature against the archive's keyring. @throws MusterError `unavailable` without a program or keyring. */
export type SignatureCheck = (message: SignedMessage) => Promise<SignatureResult>;

export interface SignatureOptions {
  readonly keyring: string;
  /** Programs to try, in order. */
  readonly programs?: readonly SignatureProgram[];
}

/** A program and what it is told besides the keyring, the signature and the content. */
interface SignatureProgram {
  readonly name: string;
  readonly parameters: readonly string[];
  /** Whether what it answered means that the content may be believed. */
  readonly accepts: (outcome: { readonly exitCode: number; readonly stdout: string }) => boolean;
}

/**
 * A release is signed by several keys and an older keyring lacks the newest: one good signature is enough, as for apt.
 * gpgv ends with an error as soon as a key is missing, so its status lines decide.
 */
const GPGV: SignatureProgram = {
  name: "gpgv",
  parameters: ["--status-fd", "1"],
  accepts: ({ stdout }) =>
    /^\[GNUPG:\] GOODSIG /m.test(stdout) && !/^\[GNUPG:\] (BADSIG|REVKEYSIG) /m.test(stdout),
};
const SQV: SignatureProgram = { name: "sqv", parameters: [], accepts: ({ exitCode }) => exitCode === 0 };

/** Keyring of Debian's archive, from the package debian-archive-keyring. */
export const DEBIAN_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";

/** A check with the first of gpgv and sqv that this host has. */
export function createSignatureCheck({ keyring, programs = [GPGV, SQV] }: SignatureOptions): SignatureCheck {
  return async (message) => {
    await requireKeyring(keyring);
    const directory = await mkdtemp(path.join(tmpdir(), "muster-signature-"));
    try {
      const content = path.join(directory, "content");
      const signature = path.join(directory, "signature");
      await writeFile(content, message.content);
      await writeFile(signature, message.signature);
      for (const program of programs) {
        const outcome = await run(program, ["--keyring", keyring, signature, content]);
        if (outcome.kind !== "absent") return outcome;
      }
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
    throw new MusterError(
      "unavailable",
      "no program to check the archive's signature: install the package gpgv (or sqv)",
    );
  };
}

async function requireKeyring(keyring: string): Promise<void> {
  try {
    await access(keyring);
  } catch {
    const hint = keyring === DEBIAN_KEYRING ? ": install the package debian-archive-keyring" : "";
    throw new MusterError("unavailable", `the archive's keyring ${keyring} cannot be read${hint}`);
  }
}

function run(
  program: SignatureProgram,
  files: readonly string[],
): Promise<SignatureResult | { readonly kind: "absent" }> {
  return new Promise((resolve) => {
    const parameters = [...program.parameters, ...files];
    execFile(program.name, parameters, { timeout: 30_000 }, (error, stdout, stderr) => {
      const exitCode = typeof error?.code === "number" ? error.code : error ? 255 : 0;
      if (error?.code === "ENOENT") resolve({ kind: "absent" });
      else if (program.accepts({ exitCode, stdout })) resolve({ kind: "good" });
      else resolve({ kind: "bad", reason: reasonIn(stderr) });
    });
  });
}

/** The telling line of gpgv's or sqv's complaint. */
function reasonIn(stderr: string): string {
  const lines = stderr.split("\n").map((line) => line.replace(/^gpgv: /, "").trim());
  const telling = lines.find((line) =>
    /bad signature|can't check|no public key|missing key|manipulated|not valid|error|expired/i.test(line),
  );
  return telling ?? lines.find((line) => line !== "") ?? "the signature does not verify";
}
