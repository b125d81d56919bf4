/**
 * The fields of a KubeletConfiguration (v1beta1) and a KubeProxyConfiguration (v1alpha1), and the kind of each: both
 * programs refuse to start with a field they do not know, which is better said before a machine is installed.
 */
import { closest } from "../suggest.ts";

const KINDS = {
  text: { words: "a text", fits: (value: unknown) => typeof value === "string" },
  flag: { words: "true or false", fits: (value: unknown) => typeof value === "boolean" },
  whole: { words: "a whole number", fits: (value: unknown) => Number.isInteger(value) },
  number: { words: "a number", fits: (value: unknown) => typeof value === "number" },
  duration: {
    words: "a duration like 90s or 4m0s",
    fits: (value: unknown) => typeof value === "string" && /^(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$/.test(value),
  },
  list: { words: "a list", fits: (value: unknown) => Array.isArray(value) },
  texts: {
    words: "names with texts",
    fits: (value: unknown) => isObject(value) && Object.values(value).every((it) => typeof it === "string"),
  },
  flags: {
    words: "names with true or false",
    fits: (value: unknown) => isObject(value) && Object.values(value).every((it) => typeof it === "boolean"),
  },
  object: { words: "fields of its own", fits: isObject },
} as const;

type Kind = keyof typeof KINDS;
type Fields = Readonly<Partial<Record<Kind, string>>>;

const KUBELET: Fields = {
  text: `staticPodPath podLogsDir staticPodURL address tlsCertFile tlsPrivateKeyFile tlsMinVersion
    imagePullCredentialsVerificationPolicy healthzBindAddress clusterDomain kubeletCgroups systemCgroups cgroupRoot
    cgroupDriver cpuManagerPolicy memoryManagerPolicy topologyManagerPolicy topologyManagerScope hairpinMode podCIDR
    resolvConf contentType containerLogMaxSize configMapAndSecretChangeDetectionStrategy reservedSystemCPUs
    showHiddenMetricsForVersion systemReservedCgroup kubeReservedCgroup volumePluginDir providerID
    containerRuntimeEndpoint imageServiceEndpoint memoryReservationPolicy`,
  flag: `enableServer rotateCertificates serverTLSBootstrap enableDebuggingHandlers enableContentionProfiling
    cgroupsPerQOS singleProcessOOMKill runOnce cpuCFSQuota serializeImagePulls mergeDefaultEvictionSettings
    enableControllerAttachDetach protectKernelDefaults makeIPTablesUtilChains failSwapOn kernelMemcgNotification
    enableSystemLogHandler enableSystemLogQuery enableProfilingHandler enableDebugFlagsHandler seccompDefault
    registerNode localStorageCapacityIsolation failCgroupV1`,
  whole: `port readOnlyPort registryPullQPS registryBurst eventRecordQPS eventBurst healthzPort oomScoreAdj
    nodeLeaseDurationSeconds imageGCHighThresholdPercent imageGCLowThresholdPercent maxPods podPidsLimit
    nodeStatusMaxImages maxOpenFiles kubeAPIQPS kubeAPIBurst maxParallelImagePulls evictionMaxPodGracePeriod podsPerCore
    iptablesMasqueradeBit iptablesDropBit containerLogMaxFiles containerLogMaxWorkers`,
  number: "memoryThrottlingFactor",
  duration: `syncFrequency fileCheckFrequency httpCheckFrequency streamingConnectionIdleTimeout
    nodeStatusUpdateFrequency nodeStatusReportFrequency imageMinimumGCAge imageMaximumGCAge volumeStatsAggPeriod
    cpuManagerReconcilePeriod runtimeRequestTimeout cpuCFSQuotaPeriod evictionPressureTransitionPeriod
    containerLogMonitorInterval shutdownGracePeriod shutdownGracePeriodCriticalPods`,
  list: `tlsCipherSuites tlsCurvePreferences preloadedImagesVerificationAllowlist clusterDNS enforceNodeAllocatable
    allowedUnsafeSysctls shutdownGracePeriodByPodPriority reservedMemory registerWithTaints`,
  texts: `cpuManagerPolicyOptions topologyManagerPolicyOptions qosReserved evictionHard evictionSoft
    evictionSoftGracePeriod evictionMinimumReclaim systemReserved kubeReserved`,
  flags: "featureGates",
  object: `staticPodURLHeader authentication authorization memorySwap logging crashLoopBackOff tracing userNamespaces`,
};

const KUBE_PROXY: Fields = {
  text: `hostnameOverride bindAddress healthzBindAddress metricsBindAddress showHiddenMetricsForVersion mode
    detectLocalMode clusterCIDR portRange`,
  flag: "bindAddressHardFail enableProfiling windowsRunAsService",
  whole: "oomScoreAdj",
  duration: "configSyncPeriod",
  list: "nodePortAddresses",
  flags: "featureGates",
  object: "clientConnection logging iptables ipvs nftables winkernel detectLocal conntrack",
};

/** Fields that a person's settings may not touch: they are the program's address in the cluster. */
const OURS = new Set(["apiVersion", "kind"]);

/** What is wrong with one field. */
export interface SettingFault {
  readonly field: string;
  readonly message: string;
}

/** Faults of `kubelet.config`; `null` takes a setting of ours away and fits every field. */
export function kubeletFaults(config: Readonly<Record<string, unknown>>): readonly SettingFault[] {
  return faultsOf(config, { fields: KUBELET, owner: "KubeletConfiguration" });
}

/** Faults of `kubeProxy.config`. */
export function kubeProxyFaults(config: Readonly<Record<string, unknown>>): readonly SettingFault[] {
  return faultsOf(config, { fields: KUBE_PROXY, owner: "KubeProxyConfiguration" });
}

function faultsOf(
  config: Readonly<Record<string, unknown>>,
  { fields, owner }: { readonly fields: Fields; readonly owner: string },
): readonly SettingFault[] {
  const known = kindsByField(fields);
  return Object.entries(config).flatMap(([field, value]) => {
    if (OURS.has(field)) return [{ field, message: `${field} is set by the appliance` }];
    const kind = known.get(field);
    if (kind === undefined) {
      const near = closest(field, known.keys());
      const hint = near === undefined ? "" : `; did you mean ${near}?`;
      return [{ field, message: `${owner} has no field ${field}${hint}` }];
    }
    if (value === null || KINDS[kind].fits(value)) return [];
    return [{ field, message: `${field} expects ${KINDS[kind].words}` }];
  });
}

function kindsByField(fields: Fields): ReadonlyMap<string, Kind> {
  const kinds = Object.keys(KINDS) as Kind[];
  return new Map(
    kinds.flatMap((kind) =>
      (fields[kind] ?? "")
        .split(/\s+/)
        .filter(Boolean)
        .map((name) => [name, kind] as const),
    ),
  );
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
