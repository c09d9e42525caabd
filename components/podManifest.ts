import { credentialSecrets } from "./credential";
import { kubernetesLabels, selectorLabels } from "./identity";
import { architectures, type Platform } from "./labels";
import { proxyVariables } from "./proxy";

/** What differs between one pool of runners and another. NAT addresses are not part of it: they must restart nothing. */
export interface PodArgs<Image = string> {
  /** Name of the stack. */
  environment: string;
  /** `REPOSITORY@sha256:DIGEST`; an output where the manifest goes to the engine, text where it is only looked at. */
  image: Image;
  /** Name of the Secret with GitHub's credential: the App's private key where `githubAppId` is set, else a token. */
  credentialSecret: Image;
  /** App ID or client ID. Not set: the credential is a personal access token. */
  githubAppId?: string;
  githubApiUrl: string;
  githubOwner: string;
  /** Not set: the runners belong to the organization. */
  githubRepository?: string;
  runnerLabels: string[];
  /** Not set: the default group. */
  runnerGroup?: string;
  digdagEndpoint: string;
  egressAddressUrl: string;
  /** `http://HOST:PORT`; not set: no proxy. */
  httpsProxy?: string;
  /** Hosts that are reached without the proxy. */
  noProxy?: string[];
  maxJobMinutes: number;
  /** Whether a Pod ends after its job instead of taking the next one. */
  podPerJob: boolean;
  runnerCpu: string;
  runnerMemory: string;
  /** Name of an existing PriorityClass. Not set: the cluster's default. */
  priorityClassName?: string;
  platform: Platform;
}

/**
 * Numeric because Kubernetes proves `runAsNonRoot` only for numbers. The image creates the same users. Above 10000, because
 * the kernel counts keys, inotify instances and waiting signals by user, and Pods of other images on the node often have 1001.
 */
const runnerUser = 10001;
const brokerUser = 10002;
/** The runner's own group: the broker joins it so that both may open the lease socket. */
const sharedGroup = 10001;
/** Serves /livez, /readyz and /metrics. */
export const httpPort = 8080;
/** Beyond the longest job: time to cancel it, to delete the runner on GitHub and to stop the broker. */
const graceAfterJobSeconds = 60;

const credentialDirectory = "/run/secrets/github";
const leaseDirectory = "/run/lease";
const brokerDirectory = "/run/broker";
const accountDirectory = "/var/run/secrets/kubernetes.io/serviceaccount";
const runnerHome = "/runner";
const home = "/home/runner";
/** Sizes of the job's volumes on the node's disk, in GiB. */
const jobDisk = { runner: 4, home: 1, tmp: 1 };
/** What a container's log may take beside them, in GiB. The kubelet keeps 50 MiB of it by default, but looks only now and then. */
const logDisk = 1;
/** What a job can write to, and so all that must be wiped before the next one. */
const workDirectories = [runnerHome, home, "/tmp", "/dev/shm"];

const node = ["/usr/bin/tini", "-s", "--", "/opt/node/bin/node"];
const program = (name: string) => [...node, `/opt/digdag-runner/${name}.js`];

/** The longest a Pod may take to stop, in seconds: a job that runs is never killed for a roll-out or a drain. */
export function gracePeriodSeconds(maxJobMinutes: number): number {
  return maxJobMinutes * 60 + graceAfterJobSeconds;
}

/** The Pod template of the runners: what it holds is decided by `args` alone, so equal arguments restart nothing. */
export function podManifest<Image>(args: PodArgs<Image>) {
  const { environment, platform, credentialSecret } = args;
  return {
    metadata: { labels: kubernetesLabels(environment) },
    spec: {
      serviceAccountName: "digdag-runner",
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      terminationGracePeriodSeconds: gracePeriodSeconds(args.maxJobMinutes),
      ...(args.priorityClassName && { priorityClassName: args.priorityClassName }),
      nodeSelector: {
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": architectures[platform].kubernetes,
      },
      topologySpreadConstraints: ["topology.kubernetes.io/zone", "kubernetes.io/hostname"].map(
        (topologyKey) => ({
          maxSkew: 1,
          topologyKey,
          whenUnsatisfiable: "ScheduleAnyway",
          labelSelector: { matchLabels: selectorLabels(environment) },
        }),
      ),
      securityContext: {
        runAsNonRoot: true,
        runAsUser: runnerUser,
        runAsGroup: sharedGroup,
        fsGroup: sharedGroup,
        seccompProfile: { type: "RuntimeDefault" },
      },
      initContainers: [brokerContainer(args)],
      containers: [runnerContainer(args)],
      volumes: [
        {
          name: "credential",
          // 0440, because the kubelet gives the files to the shared group. Only the broker mounts them.
          secret: { secretName: credentialSecret, defaultMode: 0o440 },
        },
        ...(args.podPerJob ? [accountVolume] : []),
        memoryVolume("lease", "1Mi"),
        memoryVolume("broker", "8Mi"),
        ...Object.entries(jobDisk).map(([name, size]) => ({ name, emptyDir: { sizeLimit: `${size}Gi` } })),
        memoryVolume("shm", "64Mi"),
      ],
    },
  };
}

const memoryVolume = (name: string, sizeLimit: string) => ({
  name,
  emptyDir: { medium: "Memory", sizeLimit },
});

/** What a Pod deletes itself with: a token that ends with the Pod, or after an hour, and the API server's CA. */
const accountVolume = {
  name: "account",
  projected: {
    defaultMode: 0o440,
    sources: [
      { serviceAccountToken: { path: "token", expirationSeconds: 3600 } },
      { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
    ],
  },
};

const restricted = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ["ALL"] },
};

// A job could leave a message for the next one in this file, which everybody may write: the kubelet offers no way to
// have none. Under a directory that only root may enter, no job reaches it.
const unreachable = { terminationMessagePath: "/root/termination-log" };

const field = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } });
const environmentVariables = (variables: Record<string, string>) =>
  Object.entries(variables).map(([name, value]) => ({ name, value }));

/**
 * CPU has no limit: it would slow a job down on an idle node. Memory is reserved whole. Disk is reserved as most jobs need it,
 * so that the kubelet of a full disk evicts others first; its limit, in GiB, is there for a flood of log lines, which no
 * volume's size stops.
 */
function resources(of: { cpu: string; memory: string; disk: string; diskLimit: number }) {
  const { cpu, memory, disk, diskLimit } = of;
  return {
    requests: { cpu, memory, "ephemeral-storage": disk },
    limits: { memory, "ephemeral-storage": `${diskLimit}Gi` },
  };
}

/** The broker alone holds the credential. As a native sidecar it starts before the runner and stops after it. */
function brokerContainer<Image>(args: PodArgs<Image>) {
  const probe = (path: string) => ({ httpGet: { path, port: httpPort } });
  return {
    name: "broker",
    image: args.image,
    command: program("broker"),
    restartPolicy: "Always",
    env: [
      field("POD_NAME", "metadata.name"),
      ...(args.podPerJob ? [field("POD_NAMESPACE", "metadata.namespace")] : []),
      ...environmentVariables({
        GITHUB_API_URL: args.githubApiUrl,
        GITHUB_OWNER: args.githubOwner,
        GITHUB_REPOSITORY: args.githubRepository ?? "",
        GITHUB_APP_ID: args.githubAppId ?? "",
        GITHUB_CREDENTIAL_FILE: `${credentialDirectory}/${credentialSecrets[args.githubAppId ? "app" : "token"].key}`,
        RUNNER_LABELS: args.runnerLabels.join(","),
        RUNNER_GROUP: args.runnerGroup ?? "",
        RUNNER_NAME_PREFIX: `digdag-${args.environment}`,
        LEASE_SOCKET: `${leaseDirectory}/broker.sock`,
        BROKER_STATE_DIR: brokerDirectory,
        HTTP_PORT: String(httpPort),
        ...(args.podPerJob && { POD_PER_JOB: "1", SERVICE_ACCOUNT_DIR: accountDirectory }),
        ...sharedVariables(args),
      }),
    ],
    ports: [{ name: "http", containerPort: httpPort, protocol: "TCP" }],
    startupProbe: { ...probe("/livez"), periodSeconds: 1, failureThreshold: 60 },
    readinessProbe: { ...probe("/readyz"), periodSeconds: 5, timeoutSeconds: 3, failureThreshold: 3 },
    livenessProbe: { ...probe("/livez"), periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 6 },
    securityContext: { ...restricted, runAsUser: brokerUser, runAsGroup: sharedGroup },
    resources: resources({ cpu: "50m", memory: "192Mi", disk: "64Mi", diskLimit: logDisk }),
    volumeMounts: [
      { name: "credential", mountPath: credentialDirectory, readOnly: true },
      { name: "lease", mountPath: leaseDirectory },
      { name: "broker", mountPath: brokerDirectory },
      ...(args.podPerJob ? [{ name: "account", mountPath: accountDirectory, readOnly: true }] : []),
    ],
    ...unreachable,
  };
}

/** Where jobs run: no credential, no token, and nothing writable that is not wiped between jobs. */
function runnerContainer<Image>(args: PodArgs<Image>) {
  const volumes = Object.values(jobDisk).reduce((sum, size) => sum + size);
  return {
    name: "runner",
    image: args.image,
    command: program("supervisor"),
    env: environmentVariables({
      HOME: home,
      LEASE_SOCKET: `${leaseDirectory}/broker.sock`,
      RUNNER_SOURCE: "/opt/actions-runner",
      RUNNER_HOME: runnerHome,
      WORK_DIRS: workDirectories.join(":"),
      JOB_STARTED_HOOK: "/opt/digdag-runner/job-started.sh",
      ...sharedVariables(args),
    }),
    // The broker makes this file when the supervisor hangs and GitHub says that no job runs (broker/supervisorPulse.ts). No
    // other trouble may end a job: a probe of the broker's port would fail with the broker, and a busy node is slow to answer.
    livenessProbe: {
      exec: { command: ["/usr/bin/test", "!", "-e", `${leaseDirectory}/restart-runner`] },
      periodSeconds: 10,
      timeoutSeconds: 60,
      failureThreshold: 3,
      terminationGracePeriodSeconds: 15,
    },
    securityContext: restricted,
    resources: resources({
      cpu: args.runnerCpu,
      memory: args.runnerMemory,
      disk: "1Gi",
      diskLimit: volumes + logDisk,
    }),
    volumeMounts: [
      // Connecting needs no writable mount, and a job must not replace the socket.
      { name: "lease", mountPath: leaseDirectory, readOnly: true },
      { name: "runner", mountPath: runnerHome },
      { name: "home", mountPath: home },
      { name: "tmp", mountPath: "/tmp" },
      { name: "shm", mountPath: "/dev/shm" },
    ],
    ...unreachable,
  };
}

/** What the broker probes and the jobs deploy to is the same Digdag, that of the runner's own environment, and so is the way. */
function sharedVariables<Image>(args: PodArgs<Image>) {
  return {
    DIGDAG_ENDPOINT: args.digdagEndpoint,
    EGRESS_ADDRESS_URL: args.egressAddressUrl,
    MAX_JOB_MINUTES: String(args.maxJobMinutes),
    ...proxyVariables(args),
  };
}
