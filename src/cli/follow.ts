/** Follows an event stream of the appliance for as long as the user wants, across its restarts. */
import { setTimeout as sleep } from "node:timers/promises";
import type { ApiClient } from "../adapters/client/api-client.ts";
import { UnreachableError } from "../adapters/client/api-error.ts";
import type { Session } from "./session.ts";

const RECONNECT_MS = 2000;

export interface Following<Item> {
  /** The path to follow; `after` is the id of the last item that was seen. */
  readonly path: (after: string | undefined) => string;
  readonly onItem: (item: Item) => void | Promise<void>;
}

/**
 * Hands every item to `onItem` until the user interrupts. The first connection must succeed; later ones are tried
 * again and resume behind the last item seen.
 */
export async function follow<Item>(
  session: Session,
  client: ApiClient,
  following: Following<Item>,
): Promise<void> {
  const { interrupted } = session.terminal;
  const ended = (): boolean => interrupted.aborted;
  let after: string | undefined;
  let connected = false;
  while (!ended()) {
    try {
      for await (const message of client.follow(following.path(after))) {
        connected = true;
        after = message.id ?? after;
        await following.onItem(JSON.parse(message.data) as Item);
      }
      connected = true;
    } catch (error) {
      if (ended()) return;
      if (!connected || !(error instanceof UnreachableError)) throw error;
      session.say("the connection was lost; trying again");
    }
    await sleep(RECONNECT_MS, undefined, { signal: interrupted }).catch(() => undefined);
  }
}
