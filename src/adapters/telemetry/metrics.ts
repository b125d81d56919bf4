/** Numbers for Prometheus: what was answered, what was sent, how the machines stand, how the process is. */
import type { RequestListener } from "node:http";
import { Counter, collectDefaultMetrics, Gauge, Registry as PrometheusRegistry } from "prom-client";
import { LIFECYCLE_STATES, type Machine } from "../../domain/machine.ts";
import type { ListenerStatus } from "../../services/ports.ts";
import type { TftpTransferStats } from "../../services/tftp/files.ts";
import { routeFamily } from "./route-family.ts";

/** What is read when somebody scrapes. */
export interface MetricSources {
  readonly machines: { list(): readonly Machine[] };
  /** Packets by outcome: `sent:offer`, `ignored:unknown-machine` …; counted by the DHCP service. */
  readonly dhcpCounters: () => Readonly<Record<string, number>>;
  readonly listeners: () => readonly ListenerStatus[];
}

export class Metrics {
  readonly #registry = new PrometheusRegistry();
  readonly #tftpTransfers = this.#counter("muster_tftp_transfers_total", "TFTP transfers by outcome", [
    "outcome",
  ]);
  readonly #tftpBytes = this.#counter("muster_tftp_sent_bytes_total", "Bytes that TFTP clients acknowledged");
  readonly #tftpPackets = this.#counter("muster_tftp_packets_total", "TFTP packets sent");
  readonly #tftpAgain = this.#counter("muster_tftp_retransmissions_total", "TFTP packets sent once more");
  readonly #httpRequests = this.#counter("muster_http_requests_total", "HTTP requests", [
    "plane",
    "route",
    "status",
  ]);
  readonly #httpBytes = this.#counter("muster_http_sent_bytes_total", "Bytes sent over HTTP", [
    "plane",
    "route",
  ]);
  readonly #httpOpen = new Gauge({
    name: "muster_http_open_requests",
    help: "HTTP requests being answered",
    labelNames: ["plane"],
    registers: [this.#registry],
  });

  constructor({ version }: { readonly version: string }) {
    const registers = [this.#registry];
    collectDefaultMetrics({ register: this.#registry });
    const build = {
      name: "muster_build_info",
      help: "The running version",
      labelNames: ["version"],
      registers,
    };
    new Gauge(build).set({ version }, 1);
  }

  /** Counts a finished TFTP transfer. */
  tftpTransfer(stats: Pick<TftpTransferStats, "outcome" | "bytes" | "packets" | "retransmissions">): void {
    this.#tftpTransfers.inc({ outcome: stats.outcome });
    this.#tftpBytes.inc(stats.bytes);
    this.#tftpPackets.inc(stats.packets);
    this.#tftpAgain.inc(stats.retransmissions);
  }

  /** The same listener, with its requests counted under the name of its plane. */
  observed(plane: "boot" | "control", listener: RequestListener): RequestListener {
    return (request, response) => {
      const route = routeFamily(request.url ?? "/");
      const { socket } = request;
      const before = socket.bytesWritten;
      this.#httpOpen.inc({ plane });
      response.once("close", () => {
        this.#httpOpen.dec({ plane });
        this.#httpRequests.inc({ plane, route, status: String(response.statusCode) });
        this.#httpBytes.inc({ plane, route }, Math.max(0, socket.bytesWritten - before));
      });
      listener(request, response);
    };
  }

  /** Everything in the text format of Prometheus. */
  async expose(): Promise<{ readonly contentType: string; readonly text: string }> {
    return { contentType: this.#registry.contentType, text: await this.#registry.metrics() };
  }

  #counter<const Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[] = [],
  ): Counter<Label> {
    return new Counter({ name, help, labelNames: [...labelNames], registers: [this.#registry] });
  }

  /** Adds what the rest of the program counts by itself; call once, when it has been built. */
  readFrom({ machines, dhcpCounters, listeners }: MetricSources): void {
    const registers = [this.#registry];
    new Gauge({
      name: "muster_machines",
      help: "Machines by lifecycle state",
      labelNames: ["state"],
      registers,
      collect() {
        this.reset();
        for (const state of LIFECYCLE_STATES) this.set({ state }, 0);
        for (const { state } of machines.list()) this.inc({ state });
      },
    });
    new Gauge({
      name: "muster_machines_held",
      help: "Machines that wait for a person to confirm them",
      registers,
      collect() {
        this.set(machines.list().filter((machine) => machine.held !== undefined).length);
      },
    });
    new Gauge({
      name: "muster_listener_up",
      help: "1 for a listener that serves, 0 for one that is degraded",
      labelNames: ["listener"],
      registers,
      collect() {
        this.reset();
        for (const { name, state } of listeners())
          if (state !== "off") this.set({ listener: name }, state === "listening" ? 1 : 0);
      },
    });
    new Counter({
      name: "muster_dhcp_packets_total",
      help: "DHCP packets by what became of them",
      labelNames: ["outcome", "reason"],
      registers,
      collect() {
        this.reset();
        for (const [key, count] of Object.entries(dhcpCounters())) {
          const [outcome = "", reason = ""] = key.split(":");
          this.inc({ outcome, reason }, count);
        }
      },
    });
  }
}
