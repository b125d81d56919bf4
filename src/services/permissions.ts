/** Who may do what over the API: one table, data only. */

/** Roles of API tokens, from the mightiest to the least. */
export const TOKEN_ROLES = ["admin", "operator", "viewer"] as const;
export type TokenRole = (typeof TOKEN_ROLES)[number];

const VIEWER = [
  "machines:read",
  "events:read",
  "logs:read",
  "leases:read",
  "assets:read",
  "status:read",
] as const;
const OPERATOR = ["machines:write", "machines:install", "documents:render", "assets:write"] as const;
const ADMIN = ["tokens:manage", "config:read", "backup:read", "clusters:admin"] as const;

export type Permission = (typeof VIEWER)[number] | (typeof OPERATOR)[number] | (typeof ADMIN)[number];

/** What each role may do: an operator runs the rack, an admin also holds the keys to the appliance. */
export const PERMISSIONS: Readonly<Record<TokenRole, ReadonlySet<Permission>>> = {
  viewer: new Set<Permission>(VIEWER),
  operator: new Set<Permission>([...VIEWER, ...OPERATOR]),
  admin: new Set<Permission>([...VIEWER, ...OPERATOR, ...ADMIN]),
};

/** Whether a role holds a permission. */
export function may(role: TokenRole, permission: Permission): boolean {
  return PERMISSIONS[role].has(permission);
}
