/**
 * The allowed moves of a machine, as data. Rules of one event are tried from top to bottom; the first that fits the
 * state and its `when` decides, and its `guard` may still refuse with a reason.
 */
import type { LifecycleRule } from "./lifecycle-rule.ts";
import { CLUSTER_RULES } from "./lifecycle-table-cluster.ts";
import { INSTALL_RULES } from "./lifecycle-table-install.ts";
import { PERSON_RULES } from "./lifecycle-table-person.ts";

export const LIFECYCLE_TABLE: readonly LifecycleRule[] = [
  ...INSTALL_RULES,
  ...CLUSTER_RULES,
  ...PERSON_RULES,
];
