/** Versions that do not go together, told before a machine installs them. */
import { DEBIAN_CONTAINERD, pairContainerd } from "../components/containerd-pairing.ts";
import { KUBERNETES_MINORS, kubernetesRelease, newestPatch } from "../components/kubernetes-release.ts";
import { parseVersion } from "../components/version.ts";
import { closest } from "../suggest.ts";
import {
  type CheckedCluster,
  type Finding,
  type KnownAddon,
  type RackFacts,
  refuse,
  warn,
} from "./finding.ts";
import { isNode } from "./members.ts";

/** Everything wrong with the versions a cluster names. */
export function versionFindings(cluster: CheckedCluster, facts: RackFacts): readonly Finding[] {
  const { view, at } = cluster;
  const release = kubernetesRelease(view.spec.kubernetes.version);
  if (!release) {
    const known = KUBERNETES_MINORS.map((minor) => newestPatch(minor) ?? minor).join(", ");
    const message = `Kubernetes ${view.spec.kubernetes.version} is not known here; known are all patches of ${KUBERNETES_MINORS.join(", ")}, the newest being ${known}`;
    return [refuse(at(["kubernetes", "version"], message))];
  }
  return [
    ...containerdFindings(cluster, release.minor),
    ...addonFindings(cluster, { facts, minor: release.minor }),
  ];
}

function containerdFindings({ view, at, machines }: CheckedCluster, minor: string): readonly Finding[] {
  const { source, version } = view.spec.runtime.containerd;
  if (source === "debian") {
    const releases = new Set(machines.filter(({ spec }) => isNode(spec)).map(({ spec }) => spec.os.version));
    return [...releases].flatMap((os) =>
      judged(DEBIAN_CONTAINERD[os], {
        minor,
        say: (reason) => at(["runtime", "containerd", "source"], `on Debian ${os}: ${reason}`),
      }),
    );
  }
  return judged(version, { minor, say: (reason) => at(["runtime", "containerd", "version"], reason) });
}

function judged(
  containerd: string | undefined,
  { minor, say }: { readonly minor: string; readonly say: (reason: string) => Finding["fault"] },
): readonly Finding[] {
  if (containerd === undefined) return [];
  const pair = pairContainerd({ containerd, kubernetesMinor: minor });
  if (pair.fit === "declared") return [];
  return [pair.fit === "unfit" ? refuse(say(pair.reason)) : warn(say(pair.reason))];
}

function addonFindings(
  { view, at }: CheckedCluster,
  { facts, minor }: { readonly facts: RackFacts; readonly minor: string },
): readonly Finding[] {
  const { addons } = facts;
  if (!addons) return [];
  const { cni, cniOptions } = view.spec.network;
  const network = addons.get(cni);
  const names = [...addons].filter(([, { kind }]) => kind === "addon").map(([name]) => name);
  return [
    ...(network
      ? unfit(network, { name: cni, minor, parameters: cniOptions }).map(({ path, message }) =>
          refuse(at(path === undefined ? ["network", "cni"] : ["network", "cniOptions", ...path], message)),
        )
      : []),
    ...view.spec.addons.flatMap(({ name, parameters }, index, all): Finding[] => {
      if (all.findIndex((each) => each.name === name) < index)
        return [refuse(at(["addons", index], `${name} is there twice`))];
      const addon = names.includes(name) ? addons.get(name) : undefined;
      if (addon) {
        return unfit(addon, { name, minor, parameters }).map(({ path, message }) =>
          refuse(at(["addons", index, ...(path === undefined ? [] : ["parameters", ...path])], message)),
        );
      }
      const near = closest(name, names);
      const hint = near === undefined ? `known are ${names.join(", ")}` : `did you mean "${near}"?`;
      return [refuse(at(["addons", index], `there is no add-on named ${name}; ${hint}`))];
    }),
  ];
}

interface Unfit {
  /** Path below the parameters; undefined when the add-on itself does not fit. */
  readonly path: readonly PropertyKey[] | undefined;
  readonly message: string;
}

function unfit(
  { kubernetes: range, faults }: KnownAddon,
  asked: { readonly name: string; readonly minor: string; readonly parameters: unknown },
): readonly Unfit[] {
  const { name, minor, parameters } = asked;
  const wrong = (faults?.(parameters) ?? []).map(({ path, message }) => ({
    path: path === "" ? [] : path.split("."),
    message,
  }));
  const fits = !range || (compareMinors(range.from, minor) <= 0 && compareMinors(minor, range.to) <= 0);
  if (fits) return wrong;
  const message = `${name} declares Kubernetes ${range.from} to ${range.to}, and this cluster runs ${minor}`;
  return [{ path: undefined, message }, ...wrong];
}

function compareMinors(a: string, b: string): number {
  const [left, right] = [parseVersion(`${a}.0`), parseVersion(`${b}.0`)];
  return (left?.major ?? 0) - (right?.major ?? 0) || (left?.minor ?? 0) - (right?.minor ?? 0);
}
