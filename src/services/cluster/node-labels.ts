/**
 * Sets the labels that a kubelet may not give its own node, such as `node-role.kubernetes.io/worker`. Labels of others stay,
 * and one that is taken out of the documents goes; so does the one by which kubeadm keeps a control plane that takes
 * workloads out of load balancers.
 */
import type { ClusterView } from "../../domain/cluster/members.ts";
import { restrictedLabels, unwantedLabels } from "../../domain/node/labels-taints.ts";
import type { Log } from "../ports.ts";
import type { ClusterAccess, KubernetesNode, Manifest } from "./ports.ts";

export interface NodeLabelsOptions {
  readonly access: ClusterAccess;
  readonly log: Log;
}

export class NodeLabels {
  readonly #options: NodeLabelsOptions;
  /** What was last set, by cluster and the Node's uid, so that a look at a settled cluster costs nothing. */
  readonly #set = new Map<string, string>();
  /** Nodes from which kubeadm's labels were taken: what a person puts back stays. */
  readonly #opened = new Set<string>();

  constructor(options: NodeLabelsOptions) {
    this.#options = options;
  }

  /** Labels the nodes that are there. Never throws: the next look tries again. */
  async settle(cluster: ClusterView): Promise<void> {
    const { access, log } = this.#options;
    try {
      const kubernetes = await access.kubernetes(cluster);
      const wanted = wantedLabels(cluster, await kubernetes.nodes());
      for (const { key, name, unwanted } of wanted) {
        if (unwanted.length === 0 || this.#opened.has(key)) continue;
        await kubernetes.removeLabels(name, unwanted);
        this.#opened.add(key);
      }
      const due = wanted.filter(({ key, text }) => this.#set.get(key) !== text);
      if (due.length === 0) return;
      const applied = await kubernetes.apply(due.map(({ manifest }) => manifest));
      const refused = applied.filter(({ outcome }) => outcome === "refused");
      if (refused.length > 0) log.warn({ cluster: cluster.name, refused }, "labels of nodes were refused");
      else for (const { key, text } of due) this.#set.set(key, text);
    } catch (error) {
      log.debug({ err: error, cluster: cluster.name }, "the labels of nodes were not looked through");
    }
  }
}

interface WantedLabels {
  readonly key: string;
  readonly name: string;
  /** Labels on the node that shall go. */
  readonly unwanted: readonly string[];
  readonly text: string;
  readonly manifest: Manifest;
}

function wantedLabels(cluster: ClusterView, nodes: readonly KubernetesNode[]): readonly WantedLabels[] {
  return cluster.members.flatMap((member) => {
    // Applying to a node that is not there would make one.
    const node = nodes.find(({ name }) => name === member.name);
    if (!node) return [];
    const labels = restrictedLabels(member, cluster);
    // An empty set is applied too: it takes away what was set from here before.
    const metadata = { name: member.name, labels };
    return [
      {
        key: `${cluster.name} ${node.uid}`,
        name: member.name,
        unwanted: unwantedLabels(member, cluster).filter((label) => label in node.labels),
        text: JSON.stringify(labels),
        manifest: { apiVersion: "v1", kind: "Node", metadata },
      },
    ];
  });
}
