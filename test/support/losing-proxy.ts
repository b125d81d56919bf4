/** An HTTP hop that loses what it is told to lose: a question before it arrives, or the answer to one that did. */
import {
  request as ask,
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";

export type Loss = "question" | "answer";

export class LosingProxy {
  /** Which POST is lost, counted from 0, and how; all others pass. */
  readonly losses = new Map<number, Loss>();
  readonly #server: Server;
  #target: string;
  #posts = 0;

  private constructor(target: string) {
    this.#target = target;
    this.#server = createServer((question, answer) => void this.#pass(question, answer));
  }

  static async open(target: string): Promise<LosingProxy> {
    const proxy = new LosingProxy(target);
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** POSTs seen so far, lost ones included. */
  get posts(): number {
    return this.#posts;
  }

  /** From now on everything goes to another appliance. */
  lead(target: string): void {
    this.#target = target;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #pass(question: IncomingMessage, answer: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of question) chunks.push(chunk as Buffer);
    const loss = question.method === "POST" ? this.losses.get(this.#posts++) : undefined;
    if (loss === "question") {
      question.socket.destroy();
      return;
    }
    const { method, headers, url = "/" } = question;
    const forwarded = ask(`${this.#target}${url}`, { method: method ?? "GET", headers }, (given) => {
      if (loss === "answer") {
        given.resume();
        given.once("end", () => question.socket.destroy());
        return;
      }
      answer.writeHead(given.statusCode ?? 502, given.headers);
      given.pipe(answer);
    });
    forwarded.on("error", () => question.socket.destroy());
    forwarded.end(Buffer.concat(chunks));
  }
}
