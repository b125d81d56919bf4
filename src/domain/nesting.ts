/** How deep a value that came from outside may be nested: what walks it is recursive. */

/** Far more than any document needs, far less than a stack holds. */
export const MAX_NESTING = 64;

/** Whether keys and lists lie deeper in each other than {@link MAX_NESTING}, as in a value that contains itself. */
export function nestsTooDeep(value: unknown, room = MAX_NESTING): boolean {
  if (typeof value !== "object" || value === null) return false;
  return room === 0 || Object.values(value).some((inner) => nestsTooDeep(inner, room - 1));
}
