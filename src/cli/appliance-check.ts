/** What the running appliance of this host says about itself, as checks of `muster doctor`. */
import { UnreachableError } from "../adapters/client/api-error.ts";
import type { AssetCheckView, StatusView } from "../adapters/client/resources.ts";
import type { Check } from "../adapters/host/check.ts";
import { rivalCheck } from "../adapters/host/network-check.ts";
import type { Session } from "./session.ts";

/** The appliance's status; undefined where none runs. */
export async function statusOfRunning(session: Session): Promise<StatusView | undefined> {
  try {
    return await (await session.client()).get<StatusView>("status");
  } catch (error) {
    if (error instanceof UnreachableError) return undefined;
    throw error;
  }
}

/** Its listeners, its own checks, rival DHCP servers it has seen, and its assets hashed again. */
export async function checkAppliance(
  session: Session,
  status: StatusView | undefined,
): Promise<readonly Check[]> {
  if (status === undefined) {
    const advice = "start it with `muster serve` or `systemctl start muster`";
    return [
      {
        name: "appliance",
        state: "warn",
        message: "is not running here; its assets were not checked",
        advice,
      },
    ];
  }
  return [
    {
      name: "appliance",
      state: "ok",
      message: `version ${status.version} runs, DHCP mode ${status.dhcpMode}`,
    },
    ...status.listeners.filter(({ state }) => state !== "off").map(listenerCheck),
    ...status.checks.map(
      ({ name, state, reason }): Check => ({
        name,
        state: ({ ok: "ok", degraded: "warn", failed: "fail" } as const)[state],
        message: reason ?? "in order",
      }),
    ),
    ...status.rivals.map(({ address }) => rivalCheck(address, status.dhcpMode)),
    ...(await assetChecks(session)),
  ];
}

function listenerCheck(listener: StatusView["listeners"][number]): Check {
  const name = listener.name;
  if (listener.state === "listening") {
    return { name, state: "ok", message: `listens on ${(listener.endpoints ?? []).join(", ")}` };
  }
  return { name, state: "warn", message: listener.problem ?? "is not served" };
}

async function assetChecks(session: Session): Promise<readonly Check[]> {
  const client = await session.client();
  const { items } = await client.send<{ readonly items: readonly AssetCheckView[] }>(
    "POST",
    "assets/verify",
    {},
  );
  const broken = items.filter(({ result }) => result !== "intact");
  const name = "assets";
  if (items.length === 0) {
    const advice =
      "nothing to do: what a registered machine needs is pulled by itself; or `muster assets pull debian-13`";
    return [{ name, state: "warn", message: "none pulled yet", advice }];
  }
  if (broken.length === 0) return [{ name, state: "ok", message: `${items.length} files, all intact` }];
  const message = `${broken.length} of ${items.length} files are not as they were fetched`;
  return [
    {
      name,
      state: "fail",
      message,
      advice: "`muster assets verify` names them, `muster assets pull` repairs them",
    },
  ];
}
