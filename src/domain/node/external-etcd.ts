/** A member of an external etcd: TLS for clients and peers, as a service or as a static pod. */
import type { ExtraArg } from "../cluster/cluster-fields.ts";
import { etcdMembersOf } from "../cluster/members.ts";
import type { TextFile } from "../install/shell.ts";
import { ownRepository } from "./images.ts";
import { mergeSettings } from "./merge.ts";
import type { NodePlanInput } from "./plan-types.ts";
import { textFile } from "./text-file.ts";
import { yamlText } from "./yaml-text.ts";

const PKI = "/etc/kubernetes/pki/etcd";
/** Stands for new or existing, which the turn decides. */
const STATE = "@STATE@";

function isHost({ member, cluster }: NodePlanInput): boolean {
  return cluster.spec.etcd.topology === "external" && member.roles.includes("etcd");
}

/** Unit and configuration where etcd is a service; the kubelet that runs it alone where it is a static pod. */
export function externalEtcdFiles(input: NodePlanInput): readonly TextFile[] {
  if (!isHost(input)) return [];
  if (input.cluster.spec.etcd.deployment === "systemd") {
    return [
      textFile("/etc/etcd/etcd.env", environment(input)),
      textFile("/etc/systemd/system/etcd.service", unit(input)),
    ];
  }
  return [
    textFile("/var/lib/kubelet/config.yaml", yamlText(aloneKubelet(input))),
    textFile(
      "/etc/systemd/system/kubelet.service.d/20-alone.conf",
      "[Service]\nExecStart=\nExecStart=/usr/local/bin/kubelet --config=/var/lib/kubelet/config.yaml\n",
    ),
  ];
}

/** The pod, of which the turn still decides whether its cluster is a new one. */
export function externalEtcdPlanFiles(
  input: NodePlanInput,
): readonly { readonly name: string; readonly content: string }[] {
  if (!isHost(input) || input.cluster.spec.etcd.deployment === "systemd") return [];
  return [{ name: "etcd.yaml", content: yamlText(pod(input)) }];
}

function settings({ member, cluster }: NodePlanInput): readonly ExtraArg[] {
  const { etcd } = cluster.spec;
  const peers = etcdMembersOf(cluster).map(({ name, address }) => `${name}=https://${address}:2380`);
  const values: Readonly<Record<string, string>> = {
    name: member.name,
    "data-dir": etcd.dataDir,
    "listen-client-urls": `https://127.0.0.1:2379,https://${member.address}:2379`,
    "advertise-client-urls": `https://${member.address}:2379`,
    "listen-peer-urls": `https://${member.address}:2380`,
    "initial-advertise-peer-urls": `https://${member.address}:2380`,
    "initial-cluster": peers.join(","),
    "initial-cluster-token": etcd.clusterToken ?? `${cluster.name}-etcd`,
    "listen-metrics-urls": "http://127.0.0.1:2381",
    "client-cert-auth": "true",
    "trusted-ca-file": `${PKI}/ca.crt`,
    "cert-file": `${PKI}/server.crt`,
    "key-file": `${PKI}/server.key`,
    "peer-client-cert-auth": "true",
    "peer-trusted-ca-file": `${PKI}/ca.crt`,
    "peer-cert-file": `${PKI}/peer.crt`,
    "peer-key-file": `${PKI}/peer.key`,
    "snapshot-count": "10000",
  };
  const own = etcd.extraArgs.map(({ name }) => name);
  return [
    ...Object.entries(values)
      .filter(([name]) => !own.includes(name))
      .map(([name, value]) => ({ name, value })),
    ...etcd.extraArgs,
  ];
}

function environment(input: NodePlanInput): string {
  return settings(input)
    .map(({ name, value }) => `ETCD_${name.toUpperCase().replaceAll("-", "_")}=${value}\n`)
    .join("");
}

// Half a member must not come to life at a reboot: see the kubelet's unit.
function unit({ cluster }: NodePlanInput): string {
  return `[Unit]
Description=etcd of the cluster ${cluster.name}
Documentation=https://etcd.io/docs/
Wants=network-online.target
After=network-online.target
ConditionPathExists=|/var/lib/muster/node/joined
ConditionPathExists=|/run/muster/kubeadm
StartLimitIntervalSec=0

[Service]
Type=notify
EnvironmentFile=/etc/etcd/etcd.env
EnvironmentFile=-/etc/etcd/state.env
ExecStart=/usr/local/bin/etcd
Restart=always
RestartSec=5
TimeoutStartSec=infinity
LimitNOFILE=65536
Nice=-10

[Install]
WantedBy=multi-user.target
`;
}

function aloneKubelet({ cluster }: NodePlanInput): object {
  const ours = {
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    kind: "KubeletConfiguration",
    authentication: { anonymous: { enabled: false }, webhook: { enabled: false } },
    authorization: { mode: "AlwaysAllow" },
    address: "127.0.0.1",
    cgroupDriver: "systemd",
    containerRuntimeEndpoint: "unix:///run/containerd/containerd.sock",
    staticPodPath: "/etc/kubernetes/manifests",
  };
  return mergeSettings(ours, cluster.spec.kubelet.config);
}

function pod(input: NodePlanInput): object {
  const { cluster, release } = input;
  const image = release.images.find((name) => name.includes("/etcd:")) ?? "";
  const command = [...settings(input), { name: "initial-cluster-state", value: STATE }];
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "etcd", namespace: "kube-system", labels: { component: "etcd" } },
    spec: {
      hostNetwork: true,
      priorityClassName: "system-node-critical",
      containers: [
        {
          name: "etcd",
          image: ownRepository(image, cluster.spec.images.repository),
          command: ["etcd", ...command.map(({ name, value }) => `--${name}=${value}`)],
          volumeMounts: [
            { name: "data", mountPath: cluster.spec.etcd.dataDir },
            { name: "certificates", mountPath: PKI, readOnly: true },
          ],
        },
      ],
      volumes: [
        { name: "data", hostPath: { path: cluster.spec.etcd.dataDir, type: "DirectoryOrCreate" } },
        { name: "certificates", hostPath: { path: PKI, type: "Directory" } },
      ],
    },
  };
}
