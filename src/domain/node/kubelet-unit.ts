/** The kubelet as a service, with kubeadm's drop-in. */
import type { TextFile } from "../install/shell.ts";
import type { NodePlanInput } from "./plan-types.ts";
import { runsPods } from "./runs-pods.ts";
import { textFile } from "./text-file.ts";

const UNIT = `[Unit]
Description=kubelet: the Kubernetes node agent
Documentation=https://kubernetes.io/docs/
Wants=network-online.target
After=network-online.target containerd.service
# Half a kubeadm must not come to life at a reboot: its etcd could be a second cluster. The kubelet runs when the
# appliance knows this machine as a member, or while kubeadm is at work.
ConditionPathExists=/var/lib/kubelet/config.yaml
ConditionPathExists=|/var/lib/muster/node/joined
ConditionPathExists=|/run/muster/kubeadm
StartLimitIntervalSec=0

[Service]
ExecStart=/usr/local/bin/kubelet
Restart=always
RestartSec=5

[Install]
WantedBy=multi-user.target
`;

const DROP_IN = `[Service]
Environment="KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --kubeconfig=/etc/kubernetes/kubelet.conf"
Environment="KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml"
# Written by kubeadm init and join.
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
ExecStart=
ExecStart=/usr/local/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS
`;

/** The units of the kubelet on machines that run pods. */
export function kubeletFiles(input: NodePlanInput): readonly TextFile[] {
  if (!runsPods(input)) return [];
  return [
    textFile("/etc/systemd/system/kubelet.service", UNIT),
    textFile("/etc/systemd/system/kubelet.service.d/10-kubeadm.conf", DROP_IN),
  ];
}
