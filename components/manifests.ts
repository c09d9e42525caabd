import { kubernetesLabels, selectorLabels } from "./identity";
import { gracePeriodSeconds, httpPort, type PodArgs, podManifest } from "./podManifest";

/** The longest that one new Pod may take until GitHub lists its runner as online, in seconds. */
const podStartSeconds = 180;

/** What each further Pod of a roll-out takes at most, its image being on most nodes by then. */
const nextPodSeconds = 30;

/** Where nodes answer Pods: instance metadata and EKS Pod Identity, which a job could ask for AWS credentials. */
const linkLocal = "169.254.0.0/16";

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
 * How long the engine waits, as it writes durations. A roll-out replaces one Pod after the other, so it takes longer with
 * more of them; the engine does not give up at the Deployment's own deadline, so a bad image fails only at this one.
 */
export function rolloutTimeouts({ replicas, maxJobMinutes }: { replicas: number; maxJobMinutes: number }) {
  const rollout = `${podStartSeconds + nextPodSeconds * replicas}s`;
  return { create: rollout, update: rollout, delete: `${gracePeriodSeconds(maxJobMinutes) + 300}s` };
}

/** Voluntary disruptions, such as a node's drain, take one runner at a time. */
export function disruptionBudgetSpec(environment: string) {
  return {
    maxUnavailable: 1,
    // A runner that is not ready (Digdag may be down) must not hold up a node's drain; its job ends first in any case.
    unhealthyPodEvictionPolicy: "AlwaysAllow",
    selector: { matchLabels: selectorLabels(environment) },
  };
}

/**
 * Runners call out to DNS, wherever the cluster has it, and to the ports of the given URLs and of HTTPS, but never to what a
 * node serves on link-local addresses, nor by IPv6, in which nodes do the same on fd00:ec2::254 and fd00:ec2::23. The API server
 * is reached as any other address on port 443. Further ports of jobs are a matter of another policy: what several allow adds up.
 * They are called for their metrics and health alone, which hold no secret; by whom is up to the cluster's monitoring.
 */
export function networkPolicySpec(environment: string, urls: readonly string[]) {
  const portOf = ({ port, protocol }: URL) => Number(port || (protocol === "http:" ? 80 : 443));
  const ports = [...new Set([443, ...urls.map((url) => portOf(new URL(url)))])].sort((a, b) => a - b);
  const tcp = (port: number) => ({ protocol: "TCP", port });
  return {
    podSelector: { matchLabels: selectorLabels(environment) },
    policyTypes: ["Ingress", "Egress"],
    ingress: [{ ports: [tcp(httpPort)] }],
    egress: [
      { ports: [{ protocol: "UDP", port: 53 }, tcp(53)] },
      { to: [{ ipBlock: { cidr: "0.0.0.0/0", except: [linkLocal] } }], ports: ports.map(tcp) },
    ],
  };
}

const serviceAccount = "digdag-runner";

/** What the runners' service account may do in Kubernetes, and that it is the one to do it. Only with `podPerJob`. */
export function ownPodRole(namespace: string) {
  return {
    rules: [{ apiGroups: [""], resources: ["pods"], verbs: ["delete"] }],
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: serviceAccount },
    subjects: [{ kind: "ServiceAccount", name: serviceAccount, namespace }],
  };
}

/**
 * Narrows that to the Pod that a token was issued for, which a Role cannot say. What is no such token, or cannot be checked,
 * is refused.
 */
export function ownPodPolicySpec(namespace: string) {
  const uid = "'authentication.kubernetes.io/pod-uid'";
  return {
    failurePolicy: "Fail",
    matchConstraints: {
      namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": namespace } },
      resourceRules: [{ apiGroups: [""], apiVersions: ["v1"], operations: ["DELETE"], resources: ["pods"] }],
    },
    matchConditions: [
      {
        name: "runners-account",
        expression: `request.userInfo.username == 'system:serviceaccount:${namespace}:${serviceAccount}'`,
      },
    ],
    validations: [
      {
        expression: `${uid} in request.userInfo.extra && oldObject.metadata.uid in request.userInfo.extra[${uid}]`,
        message: "a runner may delete its own Pod and no other",
        reason: "Forbidden",
      },
    ],
  };
}
