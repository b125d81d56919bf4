/**
 * Stands in for one API server: real TLS with client certificates, and as much of the API as the appliance uses, over
 * objects in memory. What it cannot show is how a real API server judges; test/cluster does that.
 */
import { type MemberAnswer, type MemberPlace, MemberServer } from "./member-server.ts";

type Json = Record<string, unknown>;

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly user: string;
  readonly body: Json | undefined;
}

/** Where each kind is listed, for discovery and for server-side apply. */
const RESOURCES: Readonly<Record<string, readonly { name: string; kind: string; namespaced: boolean }[]>> = {
  "/api/v1": [
    { name: "namespaces", kind: "Namespace", namespaced: false },
    { name: "configmaps", kind: "ConfigMap", namespaced: true },
    { name: "pods/log", kind: "Pod", namespaced: true },
  ],
  "/apis/apps/v1": [{ name: "deployments", kind: "Deployment", namespaced: true }],
};

export class FakeKubernetes {
  /** Every object by its path. */
  readonly objects = new Map<string, Json>();
  readonly seen: SeenRequest[] = [];
  /** Checks of /readyz that fail now. */
  failing: string[] = [];
  /** Pods whose eviction a disruption budget refuses. */
  readonly protectedPods = new Set<string>();
  /** Answers instead of the usual ones, once each, by method and path. */
  readonly once = new Map<string, MemberAnswer>();
  #server: MemberServer | undefined;

  /** Serves on an address of the loopback network, with a certificate of the cluster's CA. */
  static async serve(place: MemberPlace): Promise<FakeKubernetes> {
    const fake = new FakeKubernetes();
    fake.#server = await MemberServer.open(place, {
      authority: "ca",
      purpose: "server",
      commonName: "kube-apiserver",
      strangers: "anonymous",
      answer: ({ method, path, peer, text }) => {
        const user = peer ? `${String(peer.subject.CN)}/${String(peer.subject.O)}` : "";
        const body = text === "" ? undefined : (JSON.parse(text) as Json);
        return fake.#answer({ method, path, user, body });
      },
    });
    return fake;
  }

  get port(): number {
    return this.#server?.port ?? 0;
  }

  async stop(): Promise<void> {
    await this.#server?.stop();
  }

  /** Puts a Node that is Ready, or is not. */
  node(name: string, ready: boolean, more: Json = {}): void {
    this.objects.set(`/api/v1/nodes/${name}`, {
      metadata: { name, uid: `uid-${name}`, labels: { "kubernetes.io/hostname": name } },
      spec: { podCIDR: "10.244.0.0/24", podCIDRs: ["10.244.0.0/24"] },
      status: {
        conditions: [
          { type: "MemoryPressure", status: "False" },
          {
            type: "Ready",
            status: ready ? "True" : "False",
            reason: ready ? "KubeletReady" : "KubeletNotReady",
            message: ready ? "kubelet is posting ready status" : "cni plugin not initialized",
            lastTransitionTime: "2026-11-21T10:00:00Z",
          },
        ],
        addresses: [
          { type: "Hostname", address: name },
          { type: "InternalIP", address: "10.20.0.10" },
        ],
        nodeInfo: { kubeletVersion: "v1.36.3" },
      },
      ...more,
    });
  }

  #answer(request: SeenRequest): MemberAnswer {
    this.seen.push(request);
    const [path = "", query = ""] = request.path.split("?");
    const scripted = this.once.get(`${request.method} ${path}`);
    this.once.delete(`${request.method} ${path}`);
    if (scripted) return scripted;
    if (path === "/readyz") return this.#readyz();
    if (request.user === "") return status(401, "Unauthorized", "Unauthorized");
    const resources = RESOURCES[path];
    if (resources) return { status: 200, body: { resources } };
    switch (request.method) {
      case "GET":
        return this.#get(path, new URLSearchParams(query));
      case "POST":
        return this.#create(path, request.body ?? {});
      case "DELETE":
        return this.objects.delete(path) ? { status: 200, body: {} } : missing(path);
      default:
        return this.#change(request.method, path, request.body ?? {});
    }
  }

  #readyz(): MemberAnswer {
    const lines = ["[+]ping ok", ...this.failing.map((name) => `[-]${name} failed: reason withheld`)];
    return { status: this.failing.length > 0 ? 500 : 200, body: lines.join("\n") };
  }

  #get(path: string, query: URLSearchParams): MemberAnswer {
    const object = this.objects.get(path);
    if (object) return { status: 200, body: object };
    const collection = /^\/api(s\/[^/]+)?\/v1(\/namespaces\/[^/]+)?\/[a-z]+$/.test(path);
    if (!collection) return missing(path);
    const pods = path === "/api/v1/pods";
    const node = /spec\.nodeName=(.*)/.exec(query.get("fieldSelector") ?? "")?.[1];
    const items = [...this.objects]
      .filter(([at]) => (pods ? /\/pods\/[^/]+$/.test(at) : at.startsWith(`${path}/`)))
      .map(([, each]) => each)
      .filter((each) => node === undefined || (each.spec as Json).nodeName === node);
    return { status: 200, body: { items } };
  }

  #create(path: string, body: Json): MemberAnswer {
    const eviction = /^(.*\/pods\/([^/]+))\/eviction$/.exec(path);
    if (eviction) return this.#evict(eviction[1] ?? "", eviction[2] ?? "");
    const at = `${path}/${(body.metadata as { name: string }).name}`;
    if (this.objects.has(at)) return status(409, "AlreadyExists", `${at} already exists`);
    const strings = Object.entries((body.stringData ?? {}) as Record<string, string>);
    const data = Object.fromEntries(
      strings.map(([key, text]) => [key, Buffer.from(text).toString("base64")]),
    );
    this.objects.set(at, { ...body, data });
    return { status: 201, body };
  }

  #evict(path: string, name: string): MemberAnswer {
    if (this.protectedPods.has(name))
      return status(
        429,
        "TooManyRequests",
        "Cannot evict pod as it would violate the pod's disruption budget.",
      );
    return this.objects.delete(path) ? { status: 201, body: {} } : missing(path);
  }

  #change(method: string, path: string, body: Json): MemberAnswer {
    const target = path.replace(/\/approval$/, "");
    const present = this.objects.get(target);
    // Server-side apply creates what is not there; a merge patch does not.
    const applies = method === "PATCH" && "apiVersion" in body;
    if (!present && !applies) return missing(path);
    this.objects.set(target, { ...present, ...body });
    return { status: 200, body: this.objects.get(target) };
  }
}

function missing(path: string): MemberAnswer {
  return status(404, "NotFound", `${path} not found`);
}

function status(code: number, reason: string, message: string): MemberAnswer {
  return { status: code, body: { kind: "Status", status: "Failure", code, reason, message } };
}
