/** Where a cluster's API answers, and what balances and keeps that address. */
import { z } from "zod";
import { parseIpv4 } from "../../net/ipv4.ts";
import { dnsNameSchema, ipSchema, portSchema, wordSchema } from "./cluster-fields.ts";

const statsSchema = z.strictObject({
  port: portSchema.default(8404).describe("Port of the page"),
  path: z
    .string()
    .regex(/^\/[!-~]*$/, "expected a path like /haproxy?stats")
    .default("/haproxy?stats")
    .describe("Path of the page"),
  user: wordSchema.optional().describe("Who may see it; anyone when left out"),
  password: wordSchema.optional().describe("Password of that user"),
});

/** Health checks and limits of each API server behind haproxy. */
const serverSchema = z.strictObject({
  interSeconds: z.int().positive().default(3).describe("Time between two checks"),
  downInterSeconds: z.int().positive().optional().describe("The same while it is down"),
  rise: z.int().positive().default(2).describe("Good checks after which it is up"),
  fall: z.int().positive().default(3).describe("Bad checks after which it is down"),
  slowStartSeconds: z
    .int()
    .positive()
    .optional()
    .describe("Time in which a server that came up is given its full share"),
  maxConnections: z.int().positive().optional().describe("Connections to one server at most"),
  maxQueue: z.int().positive().optional().describe("Connections that wait for one server at most"),
  weight: z.int().min(0).max(256).optional().describe("Share of each server"),
});

const vrrpSchema = z.strictObject({
  mode: z
    .enum(["unicast", "multicast"])
    .default("unicast")
    .describe("How the holders find each other; many switches filter multicast"),
  preferred: z
    .string()
    .min(1)
    .optional()
    .meta({ description: "Machine that holds the address whenever it can; the first by name when left out" }),
  preempt: z
    .boolean()
    .default(false)
    .meta({ description: "The preferred machine takes the address back when it returns" }),
  advertSeconds: z
    .int()
    .positive()
    .default(1)
    .describe("Time between two signs of life of the holder; after three without, another takes over"),
  password: wordSchema
    .max(8)
    .optional()
    .meta({ description: "VRRP password; keepalived uses eight characters of it and sends them readable" }),
});

const forwardSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]*$/)
    .describe("Name in haproxy's configuration"),
  port: portSchema.meta({ description: "Port of the endpoint" }),
  targetPort: portSchema.meta({ description: "Port of the nodes" }),
  role: z.enum(["control-plane", "worker"]).default("worker").describe("Nodes that get the connections"),
});

export const endpointSchema = z
  .strictObject({
    address: ipSchema.meta({ description: "Address at which the API answers, for good" }),
    port: portSchema
      .default(8443)
      .meta({ description: "Port of the endpoint; another one than apiPort where both share a machine" }),
    name: dnsNameSchema.optional().meta({ description: "Name of the endpoint, put into the certificates" }),
    provider: z
      .enum(["keepalived-haproxy", "dedicated-haproxy", "kube-vip", "external"])
      .default("keepalived-haproxy")
      .meta({
        description:
          "keepalived-haproxy on the control planes, dedicated-haproxy on machines with the role load-balancer, kube-vip as a static pod, external when something else balances",
      }),
    interface: z
      .string()
      .regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,14}$/, "expected the name of a network interface")
      .optional()
      .meta({
        description: "Interface that gets the address; found by the machine's own address if left out",
      }),
    routerId: z
      .int()
      .min(1)
      .max(255)
      .optional()
      .meta({ description: "VRRP virtual router id; made from the address when left out" }),
    bind: z
      .enum(["any", "address"])
      .default("any")
      .meta({ description: "haproxy listens on every address, or on the endpoint's alone" }),
    balance: z
      .enum(["roundrobin", "leastconn"])
      .default("roundrobin")
      .describe("How connections are spread over the API servers"),
    timeoutSeconds: z.int().positive().default(10_800).meta({
      description: "How long a silent connection lives: watches, logs and exec sit still for hours",
    }),
    maxConnections: z.int().min(100).default(20_000).meta({
      description: "Connections that haproxy takes at once; it needs two open files for each",
    }),
    server: serverSchema.prefault({}).meta({ description: "How haproxy checks and uses each API server" }),
    stats: statsSchema.optional().meta({ description: "haproxy's statistics page; none when left out" }),
    vrrp: vrrpSchema.prefault({}).meta({ description: "How keepalived decides who holds the address" }),
    forwards: z
      .array(forwardSchema)
      .default([])
      .meta({ description: "Further ports passed on to nodes, such as 80 and 443 to an ingress" }),
  })
  .meta({
    description: "Where the API answers. One control plane without an endpoint answers at its own address",
  });

export type EndpointSpec = z.output<typeof endpointSchema>;

/** The VRRP virtual router id: the one given, or the last octet of the address, which is its own in most networks. */
export function routerIdOf({ routerId, address }: Pick<EndpointSpec, "routerId" | "address">): number {
  return routerId ?? Math.max(1, (parseIpv4(address) ?? 1) & 255);
}
