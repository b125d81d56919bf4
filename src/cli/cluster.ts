/** `muster cluster` */
import type { Command } from "commander";
import { defineClusterAddons } from "./cluster-addons.ts";
import { defineClusterBackup } from "./cluster-backup.ts";
import { defineClusterPki } from "./cluster-pki.ts";
import { defineClusterStatus } from "./cluster-status.ts";
import { defineClusterGiveInit, defineClusterTurn, defineClusterUnfreeze } from "./cluster-turn.ts";
import { example } from "./example.ts";
import { defineKubeconfig } from "./kubeconfig.ts";
import type { Session } from "./session.ts";

export function defineCluster(program: Command, session: Session): void {
  const cluster = program
    .command("cluster")
    .description("See how a cluster is and who joins it, get into it, keep its certificates.")
    .addHelpText(
      "after",
      example("muster cluster status lab", "muster cluster kubeconfig lab > ~/.kube/config"),
    );
  defineClusterStatus(cluster, session);
  defineClusterAddons(cluster, session);
  defineKubeconfig(cluster, session);
  defineClusterPki(cluster, session);
  defineClusterBackup(cluster, session);
  defineClusterTurn(cluster, session);
  defineClusterGiveInit(cluster, session);
  defineClusterUnfreeze(cluster, session);
}
