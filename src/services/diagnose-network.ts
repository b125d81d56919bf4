/** The rules about the way from the firmware's first packet to the boot script. */
import type { IgnoreReason } from "../domain/dhcp/ignore-reason.ts";
import { LOADING_STAGE } from "../domain/lifecycle-events.ts";
import type { DecisionTrace } from "./dhcp/dhcp-service.ts";
import {
  type DiagnosisFacts,
  type DiagnosisRule,
  type Finding,
  inWords,
  lastEvent,
  lastPacket,
} from "./diagnose-facts.ts";

const ADVICE: Partial<Record<IgnoreReason, string>> = {
  "unknown-machine":
    "register this MAC: muster register MAC --name NAME, or add it to the machine's extraMacs",
  denied: "take the MAC out of dhcp.deny",
  "dhcp-off": "set dhcp.mode to proxy or server",
  "no-subnet": "add the network it asks from to network.subnets",
  "unknown-relay": "add the relay's network to network.subnets, or its address to relays",
  "pool-exhausted": "enlarge the pool, or give the machine an address",
  "too-many-offers": "many clients ask at once; raise dhcp.maxHolds if they are yours",
  "rate-limited": "it asks too often: a loop in its firmware? dhcp.clientRate is the limit",
  "no-boot-file": "put a boot program for it into the assets directory and name it in dhcp.architectures",
  "other-server": "another DHCP server answers here: use dhcp.mode proxy, or switch the other one off",
  "not-a-boot-client": "it does not boot from the network: change the boot order in its firmware",
  "boot-withheld": "it is retired or held: muster confirm, or register it again",
  "store-failed": "look at the appliance's disk: muster status",
  "too-late": "the appliance is overloaded: muster status",
};
/** From one step of a network boot to the next it takes seconds; more is a stop. */
const STEP_MS = 60_000;

/** The machine is expected to boot from the network, and its installer has not been handed out yet. */
function awaited({ machine }: DiagnosisFacts): boolean {
  if (machine.held !== undefined) return false;
  return machine.state === "discovered" || machine.state === "registered";
}

/** In the order of a boot; each is silent where the step before it has not happened. */
export const networkRules: readonly DiagnosisRule[] = [
  noDiscover,
  discoverIgnored,
  bootServerUnanswered,
  offerNotTaken,
  bootFileFailed,
  bootFileNeverRead,
  scriptNeverFetched,
  scriptFailed,
  waiting,
];

function noDiscover(facts: DiagnosisFacts): Finding | undefined {
  if (!awaited(facts) || facts.traces.length > 0 || scriptOf(facts)) return undefined;
  return {
    level: "problem",
    message: `no DISCOVER seen from ${facts.machine.spec.mac} for ${inWords(facts.now - facts.since)}`,
    advice:
      "is it powered on, set to boot from the network, on this network (VLAN, relay), and is this its MAC? " +
      "muster get unknown lists MACs that asked",
  };
}

function discoverIgnored(facts: DiagnosisFacts): Finding | undefined {
  const last = lastPacket(facts, "DISCOVER");
  if (!awaited(facts) || !last || last.reply !== undefined || answeredAfter(facts, last)) return undefined;
  return ignored(`DISCOVER ignored: ${last.because}`, last);
}

function bootServerUnanswered(facts: DiagnosisFacts): Finding | undefined {
  const last = facts.traces.findLast(({ listener }) => listener === "boot-server");
  if (!awaited(facts) || !last || last.reply !== undefined) return undefined;
  return ignored(`4011 unanswered: its request to the boot server port got no answer: ${last.because}`, last);
}

function offerNotTaken(facts: DiagnosisFacts): Finding | undefined {
  const offer = facts.traces.findLast(({ reply }) => reply === "OFFER");
  if (!awaited(facts) || !offer || scriptOf(facts) || facts.now - offer.at < STEP_MS) return undefined;
  const taken =
    facts.traces.some(({ reply }) => reply === "ACK") ||
    lastEvent(facts, "boot-file-sent", "boot-file-failed");
  if (taken) return undefined;
  const rivals = facts.rivals.length > 0 ? ` Other servers seen: ${facts.rivals.join(", ")}.` : "";
  return {
    level: "problem",
    message: `it was offered ${offer.bootFile ?? "an address"} ${inWords(facts.now - offer.at)} ago and never came back`,
    advice: `did another DHCP server win? Does a firewall drop the reply, or port 4011?${rivals}`,
  };
}

function bootFileFailed(facts: DiagnosisFacts): Finding | undefined {
  const failed = lastEvent(facts, "boot-file-failed");
  const sent = lastEvent(facts, "boot-file-sent");
  if (!awaited(facts) || !failed || (sent && sent.at >= failed.at)) return undefined;
  return {
    level: "problem",
    message: failed.message,
    advice: "muster assets list shows what is there; a large block size may not pass (tftp.maxBlockSize)",
  };
}

function bootFileNeverRead(facts: DiagnosisFacts): Finding | undefined {
  const told = facts.traces.findLast(({ reply, bootFile }) => reply === "ACK" && bootFile !== undefined);
  if (!awaited(facts) || !told || scriptOf(facts) || facts.now - told.at < STEP_MS) return undefined;
  if (told.bootFile?.startsWith("http") || lastEvent(facts, "boot-file-sent", "boot-file-failed"))
    return undefined;
  return {
    level: "problem",
    message: `it was told to read ${told.bootFile ?? ""} by TFTP and never did`,
    advice: "does a firewall drop UDP port 69, or the answers to it (tftp.singlePort)?",
  };
}

function scriptNeverFetched(facts: DiagnosisFacts): Finding | undefined {
  const sent = lastEvent(facts, "boot-file-sent");
  const told = facts.traces.findLast(({ bootFile }) => bootFile?.startsWith("http"));
  const before = sent ?? told;
  if (!awaited(facts) || !before || scriptOf(facts) || facts.now - before.at < STEP_MS) return undefined;
  return {
    level: "problem",
    message: "boot file fetched but script never: iPXE was loaded and did not ask for its boot script",
    advice: "look at its console: does iPXE find the NIC? Does a firewall drop the boot plane's HTTP port?",
  };
}

function scriptFailed(facts: DiagnosisFacts): Finding | undefined {
  const failed = lastEvent(facts, "boot-script-failed");
  const served = lastEvent(facts, "boot-script");
  if (!failed || (served && served.at > failed.at)) return undefined;
  return { level: "problem", message: failed.message, advice: "muster render shows the fault with its line" };
}

function waiting(facts: DiagnosisFacts): Finding | undefined {
  if (!awaited(facts) || facts.nextBoot.kind !== "wait") return undefined;
  return {
    level: scriptOf(facts) ? "problem" : "warning",
    message: `its boot script waits: ${facts.nextBoot.reason}`,
    advice: "muster assets list shows what is there, muster assets pull fetches it",
  };
}

function ignored(message: string, { reason }: DecisionTrace): Finding {
  const advice = reason === undefined ? undefined : ADVICE[reason];
  return { level: "problem", message, ...(advice === undefined ? {} : { advice }) };
}

function answeredAfter(facts: DiagnosisFacts, packet: DecisionTrace): boolean {
  return facts.traces.some(({ at, reply }) => reply !== undefined && at >= packet.at);
}

/** Evidence that the machine asked for its boot script. */
function scriptOf(facts: DiagnosisFacts): boolean {
  return (
    lastEvent(facts, "boot-script", "installer-booted") !== undefined || facts.machine.stage === LOADING_STAGE
  );
}
