/** haproxy in front of the API servers, checked at layer 7, and of whatever else the endpoint passes on. */
import type { EndpointSpec } from "../cluster/endpoint-spec.ts";
import { type ClusterView, membersWith } from "../cluster/members.ts";

/** haproxy.cfg. All control planes are listed from the start; those not installed yet are simply down. */
export function haproxyConfig(endpoint: EndpointSpec, cluster: ClusterView): string {
  return `${[
    ...global(endpoint),
    ...defaults(endpoint),
    ...api(endpoint, cluster),
    ...endpoint.forwards.flatMap((forward) => passOn(forward, endpoint, cluster)),
    ...statistics(endpoint),
  ].join("\n")}\n`;
}

function global({ maxConnections }: EndpointSpec): readonly string[] {
  return [
    "global",
    "  log /dev/log local0",
    "  user haproxy",
    "  group haproxy",
    `  maxconn ${maxConnections}`,
    "  stats socket /run/haproxy/admin.sock mode 660 level admin",
    "",
  ];
}

// Watches, logs and exec are silent for hours; a machine that is gone must not hold anybody up.
function defaults({ timeoutSeconds }: EndpointSpec): readonly string[] {
  return [
    "defaults",
    "  mode tcp",
    "  log global",
    "  option tcplog",
    "  option dontlognull",
    "  option redispatch 1",
    "  retries 3",
    "  timeout connect 1s",
    "  timeout check 3s",
    `  timeout client ${timeoutSeconds}s`,
    `  timeout server ${timeoutSeconds}s`,
    `  timeout tunnel ${timeoutSeconds}s`,
    "",
  ];
}

function bindAddress({ bind, address }: EndpointSpec): string {
  return bind === "address" ? address : "*";
}

function api(endpoint: EndpointSpec, cluster: ClusterView): readonly string[] {
  const servers = membersWith(cluster, "control-plane").map(
    ({ name, address }) => `  server ${name} ${address}:${cluster.spec.apiPort}`,
  );
  return [
    "frontend kubernetes-api",
    `  bind ${bindAddress(endpoint)}:${endpoint.port}`,
    "  default_backend api-servers",
    "",
    "backend api-servers",
    `  balance ${endpoint.balance}`,
    "  option httpchk",
    "  http-check send meth GET uri /readyz",
    "  http-check expect status 200",
    `  default-server check check-ssl verify required ca-file /etc/muster/cluster-ca.crt ${limits(endpoint)} on-marked-down shutdown-sessions`,
    ...servers,
    "",
  ];
}

function limits({ server }: EndpointSpec): string {
  const optional: readonly (readonly [string, number | undefined, string])[] = [
    ["downinter", server.downInterSeconds, "s"],
    ["slowstart", server.slowStartSeconds, "s"],
    ["maxconn", server.maxConnections, ""],
    ["maxqueue", server.maxQueue, ""],
    ["weight", server.weight, ""],
  ];
  return [
    `inter ${server.interSeconds}s fastinter 1s rise ${server.rise} fall ${server.fall}`,
    ...optional
      .filter(([, value]) => value !== undefined)
      .map(([word, value, unit]) => `${word} ${value ?? ""}${unit}`),
  ].join(" ");
}

function passOn(
  { name, port, targetPort, role }: EndpointSpec["forwards"][number],
  endpoint: EndpointSpec,
  cluster: ClusterView,
): readonly string[] {
  const servers = membersWith(cluster, role).map(
    (member) => `  server ${member.name} ${member.address}:${targetPort} check inter 3s fall 2 rise 2`,
  );
  return [
    `frontend ${name}`,
    `  bind ${bindAddress(endpoint)}:${port}`,
    `  default_backend ${name}-nodes`,
    "",
    `backend ${name}-nodes`,
    `  balance ${endpoint.balance}`,
    ...servers,
    "",
  ];
}

function statistics({ stats }: EndpointSpec): readonly string[] {
  if (!stats) return [];
  return [
    "frontend statistics",
    `  bind *:${stats.port}`,
    "  mode http",
    "  option httplog",
    "  timeout client 30s",
    "  stats enable",
    `  stats uri ${stats.path}`,
    "  stats refresh 10s",
    ...(stats.user && stats.password ? [`  stats auth ${stats.user}:${stats.password}`] : []),
  ];
}
