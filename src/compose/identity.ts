/** The appliance's authority and keys, and what rests on them: HTTPS, enrolment of machines. */
import path from "node:path";
import { type ApplianceKeys, applianceKeys } from "../adapters/pki/appliance-keys.ts";
import { type Authority, openAuthority } from "../adapters/pki/authority.ts";
import { nodeCertifier } from "../adapters/pki/node-certifier.ts";
import { type ServerCredentials, serverCredentials } from "../adapters/pki/server-certificate.ts";
import { Enrolment } from "../services/enrolment.ts";
import type { Context } from "./context.ts";
import type { RegistryParts } from "./registry.ts";

export interface IdentityParts {
  readonly authority: Authority;
  readonly keys: ApplianceKeys;
  readonly enrolment: Enrolment;
  /** The CA certificate that clients pin. */
  readonly caFile: string;
  /** The present key and certificate of the control plane. */
  readonly credentials: () => Promise<ServerCredentials>;
}

/** Opens the authority, or makes it at the first start. @throws MusterError `unavailable` when its files are damaged. */
export async function buildIdentity(context: Context, parts: RegistryParts): Promise<IdentityParts> {
  const { config, clock, served } = context;
  const directory = path.join(config.dataDir, "pki");
  const authority = await openAuthority({ directory, clock });
  const keys = await applianceKeys(directory);
  const names = [served.address, ...bootServers(context), ...config.https.names];
  return {
    authority,
    keys,
    enrolment: new Enrolment({
      store: parts.store.identities,
      machines: parts.registry,
      certifier: nodeCertifier(authority),
      events: parts.events,
      clock,
      key: keys.enrolment,
      bootNetwork: config.security.bootNetwork,
    }),
    caFile: path.join(directory, "ca.crt"),
    credentials: () => serverCredentials({ directory, authority, clock, names }),
  };
}

/** The appliance's addresses as machines of other networks reach it. */
function bootServers({ config }: Context): readonly string[] {
  return config.network.subnets.flatMap(({ bootServer }) => bootServer ?? []);
}
