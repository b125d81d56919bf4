/** Seals secrets before they go into the store: AES-256-GCM under a key that lies in a file of its own. */
import { createCipheriv, createDecipheriv, createHmac, randomBytes } from "node:crypto";
import { join } from "node:path";
import { MusterError } from "../../domain/errors.ts";
import type { Sealer } from "../../services/cluster/pki-record.ts";
import { readSecretFile, writeSecretFile } from "./secret-file.ts";

const KEY_FILE = "clusters.key";
const CIPHER = "aes-256-gcm";
const FORMAT = "v1.";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Opens the key in `<directory>/clusters.key`, or makes it at the first use. A backup holds the file, so that what was
 * sealed can be opened after a restore. @throws MusterError `unavailable` when it is damaged.
 */
export async function openSealer(directory: string): Promise<Sealer> {
  const path = join(directory, KEY_FILE);
  let text = await readSecretFile(path);
  if (text === undefined) {
    text = `${randomBytes(32).toString("hex")}\n`;
    await writeSecretFile(path, text);
  }
  if (!/^[0-9a-f]{64}\s*$/.test(text)) {
    throw new MusterError("unavailable", `${path} is damaged; restore it from a backup`);
  }
  const key = Buffer.from(text.trim(), "hex");
  return {
    keyId: createHmac("sha256", key).update("muster sealing key").digest("hex").slice(0, 16),
    keyFile: path,
    seal: (secret, context) => seal(key, { text: secret, context }),
    unseal: (sealed, context) => unseal(key, { text: sealed, context }),
  };
}

function seal(key: Buffer, { text, context }: { readonly text: string; readonly context: string }): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(Buffer.from(context, "utf8"));
  const sealed = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
  return FORMAT + Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString("base64");
}

function unseal(
  key: Buffer,
  { text, context }: { readonly text: string; readonly context: string },
): string | undefined {
  if (!text.startsWith(FORMAT)) return undefined;
  const bytes = Buffer.from(text.slice(FORMAT.length), "base64");
  if (bytes.length < NONCE_BYTES + TAG_BYTES) return undefined;
  const opened = createDecipheriv(CIPHER, key, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
  opened.setAAD(Buffer.from(context, "utf8"));
  opened.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
  try {
    return opened.update(bytes.subarray(NONCE_BYTES + TAG_BYTES), undefined, "utf8") + opened.final("utf8");
  } catch {
    // GCM says only that key, context and text do not belong together; the caller knows what that means.
    return undefined;
  }
}
