import { kubernetesLabels, selectorLabels } from "./identity";
import { gracePeriodSeconds, type PodArgs, podManifest } from "./podManifest";

/** The longest that one new Pod may take until GitHub lists its runner as online, in seconds. */
const podStartSeconds = 180;

/** Instance metadata: what a job could ask for the node's AWS credentials. */
const instanceMetadata = "169.254.169.254/32";

/** A namespace in which the API server refuses any Pod that is not `restricted`. */
export function namespaceManifest(environment: string, name: string) {
  const modes = ["enforce", "audit", "warn"].map((mode) => [
    `pod-security.kubernetes.io/${mode}`,
    "restricted",
  ]);
  return { metadata: { name, labels: { ...kubernetesLabels(environment), ...Object.fromEntries(modes) } } };
}

/** The Deployment's spec: a new runner is online before an old one is asked to stop, and only one at a time. */
export function deploymentSpec<Image>(args: PodArgs<Image> & { replicas: number }) {
  return {
    replicas: args.replicas,
    revisionHistoryLimit: 5,
    minReadySeconds: 10,
    progressDeadlineSeconds: podStartSeconds,
    selector: { matchLabels: selectorLabels(args.environment) },
    strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
    template: podManifest(args),
  };
}

/**
 * How long the engine waits, as it writes durations. A bad image fails by the Deployment's own deadline, minutes after
 * the first Pod that does not become ready; this is the end of a good roll-out of every replica.
 */
export function rolloutTimeouts({ replicas, maxJobMinutes }: { replicas: number; maxJobMinutes: number }) {
  const rollout = `${podStartSeconds * (replicas + 1)}s`;
  return { create: rollout, update: rollout, delete: `${gracePeriodSeconds(maxJobMinutes) + 300}s` };
}

/** Voluntary disruptions, such as a node's drain, take one runner at a time. */
export function disruptionBudgetSpec(environment: string) {
  return { maxUnavailable: 1, selector: { matchLabels: selectorLabels(environment) } };
}

/**
 * Runners call out to DNS and to the ports of the given URLs and of HTTPS, never to instance metadata, and nobody calls
 * them: the kubelet's probes come from the node, which a policy does not cover.
 */
export function networkPolicySpec(environment: string, urls: readonly string[]) {
  const ports = [...new Set([443, ...urls.map((url) => Number(new URL(url).port || 443))])].sort(
    (a, b) => a - b,
  );
  const tcp = (port: number) => ({ protocol: "TCP", port });
  return {
    podSelector: { matchLabels: selectorLabels(environment) },
    policyTypes: ["Ingress", "Egress"],
    ingress: [],
    egress: [
      { ports: [{ protocol: "UDP", port: 53 }, tcp(53)] },
      { to: [{ ipBlock: { cidr: "0.0.0.0/0", except: [instanceMetadata] } }], ports: ports.map(tcp) },
    ],
  };
}
