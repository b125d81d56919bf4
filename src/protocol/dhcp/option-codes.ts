/** Numbers of the DHCP registry that this program speaks of by name (RFC 2132 and the RFCs noted). */
export const OPTION = {
  pad: 0,
  subnetMask: 1,
  routers: 3,
  nameServers: 6,
  hostName: 12,
  /** Never sent: EDK2 takes it for the file's size and skips asking for the real one. */
  bootFileSize: 13,
  domainName: 15,
  interfaceMtu: 26,
  broadcastAddress: 28,
  timeServers: 42,
  vendorSpecific: 43,
  requestedAddress: 50,
  leaseTime: 51,
  overload: 52,
  messageType: 53,
  serverId: 54,
  parameterRequestList: 55,
  message: 56,
  maxMessageSize: 57,
  renewalTime: 58,
  rebindingTime: 59,
  vendorClass: 60,
  clientId: 61,
  serverName: 66,
  bootFile: 67,
  /** RFC 3004; iPXE writes it without the length octets. */
  userClass: 77,
  /** RFC 4039 */
  rapidCommit: 80,
  /** RFC 3046 */
  relayAgent: 82,
  /** RFC 4578, as are 94 and 97. */
  clientArchitecture: 93,
  clientInterface: 94,
  clientMachineId: 97,
  /** RFC 3011 */
  subnetSelection: 118,
  /** RFC 3442 */
  classlessRoutes: 121,
  /** Encapsulated options of iPXE. */
  ipxe: 175,
  end: 255,
} as const;

/** Values of option 53 (RFC 2132 §9.6). */
export const MESSAGE_TYPE = {
  discover: 1,
  offer: 2,
  request: 3,
  decline: 4,
  ack: 5,
  nak: 6,
  release: 7,
  inform: 8,
} as const;

const NAMES = new Map<number, string>(
  Object.entries(MESSAGE_TYPE).map(([name, value]) => [value, name.toUpperCase()]),
);

/** `DISCOVER` for 1, and so on; `BOOTP` where there is no option 53, `?` for a number nobody assigned. */
export function messageTypeName(type: number | undefined): string {
  if (type === undefined) return "BOOTP";
  return NAMES.get(type) ?? "?";
}

export const BOOTREQUEST = 1;
export const BOOTREPLY = 2;
/** Hardware types of RFC 1700 that need their own treatment. */
export const HTYPE_ETHERNET = 1;
export const HTYPE_INFINIBAND = 32;
/** The broadcast bit of `flags` (RFC 2131 §2, figure 2). */
export const FLAG_BROADCAST = 0x8000;
