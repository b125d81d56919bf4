/** Who can log in to a machine. */
import { z } from "zod";

// Every key begins with the length of its type's name, which is AAAA in base64 (RFC 4253 section 6.6).
const PUBLIC_KEY = /^(?:ssh-|ecdsa-|sk-)\S+ AAAA[A-Za-z0-9+/]*={0,2}(?: [^\n]*)?$/;

const userName = z.string().regex(/^[a-z_][a-z0-9_-]{0,31}$/, "expected a Unix user name");
const login = {
  sshKeys: z
    .array(
      z.string().regex(PUBLIC_KEY, "expected one whole line of a public key, as in ~/.ssh/id_ed25519.pub"),
    )
    .default([])
    .describe("Public keys of that user"),
  passwordHash: z
    .string()
    .regex(
      /^\$(5|6|y|2[aby])\$[!-~]+$/,
      "expected a crypt(3) hash such as the output of `mkpasswd -m sha-512`",
    )
    .optional()
    .describe("Hash of a password for the console; none when left out"),
};

export const accessSchema = z
  .strictObject({
    user: userName.default("ops").describe("User that people log in as"),
    ...login,
    sudo: z.boolean().default(true).describe("That user may become root"),
    others: z
      .array(
        z.strictObject({
          user: userName.describe("A further user, made at first boot"),
          ...login,
          sudo: z.boolean().default(false).describe("That user may become root"),
        }),
      )
      .optional()
      .describe("Further users"),
  })
  .superRefine(({ user, others = [] }, context) => {
    const names = [user, ...others.map((each) => each.user)];
    others.forEach((each, index) => {
      if (names.indexOf(each.user) === index + 1) return;
      context.addIssue({
        code: "custom",
        path: ["others", index, "user"],
        message: `${each.user} stands here twice`,
      });
    });
  });

/** Whether anybody can log in with a password. */
export function hasPasswords({ passwordHash, others = [] }: z.infer<typeof accessSchema>): boolean {
  return passwordHash !== undefined || others.some((each) => each.passwordHash !== undefined);
}
