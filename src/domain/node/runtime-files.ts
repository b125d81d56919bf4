/** containerd, where it pulls from, and crictl. */
import { isNode } from "../cluster/members.ts";
import type { TextFile } from "../install/shell.ts";
import { ownRepository } from "./images.ts";
import { CRI_SOCKET } from "./kubeadm-config.ts";
import type { NodePlanInput } from "./plan-types.ts";
import { registryTrust } from "./registry-trust.ts";
import { runsPods } from "./runs-pods.ts";
import { textFile } from "./text-file.ts";

/** Version 3 of the configuration is read by containerd 2.x, version 2 by 1.7; later programs migrate both in memory. */
type ConfigVersion = 2 | 3;

const CONFIG_DIRECTORY = "/etc/containerd";

/** Whatever containerd and its clients read on a machine with pods; nothing elsewhere. */
export function runtimeFiles(input: NodePlanInput): readonly TextFile[] {
  const { member, cluster } = input;
  if (!runsPods(input)) return [];
  const { containerd } = cluster.spec.runtime;
  const own = containerd.config
    ? [textFile(`${CONFIG_DIRECTORY}/conf.d/50-cluster.toml`, withEnd(containerd.config))]
    : [];
  return [
    textFile(`${CONFIG_DIRECTORY}/config.toml`, containerdConfig(input)),
    ...own,
    ...(containerd.source === "release"
      ? [textFile("/etc/systemd/system/containerd.service", CONTAINERD_UNIT)]
      : []),
    ...registryTrust(input),
    textFile("/etc/crictl.yaml", CRICTL),
    textFile("/etc/profile.d/muster-kubernetes.sh", profile(member.roles.includes("control-plane"))),
  ];
}

function containerdConfig({ member, cluster, release }: NodePlanInput): string {
  const { source, version } = cluster.spec.runtime.containerd;
  const form: ConfigVersion = source === "debian" || version?.startsWith("1.") === true ? 2 : 3;
  const pause = ownRepository(release.pauseImage, cluster.spec.images.repository);
  const pluginDirectory = source === "debian" && !isNode(member) ? "/usr/lib/cni" : "/opt/cni/bin";
  const lines = form === 3 ? version3(pause) : version2(pause, pluginDirectory);
  return `${lines.join("\n")}\n`;
}

function version3(pause: string): readonly string[] {
  const images = 'plugins."io.containerd.cri.v1.images"';
  const runtime = 'plugins."io.containerd.cri.v1.runtime"';
  return [
    "version = 3",
    `imports = ["${CONFIG_DIRECTORY}/conf.d/*.toml"]`,
    "",
    `[${images}]`,
    'snapshotter = "overlayfs"',
    `[${images}.pinned_images]`,
    `sandbox = "${pause}"`,
    `[${images}.registry]`,
    `config_path = "${CONFIG_DIRECTORY}/certs.d"`,
    "",
    `[${runtime}.containerd]`,
    'default_runtime_name = "runc"',
    `[${runtime}.containerd.runtimes.runc]`,
    'runtime_type = "io.containerd.runc.v2"',
    `[${runtime}.containerd.runtimes.runc.options]`,
    "SystemdCgroup = true",
  ];
}

function version2(pause: string, pluginDirectory: string): readonly string[] {
  const cri = 'plugins."io.containerd.grpc.v1.cri"';
  return [
    "version = 2",
    `imports = ["${CONFIG_DIRECTORY}/conf.d/*.toml"]`,
    "",
    `[${cri}]`,
    `sandbox_image = "${pause}"`,
    `[${cri}.cni]`,
    `bin_dir = "${pluginDirectory}"`,
    'conf_dir = "/etc/cni/net.d"',
    `[${cri}.registry]`,
    `config_path = "${CONFIG_DIRECTORY}/certs.d"`,
    `[${cri}.containerd]`,
    'snapshotter = "overlayfs"',
    'default_runtime_name = "runc"',
    `[${cri}.containerd.runtimes.runc]`,
    'runtime_type = "io.containerd.runc.v2"',
    `[${cri}.containerd.runtimes.runc.options]`,
    "SystemdCgroup = true",
  ];
}

const CONTAINERD_UNIT = `[Unit]
Description=containerd container runtime
Documentation=https://containerd.io
After=network.target dbus.service

[Service]
ExecStartPre=-/sbin/modprobe overlay
ExecStart=/usr/local/bin/containerd
Type=notify
Delegate=yes
KillMode=process
Restart=always
RestartSec=5
LimitNPROC=infinity
LimitCORE=infinity
TasksMax=infinity
OOMScoreAdjust=-999

[Install]
WantedBy=multi-user.target
`;

const CRICTL = `runtime-endpoint: ${CRI_SOCKET}
image-endpoint: ${CRI_SOCKET}
timeout: 10
debug: false
`;

// kubectl on the machine itself: everything on a control plane, what a node may see elsewhere.
function profile(controlPlane: boolean): string {
  const file = controlPlane ? "/etc/kubernetes/admin.conf" : "/etc/kubernetes/kubelet.conf";
  return `if [ "$(id -u)" = 0 ] && [ -z "\${KUBECONFIG:-}" ] && [ -r ${file} ]; then export KUBECONFIG=${file}; fi\n`;
}

function withEnd(text: string): string {
  return text.endsWith("\n") ? text : `${text}\n`;
}
