/** /api/v1/machines/{name}/…: what can be done with a machine. */
import { z } from "zod";
import { faultsOf } from "../../domain/faults.ts";
import type { Machine } from "../../domain/machine.ts";
import { machineSpecSchema } from "../../domain/machine-spec.ts";
import { machineReply, noMachine, staleness, unfit } from "./api-machines.ts";
import { type ApiRoute, type Call, problem, type Reply, type RouteDoc, route } from "./api-route.ts";
import type { ControlServices } from "./control-ports.ts";
import { mergePatch } from "./merge-patch.ts";

type Services = Pick<ControlServices, "machines" | "reimage" | "resources">;
type Act<Body> = (machine: Machine, call: Call<undefined, Body>) => Promise<Machine | Reply>;

const nothing = z.strictObject({});
const approveSchema = z
  .record(z.string(), z.unknown())
  .meta({ description: "Fields of the spec that differ from what was discovered" });
const reimageSchema = z.strictObject({
  force: z.boolean().default(false).meta({ description: "Go on although a guard would ask back" }),
});
const bootSchema = z.strictObject({
  target: z.enum(["local", "rescue", "install"]).nullable().meta({
    description: "What the next network boot gets, once; null takes a standing override back",
  }),
});

/** Everything a person may ask a machine to do. */
export function machineActionRoutes({ machines, reimage, resources }: Services): readonly ApiRoute[] {
  const action = <Body extends z.ZodType>(
    verb: string,
    doc: { readonly summary: string; readonly body: Body; readonly example?: unknown },
    act: Act<z.output<Body>>,
  ): ApiRoute =>
    route({
      ...docOf(verb, doc),
      method: "post",
      path: `/machines/{name}/${verb}`,
      permission: "machines:install",
      body: doc.body,
      handle: async (call) => {
        const machine = machines.byName(call.params.name ?? "");
        if (!machine) return noMachine(call.params.name);
        const stale = staleness(machine, call.ifMatch);
        if (stale) return problem(stale);
        const result = await act(machine, call);
        return "kind" in result ? result : machineReply(result, call.principal);
      },
    });
  return [
    action(
      "approve",
      { summary: "Approve a discovered machine", body: approveSchema, example: { os: "debian-13" } },
      (machine, { body, principal }) =>
        approve(machine, { body, source: principal.source, machines, resources }),
    ),
    action("retire", { summary: "Retire a machine", body: nothing }, ({ name }, { principal }) =>
      machines.retire(name, principal.source),
    ),
    action(
      "retry",
      { summary: "Install once more after a failure", body: nothing },
      ({ name }, { principal }) => machines.retry(name, principal.source),
    ),
    action(
      "reimage",
      { summary: "Install an installed machine again", body: reimageSchema, example: { force: false } },
      ({ name }, { body, principal }) => reimage.reimage(name, body, principal.source),
    ),
    action(
      "boot",
      { summary: "Choose what the next network boot gets", body: bootSchema, example: { target: "local" } },
      ({ name }, { body, principal }) =>
        machines.setBootOverride(name, body.target ?? undefined, principal.source),
    ),
    action("confirm", { summary: "End a hold", body: nothing }, ({ name }, { principal }) =>
      machines.confirm(name, principal.source),
    ),
  ];
}

async function approve(
  machine: Machine,
  options: {
    readonly body: Readonly<Record<string, unknown>>;
    readonly source: string;
    readonly machines: Services["machines"];
    readonly resources: Services["resources"];
  },
): Promise<Machine | Reply> {
  const { body, source, machines, resources } = options;
  if (Object.keys(body).length === 0) return machines.approve(machine.name, {}, source);
  const spec = mergePatch(machine.spec, body);
  const result = machineSpecSchema.safeParse(spec);
  if (!result.success) return problem(unfit(faultsOf(result.error, machineSpecSchema, spec)));
  const faults = resources.faultsOf({ name: machine.name, spec: result.data });
  if (faults.length > 0) return problem(unfit(faults));
  return machines.approve(machine.name, { spec: result.data }, source);
}

function docOf(verb: string, doc: { readonly summary: string; readonly example?: unknown }): RouteDoc {
  return {
    id: `${verb}Machine`,
    tag: "machines",
    summary: doc.summary,
    success: { 200: { description: "The machine as it is now", schema: "Machine" } },
    ...(doc.example === undefined ? {} : { example: doc.example }),
  };
}
