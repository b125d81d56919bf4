/** What a relay says about where the client is: option 82 (RFC 3046). */
import { type Ipv4, ipv4FromBytes } from "../../net/ipv4.ts";
import { decodeSubOptions } from "./sub-options.ts";

export interface RelayAgentInfo {
  /** Lower-case hex. */
  readonly circuitId?: string;
  readonly remoteId?: string;
  /** The network the client is in, when giaddr is not part of it (RFC 3527). */
  readonly linkSelection?: Ipv4;
  /** What the client shall take for the server's identity (RFC 5107). */
  readonly serverIdOverride?: Ipv4;
  /** The relay listens on the port it sent from (RFC 8357). */
  readonly answerToSourcePort: boolean;
}

const CIRCUIT_ID = 1;
const REMOTE_ID = 2;
const LINK_SELECTION = 5;
const SERVER_ID_OVERRIDE = 11;
const RELAY_SOURCE_PORT = 19;

/** Reads the value of option 82; unknown sub-options are passed over. */
export function decodeRelayAgent(bytes: Uint8Array): RelayAgentInfo {
  const values = decodeSubOptions(bytes, { markers: false });
  const linkSelection = address(values.get(LINK_SELECTION));
  const serverIdOverride = address(values.get(SERVER_ID_OVERRIDE));
  const circuitId = hex(values.get(CIRCUIT_ID));
  const remoteId = hex(values.get(REMOTE_ID));
  return {
    ...(circuitId === undefined ? {} : { circuitId }),
    ...(remoteId === undefined ? {} : { remoteId }),
    ...(linkSelection === undefined ? {} : { linkSelection }),
    ...(serverIdOverride === undefined ? {} : { serverIdOverride }),
    answerToSourcePort: values.has(RELAY_SOURCE_PORT),
  };
}

function hex(value: Uint8Array | undefined): string | undefined {
  return value && value.length > 0 ? Buffer.from(value).toString("hex") : undefined;
}

function address(value: Uint8Array | undefined): Ipv4 | undefined {
  return value?.length === 4 ? ipv4FromBytes(value) : undefined;
}
