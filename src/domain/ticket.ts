/** The form of an installation's ticket, and how it is hidden from logs. */

/** Every ticket starts like this, so that one is recognised wherever it turns up. */
export const TICKET_PREFIX = "mti_";

const TICKET = /^mti_[A-Za-z0-9_-]{32}$/;
const ANYWHERE = /mti_[A-Za-z0-9_-]+/g;
const IN_PATH = /(\/install\/)(?!mti_…)[^\s/?#"'&]+/g;

/** Whether the text has the form of a ticket: the prefix and 24 random bytes in base64url. */
export function isTicket(text: string): boolean {
  return TICKET.test(text);
}

/** The text with every ticket, whole or cut short, replaced by `mti_…`; also whatever stands in a ticket's place in a URL. */
export function maskTickets(text: string): string {
  return text.replace(ANYWHERE, "mti_…").replace(IN_PATH, "$1mti_…");
}
