/** Stands in for one etcd member's JSON gateway: real TLS with client certificates, answers as a test says. */
import { type MemberAnswer, type MemberPlace, type MemberRequest, MemberServer } from "./member-server.ts";

export interface FakeEtcdAnswer {
  readonly status?: number;
  /** Sent as JSON, unless it is a text. */
  readonly body: unknown;
}

export class FakeEtcd {
  /** By path below /v3. */
  readonly answers = new Map<string, FakeEtcdAnswer>();
  readonly seen: { readonly path: string; readonly body: unknown }[] = [];
  #server: MemberServer | undefined;

  /** Serves on an address of the loopback network with a certificate of the cluster's etcd authority. */
  static async serve(place: MemberPlace): Promise<FakeEtcd> {
    const fake = new FakeEtcd();
    fake.#server = await MemberServer.open(place, {
      authority: "etcdCa",
      purpose: "peer",
      commonName: "etcd",
      strangers: "refused",
      answer: (request) => fake.#answer(request),
    });
    return fake;
  }

  get port(): number {
    return this.#server?.port ?? 0;
  }

  async stop(): Promise<void> {
    await this.#server?.stop();
  }

  #answer(request: MemberRequest): MemberAnswer {
    const path = request.path.replace("/v3/", "");
    this.seen.push({ path, body: JSON.parse(request.text) as unknown });
    return { status: 200, ...(this.answers.get(path) ?? { status: 404, body: "404 page not found\n" }) };
  }
}
