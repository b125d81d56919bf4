/** A field that names a network. */
import { z } from "zod";
import { formatSubnet, parseInterfaceAddress, parseSubnet } from "../net/subnet.ts";

/** A canonical network; one with host bits is refused with the network it lies in. */
export const networkField = z.string().refine((text) => parseSubnet(text) !== undefined, {
  error: ({ input }) => {
    const within = parseInterfaceAddress(String(input));
    return within
      ? `expected the network itself, ${formatSubnet(within.subnet)}`
      : "expected a network like 10.0.0.0/24";
  },
});
