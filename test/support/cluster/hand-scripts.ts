/** The shell that a person would write for {@link buildByHand}. */
import { kubernetesRelease } from "../../../src/domain/components/kubernetes-release.ts";
import { LAB_VERSION } from "../kubernetes-components.ts";
import { addressOf, type LabMember, VIP } from "./lab-cluster.ts";

const KUBERNETES = `http://10.78.0.2:8001/release/v${LAB_VERSION}/bin/linux/amd64`;
const GITHUB = "http://10.78.0.2:8002";
const REGISTRY = "http://10.78.0.2:5000";
const TOKEN = "abcdef.0123456789abcdef";
const CERTIFICATE_KEY = "a".repeat(64);
const IGNORED = "SystemVerification,FileContent--proc-sys-net-bridge-bridge-nf-call-iptables,NumCPU,Mem";
const RELEASE = kubernetesRelease(LAB_VERSION);

/** Packages, programs, containerd, and the images that this machine will run. */
export function prepareScript(member: LabMember): string {
  const { containerd = "", cniPlugins = "", runc = "" } = RELEASE?.defaults ?? {};
  const controlPlane = member.roles.includes("control-plane");
  const wanted = (RELEASE?.images ?? []).filter(
    (image) => controlPlane || /kube-proxy|pause|coredns/.test(image),
  );
  const packages = ["conntrack", "ethtool", "iptables", ...(controlPlane ? ["haproxy", "keepalived"] : [])];
  return `set -e
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update && apt-get -qq -y --no-install-recommends install ${packages.join(" ")}
sysctl -qw net.ipv4.ip_forward=1
mkdir -p /opt/cni/bin /etc/containerd/certs.d/registry.k8s.io /etc/cni/net.d
for program in kubeadm kubelet kubectl; do curl -fsS -o /usr/local/bin/$program ${KUBERNETES}/$program; done
curl -fsS -o /usr/local/bin/runc ${GITHUB}/opencontainers/runc/releases/download/v${runc}/runc.amd64
chmod 755 /usr/local/bin/*
curl -fsS ${GITHUB}/containerd/containerd/releases/download/v${containerd}/containerd-${containerd}-linux-amd64.tar.gz | tar -xz -C /usr/local
curl -fsS ${GITHUB}/containernetworking/plugins/releases/download/v${cniPlugins}/cni-plugins-linux-amd64-v${cniPlugins}.tgz | tar -xz -C /opt/cni/bin
cat >/etc/containerd/config.toml <<X
version = 3
[plugins."io.containerd.cri.v1.runtime"]
  restrict_oom_score_adj = true
[plugins."io.containerd.cri.v1.images".pinned_images]
  sandbox = "${RELEASE?.pauseImage ?? ""}"
[plugins."io.containerd.cri.v1.images".registry]
  config_path = "/etc/containerd/certs.d"
X
printf '[host."${REGISTRY}"]\\n' >/etc/containerd/certs.d/registry.k8s.io/hosts.toml
cat >/etc/systemd/system/containerd.service <<X
[Service]
Type=notify
ExecStart=/usr/local/bin/containerd
Delegate=yes
KillMode=process
Restart=always
[Install]
WantedBy=multi-user.target
X
cat >/etc/systemd/system/kubelet.service <<X
[Service]
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
ExecStart=/usr/local/bin/kubelet --bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --kubeconfig=/etc/kubernetes/kubelet.conf --config=/var/lib/kubelet/config.yaml \\$KUBELET_KUBEADM_ARGS
Restart=always
RestartSec=3
[Install]
WantedBy=multi-user.target
X
systemctl daemon-reload
systemctl enable -q kubelet containerd
systemctl restart containerd
for image in ${wanted.join(" ")}; do ctr -n k8s.io images pull --hosts-dir /etc/containerd/certs.d $image >/dev/null; done`;
}

/** haproxy before every API server, and keepalived with the address. */
export function balancerScript(member: LabMember, all: readonly LabMember[], priority: number): string {
  const servers = all.map((each) => `  server ${each.name} ${addressOf(each)}:6443`).join("\n");
  const peers = all.filter(({ name }) => name !== member.name).map((each) => `    ${addressOf(each)}`);
  return `set -e
cat >/etc/haproxy/haproxy.cfg <<X
global
  maxconn 4000
defaults
  mode tcp
  timeout connect 2s
  timeout client 1h
  timeout server 1h
frontend api
  bind *:8443
  default_backend servers
backend servers
  option httpchk GET /readyz
  default-server check check-ssl verify none inter 1s fall 2 rise 1
${servers}
X
nic=$(ip -4 -o addr | awk '/${addressOf(member)}\\//{print $2}')
cat >/etc/keepalived/keepalived.conf <<X
vrrp_instance api {
  state BACKUP
  interface $nic
  virtual_router_id 51
  priority ${priority}
  advert_int 1
  unicast_peer {
${peers.join("\n")}
  }
  virtual_ipaddress {
    ${VIP}/24
  }
}
X
systemctl restart haproxy keepalived`;
}

/** The only init. */
export function initScript(member: LabMember, endpoint: string): string {
  return `set -e
for i in $(seq 30); do ip addr | grep -q ' ${endpoint}/' && break; sleep 1; done
cat >/root/kubeadm.yaml <<X
apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
certificateKey: ${CERTIFICATE_KEY}
localAPIEndpoint: { advertiseAddress: ${addressOf(member)} }
bootstrapTokens: [{ token: ${TOKEN}, ttl: 24h0m0s }]
nodeRegistration: { kubeletExtraArgs: [{ name: node-ip, value: ${addressOf(member)} }] }
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: v${LAB_VERSION}
controlPlaneEndpoint: ${endpoint}:8443
networking: { podSubnet: 10.244.0.0/16, serviceSubnet: 10.96.0.0/12 }
---
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
cgroupDriver: cgroupfs
failCgroupV1: false
failSwapOn: false
localStorageCapacityIsolation: false
---
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: nftables
conntrack: { maxPerCore: 0 }
X
kubeadm init --config /root/kubeadm.yaml --upload-certs --ignore-preflight-errors=${IGNORED}`;
}

/** One join, as control plane or worker. */
export function joinScript(
  member: LabMember,
  { endpoint, hash }: { readonly endpoint: string; readonly hash: string },
): string {
  const own = addressOf(member);
  const controlPlane = member.roles.includes("control-plane")
    ? `controlPlane: { localAPIEndpoint: { advertiseAddress: ${own} }, certificateKey: ${CERTIFICATE_KEY} }\n`
    : "";
  return `set -e
cat >/root/join.yaml <<X
apiVersion: kubeadm.k8s.io/v1beta4
kind: JoinConfiguration
discovery: { bootstrapToken: { token: ${TOKEN}, apiServerEndpoint: "${endpoint}:8443", caCertHashes: ["${hash}"] } }
${controlPlane}nodeRegistration: { kubeletExtraArgs: [{ name: node-ip, value: ${own} }] }
X
kubeadm join --config /root/join.yaml --ignore-preflight-errors=${IGNORED}`;
}

/** A bridge for this node's pods and one route to those of every other. */
export function networkScript(
  member: LabMember,
  ranges: ReadonlyMap<string, { readonly range: string; readonly address: string }>,
): string {
  const own = ranges.get(member.name)?.range ?? "";
  const plugins = [
    {
      type: "bridge",
      bridge: "cni0",
      isGateway: true,
      hairpinMode: true,
      ipam: { type: "host-local", ranges: [[{ subnet: own }]], routes: [{ dst: "0.0.0.0/0" }] },
    },
    { type: "portmap", capabilities: { portMappings: true } },
  ];
  const others = [...ranges].filter(([name]) => name !== member.name);
  const routes = others.map(([, { range, address }]) => `ip route replace ${range} via ${address}`);
  return `set -e
cat >/etc/cni/net.d/10-lab.conflist <<'X'
${JSON.stringify({ cniVersion: "1.0.0", name: "lab", plugins })}
X
${routes.join("\n")}`;
}
