/** The timeline and the installer logs, as lists and as feeds. */
import { z } from "zod";
import type { LogLine, StoredEvent } from "../../services/ports.ts";
import { noMachine } from "./api-machines.ts";
import { type ApiRoute, json, type Reply, route } from "./api-route.ts";
import type { ControlServices } from "./control-ports.ts";
import { limitSchema, pageFrom } from "./paging.ts";
import type { Feed, FeedItem } from "./sse.ts";

type Services = Pick<ControlServices, "machines" | "timeline" | "installerLogs">;

const FEED_PAGE = 500;
const after = z.coerce
  .number()
  .int()
  .min(0)
  .optional()
  .meta({ description: "Only what came after this id; the newest when left out" });
const follow = z
  .enum(["0", "1", "true", "false"])
  .default("0")
  .transform((text) => text === "1" || text === "true")
  .meta({ description: "1 keeps the answer open as server-sent events" });
const level = z.enum(["info", "warning", "alarm"]).optional();

const eventQuery = z.strictObject({
  machine: z.string().optional(),
  mac: z.string().optional(),
  level,
  after,
  limit: limitSchema,
  follow,
});
const logQuery = z.strictObject({
  generation: z.coerce.number().int().min(0).optional(),
  after,
  limit: limitSchema,
  follow,
});

type EventFilter = Omit<z.output<typeof eventQuery>, "follow">;
type LogFilter = Omit<z.output<typeof logQuery>, "follow"> & { readonly machine: string };

/** Events of everything, events of one machine, and its installer log. */
export function timelineRoutes(services: Services): readonly ApiRoute[] {
  const { machines } = services;
  return [
    route({
      id: "listEvents",
      method: "get",
      path: "/events",
      permission: "events:read",
      tag: "timeline",
      summary: "List events, or follow them",
      query: eventQuery,
      success: { 200: { description: "Events, oldest first; or a stream of them", schema: "EventList" } },
      handle: ({ query: { follow: live, ...filter }, lastEventId }) =>
        live ? feed(eventFeed(services, filter, lastEventId)) : eventPage(services, filter),
    }),
    route({
      id: "listMachineEvents",
      method: "get",
      path: "/machines/{name}/events",
      permission: "events:read",
      tag: "timeline",
      summary: "List the events of a machine, or follow them",
      query: eventQuery.omit({ machine: true, mac: true }),
      success: { 200: { description: "Events, oldest first; or a stream of them", schema: "EventList" } },
      handle: ({ params, query: { follow: live, ...rest }, lastEventId }) => {
        const machine = machines.byName(params.name ?? "");
        if (!machine) return noMachine(params.name);
        const filter = { ...rest, machine: machine.name };
        return live ? feed(eventFeed(services, filter, lastEventId)) : eventPage(services, filter);
      },
    }),
    route({
      id: "listMachineLogs",
      method: "get",
      path: "/machines/{name}/logs",
      permission: "logs:read",
      tag: "timeline",
      summary: "Read a machine's installer log, or follow it",
      query: logQuery,
      success: { 200: { description: "Lines, oldest first; or a stream of them", schema: "LogList" } },
      handle: ({ params, query: { follow: live, ...rest }, lastEventId, wantsText }) => {
        const machine = machines.byName(params.name ?? "");
        if (!machine) return noMachine(params.name);
        const filter = { ...rest, machine: machine.name };
        return live ? feed(logFeed(services, filter, lastEventId)) : logPage(services, filter, wantsText);
      },
    }),
  ];
}

async function eventPage({ timeline }: Services, filter: EventFilter): Promise<Reply> {
  return json(idPage(await timeline.list({ ...filter, limit: filter.limit + 1 }), filter));
}

async function logPage({ installerLogs }: Services, filter: LogFilter, asText: boolean): Promise<Reply> {
  const page = idPage(await installerLogs.list({ ...filter, limit: filter.limit + 1 }), filter);
  if (!asText) return json(page);
  return { kind: "text", contentType: "text/plain; charset=utf-8", body: page.items.map(plainLine).join("") };
}

/** Asked for the newest, a store that returned one too many has its surplus at the old end. */
function idPage<T extends { readonly id: number }>(
  found: readonly T[],
  options: { readonly after?: number | undefined; readonly limit: number },
) {
  if (options.after === undefined) return { items: found.slice(-options.limit) };
  return pageFrom(found, { limit: options.limit, keyOf: (item) => String(item.id) });
}

function plainLine(line: LogLine): string {
  return `${new Date(line.at).toISOString()} ${line.program}: ${line.text}\n`;
}

function feed(value: Feed): Reply {
  return { kind: "feed", feed: value };
}

/** Events that fit a filter, to be followed. */
export function eventFeed(
  { timeline }: Pick<Services, "timeline">,
  filter: EventFilter,
  lastEventId: number | undefined,
): Feed {
  const item = (event: StoredEvent): FeedItem => ({ id: event.id, data: event });
  return {
    after: lastEventId ?? filter.after,
    backlog: async (from) => (await timeline.list({ ...filter, after: from, limit: FEED_PAGE })).map(item),
    subscribe: (listener) =>
      timeline.subscribe((event) => {
        if (fits(event, filter)) listener(item(event));
      }),
  };
}

function fits(event: StoredEvent, filter: EventFilter): boolean {
  return (
    (filter.machine === undefined || event.machine === filter.machine) &&
    (filter.mac === undefined || event.mac === filter.mac) &&
    (filter.level === undefined || event.level === filter.level)
  );
}

/** Lines of one machine's installer log, to be followed. */
export function logFeed(
  { installerLogs }: Pick<Services, "installerLogs">,
  filter: LogFilter,
  lastEventId: number | undefined,
): Feed {
  const item = (line: LogLine): FeedItem => ({ id: line.id, data: line });
  return {
    after: lastEventId ?? filter.after,
    backlog: async (from) =>
      (await installerLogs.list({ ...filter, after: from, limit: FEED_PAGE })).map(item),
    subscribe: (listener) =>
      installerLogs.subscribe((line) => {
        const same = line.machine === filter.machine;
        if (same && (filter.generation === undefined || line.generation === filter.generation))
          listener(item(line));
      }),
  };
}
