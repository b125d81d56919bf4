/** /api/v1/machines: the roll, and one machine of it. */
import { z } from "zod";
import { faultsOf } from "../../domain/faults.ts";
import { LIFECYCLE_STATES, type Machine } from "../../domain/machine.ts";
import { machineSpecSchema, nameSchema } from "../../domain/machine-spec.ts";
import { defaultName } from "../../services/machine-changes.ts";
import { type ApiRoute, json, problem, type Reply, route } from "./api-route.ts";
import type { ControlServices } from "./control-ports.ts";
import { machineView } from "./machine-view.ts";
import { mergePatch } from "./merge-patch.ts";
import { limitSchema, pageOf } from "./paging.ts";
import type { Principal } from "./principal.ts";
import type { Problem } from "./problem.ts";
import { waitForState } from "./wait-for-state.ts";

type Services = Pick<ControlServices, "machines" | "resources">;

/** A new machine: its name beside the fields of its spec. */
export const registerSchema = z.strictObject({ name: nameSchema.optional(), ...machineSpecSchema.shape });

const listQuery = z.strictObject({
  state: z.enum(LIFECYCLE_STATES).optional(),
  cluster: z.string().optional(),
  mac: z.string().optional(),
  after: z.string().optional().meta({ description: "Name of the last machine of the page before" }),
  limit: limitSchema,
});

const getQuery = z.strictObject({
  wait: z.enum(LIFECYCLE_STATES).optional().meta({ description: "Answer once the machine is in this state" }),
  timeout: z.coerce
    .number()
    .int()
    .min(1)
    .max(300)
    .default(60)
    .meta({ description: "Longest wait in seconds" }),
});

/** Everything about machines as such; what can be done with them is in api-machine-actions.ts. */
export function machineRoutes({ machines, resources }: Services): readonly ApiRoute[] {
  return [
    route({
      id: "listMachines",
      method: "get",
      path: "/machines",
      permission: "machines:read",
      tag: "machines",
      summary: "List machines by name",
      query: listQuery,
      success: { 200: { description: "A page of machines", schema: "MachineList" } },
      handle: ({ query, principal }) => {
        const wanted = machines
          .list()
          .filter(
            (each) =>
              (query.state === undefined || each.state === query.state) &&
              (query.cluster === undefined || each.spec.cluster === query.cluster) &&
              (query.mac === undefined || machines.byMac(query.mac) === each),
          );
        const page = pageOf(wanted, { after: query.after, limit: query.limit, keyOf: (each) => each.name });
        return json({ ...page, items: page.items.map((each) => machineView(each, principal.role)) });
      },
    }),
    route({
      id: "registerMachine",
      method: "post",
      path: "/machines",
      permission: "machines:write",
      tag: "machines",
      summary: "Register a machine",
      body: registerSchema,
      success: { 201: { description: "The machine, registered", schema: "Machine" } },
      example: { mac: "52:54:00:12:34:01", name: "kube0", os: "debian-13" },
      handle: async ({ body, principal }) => {
        const { name, ...spec } = body;
        const faults = resources.faultsOf({ name: name ?? defaultName(spec.mac), spec });
        if (faults.length > 0) return problem(unfit(faults));
        return machineReply(await machines.register({ name, spec }, principal.source), principal, 201);
      },
    }),
    route({
      id: "getMachine",
      method: "get",
      path: "/machines/{name}",
      permission: "machines:read",
      tag: "machines",
      summary: "Get a machine, or wait until it reaches a state",
      query: getQuery,
      success: { 200: { description: "The machine", schema: "Machine" } },
      handle: async ({ params, query, principal, signal }) => {
        const machine =
          query.wait === undefined
            ? machines.byName(params.name ?? "")
            : await waitForState(machines, {
                name: params.name ?? "",
                state: query.wait,
                signal: AbortSignal.any([signal, AbortSignal.timeout(query.timeout * 1000)]),
              });
        return machine ? machineReply(machine, principal) : noMachine(params.name);
      },
    }),
    route({
      id: "updateMachine",
      method: "patch",
      path: "/machines/{name}",
      permission: "machines:write",
      tag: "machines",
      summary: "Change fields of a machine's spec",
      body: z.record(z.string(), z.unknown()).meta({
        description:
          "Fields of the spec to change (JSON merge patch, RFC 7396); null takes a field back to its default",
      }),
      success: { 200: { description: "The machine, changed", schema: "Machine" } },
      example: { install: { layout: "lvm" } },
      handle: async ({ params, body, principal, ifMatch }) => {
        const machine = machines.byName(params.name ?? "");
        if (!machine) return noMachine(params.name);
        const stale = staleness(machine, ifMatch);
        if (stale) return problem(stale);
        const spec = mergePatch(machine.spec, body);
        const result = machineSpecSchema.safeParse(spec);
        if (!result.success) return problem(unfit(faultsOf(result.error, machineSpecSchema, spec)));
        // What is wrong with it already stands in the way of no other change.
        const known = new Set(resources.faultsOf(machine).map(({ message }) => message));
        const faults = resources
          .faultsOf({ name: machine.name, spec: result.data })
          .filter(({ message }) => !known.has(message));
        if (faults.length > 0) return problem(unfit(faults));
        const request = { spec: result.data, revision: machine.revision };
        return machineReply(await machines.update(machine.name, request, principal.source), principal);
      },
    }),
    route({
      id: "deleteMachine",
      method: "delete",
      path: "/machines/{name}",
      permission: "machines:install",
      tag: "machines",
      summary: "Retire a machine, or forget one that is retired or was only discovered",
      success: {
        200: { description: "The machine, retired", schema: "Machine" },
        204: { description: "Forgotten" },
      },
      handle: async ({ params, principal, ifMatch }) => {
        const machine = machines.byName(params.name ?? "");
        if (!machine) return noMachine(params.name);
        const stale = staleness(machine, ifMatch);
        if (stale) return problem(stale);
        if (machine.state === "retired" || machine.state === "discovered") {
          // Its document goes too, or the next apply would register the machine again.
          const described = resources.get("Machine", machine.name);
          if (described) await resources.remove("Machine", machine.name, principal.source);
          else await machines.remove(machine.name, principal.source);
          return { kind: "empty" };
        }
        return machineReply(await machines.retire(machine.name, principal.source), principal);
      },
    }),
  ];
}

/** A machine with its revision as ETag. */
export function machineReply(machine: Machine, principal: Principal, status = 200): Reply {
  return json(machineView(machine, principal.role), status, {
    ETag: `"${machine.revision}"`,
    ...(status === 201 ? { Location: `/api/v1/machines/${machine.name}` } : {}),
  });
}

/** The reply when no machine has that name. */
export function noMachine(name: string | undefined): Reply {
  return problem({ code: "not-found", detail: `there is no machine named ${name ?? ""}` });
}

/** The problem when the caller's `If-Match` is not the machine's revision. */
export function staleness(machine: Machine, ifMatch: number | undefined): Problem | undefined {
  if (ifMatch === undefined || ifMatch === machine.revision) return undefined;
  return {
    code: "precondition-failed",
    detail: `${machine.name} is at revision ${machine.revision}, not ${ifMatch}`,
    hint: "read it again, then repeat the change",
  };
}

/** The problem when a spec does not fit, with everything that is wrong about it. */
export function unfit(faults: Problem["faults"] & {}): Problem {
  const first = faults[0];
  return {
    code: "invalid",
    detail: first ? `${first.path}: ${first.message}` : "the spec does not fit",
    faults,
  };
}
