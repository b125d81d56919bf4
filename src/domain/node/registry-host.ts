/** The cluster's own registry: Debian's docker-registry with TLS and, when people are named, a login. */
import type { TextFile } from "../install/shell.ts";
import type { NodePlanInput } from "./plan-types.ts";
import { textFile } from "./text-file.ts";
import { yamlText } from "./yaml-text.ts";

const DIRECTORY = "/etc/docker/registry";

/** Configuration and passwords; certificate and key come with the secrets. */
export function registryHostFiles({ member, cluster }: NodePlanInput): readonly TextFile[] {
  if (!member.roles.includes("registry")) return [];
  const { port, dataDir, users } = cluster.spec.registry;
  const config = {
    version: "0.1",
    log: { level: "info" },
    storage: { filesystem: { rootdirectory: dataDir }, delete: { enabled: true } },
    http: {
      addr: `:${port}`,
      tls: { certificate: `${DIRECTORY}/tls.crt`, key: `${DIRECTORY}/tls.key` },
      headers: { "X-Content-Type-Options": ["nosniff"] },
    },
    ...(users.length ? { auth: { htpasswd: { realm: cluster.name, path: `${DIRECTORY}/htpasswd` } } } : {}),
  };
  const passwords = users.map(({ name, passwordHash }) => `${name}:${passwordHash}\n`).join("");
  const privileged = port < 1024;
  return [
    textFile(`${DIRECTORY}/config.yml`, yamlText(config)),
    // The registry is not root; the step that starts it gives it the group.
    ...(users.length ? [{ path: `${DIRECTORY}/htpasswd`, mode: "0640", content: passwords }] : []),
    ...(privileged
      ? [
          textFile(
            "/etc/systemd/system/docker-registry.service.d/muster.conf",
            "[Service]\nAmbientCapabilities=CAP_NET_BIND_SERVICE\n",
          ),
        ]
      : []),
  ];
}
