/** proxyDHCP on port 67 and boot server requests on port 4011 (PXE specification 2.1 §2.2). */
import type { Ipv4 } from "../../net/ipv4.ts";
import { MESSAGE_TYPE, OPTION } from "../../protocol/dhcp/option-codes.ts";
import { decodeBootItem, LAYER_CREDENTIALS } from "../../protocol/dhcp/pxe-vendor.ts";
import { bootFieldsFor } from "./boot-fields.ts";
import { bootReply } from "./build-reply.ts";
import { type Decision, ignore } from "./decision.ts";
import { bootServerOf } from "./place.ts";
import type { ReplyKind } from "./reply-destination.ts";
import type { Situation } from "./situation.ts";

/** Beside another DHCP server only the DISCOVER of booting firmware is answered. */
export function decideProxy(situation: Situation): Decision {
  if (situation.request.type !== MESSAGE_TYPE.discover) return ignore("address-server-elsewhere");
  return answerBoot(situation, { type: MESSAGE_TYPE.offer, kind: "lease" });
}

/** Any question on port 4011 is about the boot file, whatever its message type; nothing of earlier packets counts. */
export function decideBootServer(situation: Situation): Decision {
  return answerBoot(situation, { type: MESSAGE_TYPE.ack, kind: "boot-server" });
}

function answerBoot(
  situation: Situation,
  reply: { readonly type: number; readonly kind: ReplyKind },
): Decision {
  const { request, boot, client, rules } = situation;
  if (!boot) return ignore("not-a-boot-client");
  const vendor = request.packet.options.get(OPTION.vendorSpecific);
  const bootItem = vendor && decodeBootItem(vendor);
  if (bootItem && (bootItem.layer & LAYER_CREDENTIALS) !== 0) return ignore("credentials-asked");
  const server = serverOf(situation);
  const fields = bootFieldsFor({
    client: boot,
    mac: client.mac,
    machine: client.machine,
    server,
    httpPort: rules.httpPort,
    overrides: rules.architectures,
    proxy: true,
    bootItem,
    machineId: request.packet.options.get(OPTION.clientMachineId),
  });
  if (fields.kind === "none") return ignore(fields.reason, { because: fields.because });
  return bootReply(situation, { ...reply, server, fields });
}

/** Through a relay the network it stands for may know the appliance by another address. */
function serverOf({ request, plan }: Situation): Ipv4 {
  const relayed = plan.subnetOfRelay(request.packet.giaddr);
  const subnet = relayed ?? plan.subnetOf(request.arrival.interfaceAddress);
  return bootServerOf(request, plan, subnet);
}
