/** Long-lived parts started in order and stopped in reverse. */
import type { Log, Service } from "../services/ports.ts";

export interface NamedService {
  readonly name: string;
  readonly service: Service;
}

/** The started parts; {@link ServiceStack.stop} ends them in reverse order and survives a part that fails to stop. */
export class ServiceStack {
  readonly #log: Log;
  readonly #started: NamedService[] = [];

  constructor(log: Log) {
    this.#log = log;
  }

  /** Starts parts one after the other. When one fails, those before it are stopped again and its error is thrown. */
  async start(parts: readonly NamedService[], signal: AbortSignal): Promise<void> {
    for (const part of parts) {
      try {
        signal.throwIfAborted();
        await part.service.start(signal);
      } catch (error) {
        await this.stop();
        throw error;
      }
      this.#started.push(part);
    }
  }

  async stop(): Promise<void> {
    for (;;) {
      const part = this.#started.pop();
      if (!part) return;
      try {
        await part.service.stop();
      } catch (error) {
        this.#log.error({ err: error, part: part.name }, "a part of the appliance did not stop cleanly");
      }
    }
  }
}
