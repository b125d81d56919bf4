/** Before addresses are handed out: does somebody else do that here already (D-93)? */
import { probeDhcpServers } from "../adapters/dhcp/dhcp-probe.ts";
import { ConflictError } from "../domain/errors.ts";
import { parseMac } from "../net/mac.ts";
import type { DhcpService } from "../services/dhcp/dhcp-service.ts";
import type { EventSink, Service } from "../services/ports.ts";
import type { Context } from "./context.ts";

/**
 * A step of the start in server mode: looks for other DHCP servers on the boot network.
 * Its start is refused with a ConflictError when one answers, unless the person said `--force`.
 */
export function rivalCheck(
  context: Context,
  parts: { readonly dhcp: DhcpService; readonly events: EventSink },
): Service {
  return {
    async start() {
      if (context.config.dhcp.mode !== "server") return;
      const servers = await ask(context, parts.dhcp);
      if (servers.length === 0) return;
      const list = servers.join(", ");
      if (!context.force) {
        throw new ConflictError(
          `another DHCP server answers on ${context.served.interface}: ${list}. Two of them break a network: ` +
            "set dhcp.mode to proxy to work beside it, stop it, or start with --force if you know that both may run",
        );
      }
      parts.events.record({
        type: "rival-dhcp-server",
        source: "dhcp",
        level: "alarm",
        message: `serving DHCP although ${list} answers too, as --force asked`,
      });
    },
    stop: () => Promise.resolve(),
  };
}

async function ask({ served, log, config }: Context, dhcp: DhcpService): Promise<readonly string[]> {
  const mac = parseMac(served.mac);
  if (mac === undefined) return [];
  const result = await probeDhcpServers({
    interfaceAddress: served.address,
    mac,
    serverPort: config.dhcp.port,
    expectProbe: (xid) => dhcp.expectProbe(xid),
  });
  if (result.kind === "impossible") {
    log.warn({ component: "dhcp" }, `cannot look for other DHCP servers: ${result.reason}`);
    return [];
  }
  return result.servers.map(({ server }) => server);
}
