/** /api/v1/tokens. */
import { z } from "zod";
import { TOKEN_ROLES } from "../../services/permissions.ts";
import { type ApiRoute, json, route } from "./api-route.ts";
import type { ControlServices } from "./control-ports.ts";

const tokenName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._@-]{0,62}$/, "a name has letters, digits, dots, hyphens, at most 63")
  .meta({ description: "Who holds it; the audit trail shows this name" });

const createSchema = z.strictObject({
  name: tokenName,
  role: z.enum(TOKEN_ROLES),
  expiresInSeconds: z
    .int()
    .min(1)
    .max(315_360_000)
    .optional()
    .meta({ description: "Never expires when left out" }),
});

const time = z.int().meta({ description: "Epoch milliseconds" });

/** A token as others may see it. */
export const tokenSchema = z.object({
  id: z.string(),
  name: z.string(),
  role: z.enum(TOKEN_ROLES),
  createdAt: time,
  expiresAt: time.optional(),
  lastUsedAt: time.optional(),
  revokedAt: time.optional(),
});

/** A token just made, with its secret. */
export const newTokenSchema = tokenSchema.extend({
  token: z.string().meta({ description: "The secret itself; it is never shown again" }),
});

/** List, make, revoke. */
export function tokenRoutes({
  tokens,
  clock,
}: Pick<ControlServices, "tokens" | "clock">): readonly ApiRoute[] {
  const doc = { tag: "tokens", permission: "tokens:manage" } as const;
  return [
    route({
      ...doc,
      id: "listTokens",
      method: "get",
      path: "/tokens",
      summary: "List tokens",
      success: { 200: { description: "All tokens, without their secrets", schema: "TokenList" } },
      handle: () => json({ items: tokens.list() }),
    }),
    route({
      ...doc,
      id: "createToken",
      method: "post",
      path: "/tokens",
      summary: "Make a token",
      body: createSchema,
      success: { 201: { description: "The token with its secret", schema: "NewToken" } },
      example: { name: "alice", role: "operator", expiresInSeconds: 2_592_000 },
      handle: async ({ body: { expiresInSeconds, ...input } }) => {
        const expiry =
          expiresInSeconds === undefined ? {} : { expiresAt: clock.now() + expiresInSeconds * 1000 };
        const made = await tokens.create({ ...input, ...expiry });
        return json({ ...made.token, token: made.secret }, 201);
      },
    }),
    route({
      ...doc,
      id: "revokeToken",
      method: "delete",
      path: "/tokens/{id}",
      summary: "Revoke a token",
      success: { 204: { description: "It opens nothing any more" } },
      handle: async ({ params }) => {
        await tokens.revoke(params.id ?? "");
        return { kind: "empty" };
      },
    }),
  ];
}
