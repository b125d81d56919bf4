/** Install plans and templates for tests. */
import { join } from "node:path";
import { createNunjucksTemplates } from "../../src/adapters/templates/nunjucks-templates.ts";
import { type ApplianceFacts, type InstallPlan, planInstall } from "../../src/domain/install/plan.ts";
import type { Templates } from "../../src/services/install/ports.ts";
import { aMachine } from "./machines.ts";

export const APPLIANCE: ApplianceFacts = {
  address: "192.0.2.1",
  httpPort: 8080,
  httpsPort: 8443,
  syslogPort: 514,
  caCertificate: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
};

export const CREDENTIALS = {
  ticket: "mti_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
  enrolmentSecret: "enrolment-secret-of-this-generation",
  diskMarker: "0123456789abcdef0123456789abcdef",
};

export function aPlan(fields: Parameters<typeof aMachine>[0] = {}): InstallPlan {
  return planInstall({
    machine: aMachine(fields),
    generation: 1,
    appliance: APPLIANCE,
    credentials: CREDENTIALS,
  });
}

/** The templates as they are shipped. */
export function shippedTemplates(): Templates {
  return createNunjucksTemplates({
    root: join(import.meta.dirname, "../.."),
    directories: ["preseed", "boot-templates"],
    autoescape: false,
    compile: (name) => !name.endsWith(".sh"),
  });
}
