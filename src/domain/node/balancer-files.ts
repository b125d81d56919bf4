/** The endpoint's files on the machines that balance and hold it. */
import type { TextFile } from "../install/shell.ts";
import { balances, holdsEndpoint } from "./endpoint-hosts.ts";
import { haproxyConfig } from "./haproxy.ts";
import { CHECK_SCRIPT, checkScript, keepalivedConfig } from "./keepalived.ts";
import type { NodePlanInput } from "./plan-types.ts";
import { program, secretFile } from "./text-file.ts";

/** haproxy.cfg, keepalived.conf and keepalived's check, where they belong; nothing elsewhere. */
export function balancerFiles(input: NodePlanInput): readonly TextFile[] {
  const { member, cluster } = input;
  const { endpoint } = cluster.spec;
  if (!endpoint || !balances(input)) return [];
  const candidate = { endpoint, cluster, member };
  const held = holdsEndpoint(input)
    ? [
        secretFile("/etc/keepalived/keepalived.conf", keepalivedConfig(candidate)),
        program(CHECK_SCRIPT, checkScript(candidate)),
      ]
    : [];
  return [secretFile("/etc/haproxy/haproxy.cfg", haproxyConfig(endpoint, cluster)), ...held];
}
