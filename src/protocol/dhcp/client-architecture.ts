/** Option 93, and the same number inside the vendor class: what kind of firmware asks. */
import { OPTION } from "./option-codes.ts";
import type { DhcpOptions } from "./options.ts";

const ARCH_TEXT = /^(?:PXEClient|HTTPClient):Arch:(\d{5})/;

/**
 * Architecture codes in the client's order of preference (RFC 4578 §2.1). When option 93 is missing, empty or of odd
 * length, the number in the vendor class (`PXEClient:Arch:00007:…`) stands in.
 */
export function decodeArchitectures(options: DhcpOptions): readonly number[] {
  const listed = options.u16s(OPTION.clientArchitecture);
  if (listed) return listed;
  const named = ARCH_TEXT.exec(options.text(OPTION.vendorClass) ?? "");
  return named ? [Number(named[1])] : [];
}
