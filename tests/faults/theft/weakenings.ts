import { readFileSync } from "node:fs";
import { join } from "node:path";
import { paths } from "../../../local/kubernetes/paths";
import { bridge } from "../../../local/network/addresses";
import type { Manifest } from "../cluster";
import type { PoolOptions } from "../pool";

interface Container {
  name: string;
  command?: string[];
  env: object[];
  volumeMounts: { name: string; mountPath: string; readOnly?: boolean }[];
  securityContext: Record<string, unknown>;
  [field: string]: unknown;
}

/** The product's Pod as far as it is weakened. */
interface PodSpec {
  initContainers: [Container, ...Container[]];
  containers: [Container];
  volumes: object[];
  securityContext: Record<string, unknown>;
  [field: string]: unknown;
}

/** One protection taken away from the product's Pod, so that an attempt can be seen to succeed. */
export interface Weakening {
  /** In words, for the table. */
  name: string;
  change(pod: { spec: PodSpec; broker: Container; runner: Container }): void;
  /** The Pod breaks the Pod Security level `restricted`, which its namespace must then not enforce. */
  needsPrivilegedNamespace?: true;
  /** What one attempt leaves would be in the way of the next, which gets a new Pod. */
  leavesTraces?: true;
  /** Further objects in the pool's namespace. */
  objects?: (namespace: string) => Manifest[];
}

/** For `PoolOptions`: the Deployment with this weakening. */
export function adaptation({ change }: Weakening): NonNullable<PoolOptions["adapt"]> {
  return (deployment) => {
    const spec = deployment.template.spec as unknown as PodSpec;
    change({ spec, broker: spec.initContainers[0], runner: spec.containers[0] });
  };
}

const credentialVolume = "credential";
const credentialSecret = { name: "github-credential", key: "token" };

/** Has Node run a file of preloads/ before the program: a small change of what the program is given to work with. */
function preload(container: Container, ...names: string[]): void {
  const imports = names.map((name) => {
    const code = readFileSync(join(__dirname, "preloads", `${name}.mjs`), "utf8");
    return `--import=data:text/javascript,${encodeURIComponent(code)}`;
  });
  container.env.push({ name: "NODE_OPTIONS", value: imports.join(" ") });
}

/** Starts the program with the runner's Node, which everybody may read, instead of the execute-only copy. */
function withReadableNode(container: Container): void {
  const program = container.command?.at(-1);
  const node = "$(ls /opt/actions-runner/externals/node*/bin/node | tail -n 1)";
  container.command = ["/usr/bin/tini", "-s", "--", "/bin/sh", "-c", `exec "${node}" ${program}`];
}

const credentialFrom = (name: string) => ({ name, valueFrom: { secretKeyRef: credentialSecret } });

function addDirectory({ spec, runner }: { spec: PodSpec; runner: Container }, name: string, path: string) {
  spec.volumes.push({ name, emptyDir: {} });
  runner.volumeMounts.push({ name, mountPath: path });
}

export const credentialMounted: Weakening = {
  name: "credential volume mounted into the runner",
  change: ({ runner }) =>
    void runner.volumeMounts.push({
      name: credentialVolume,
      mountPath: "/run/secrets/github",
      readOnly: true,
    }),
};

export const credentialInEnvironment: Weakening = {
  name: "credential in an environment variable of the runner",
  change: ({ runner }) => void runner.env.push(credentialFrom("GITHUB_TOKEN")),
};

export const credentialInArguments: Weakening = {
  name: "credential in the supervisor's arguments",
  change: ({ runner }) => {
    runner.env.push(credentialFrom("ACTIONS_RUNNER_INPUT_TOKEN"));
    runner.command?.push("--token=$(ACTIONS_RUNNER_INPUT_TOKEN)");
  },
};

export const credentialHiddenFromJobs: Weakening = {
  name: "credential in a variable that the supervisor keeps from jobs, and a readable node",
  change: ({ runner }) => {
    runner.env.push(credentialFrom("ACTIONS_RUNNER_INPUT_TOKEN"));
    withReadableNode(runner);
  },
};

export const brokerVolumeMounted: Weakening = {
  name: "broker's volume mounted into the runner, and the broker the same user",
  change: ({ broker, runner }) => {
    runner.volumeMounts.push({ name: "broker", mountPath: "/run/broker" });
    broker.securityContext.runAsUser = 10001;
  },
};

export const serviceAccountToken: Weakening = {
  name: "service account token mounted, with the right to read Secrets",
  change: ({ spec }) => {
    spec.automountServiceAccountToken = true;
  },
  objects: (namespace) => {
    const metadata = { name: "reads-secrets", namespace };
    const group = "rbac.authorization.k8s.io";
    return [
      {
        apiVersion: `${group}/v1`,
        kind: "Role",
        metadata,
        rules: [{ apiGroups: [""], resources: ["secrets"], verbs: ["get", "list"] }],
      },
      {
        apiVersion: `${group}/v1`,
        kind: "RoleBinding",
        metadata,
        roleRef: { apiGroup: group, kind: "Role", name: metadata.name },
        subjects: [{ kind: "ServiceAccount", name: "digdag-runner", namespace }],
      },
    ];
  },
};

export const brokerWithDebugger: Weakening = {
  name: "broker started with --inspect",
  change: ({ broker }) => void broker.env.push({ name: "NODE_OPTIONS", value: "--inspect" }),
};

export const brokerWithDebugPage: Weakening = {
  name: "broker with a page that shows its environment and credential",
  change: ({ broker }) => preload(broker, "debug-page"),
};

export const anyResult: Weakening = {
  name: "supervisor that tells the broker any result that a listener prints",
  change: ({ runner }) => preload(runner, "any-result"),
};

export const readableNode: Weakening = {
  name: "supervisor started with a node that can be read",
  change: ({ runner }) => withReadableNode(runner),
};

export const readableNodeWithoutSeccomp: Weakening = {
  name: "readable node, and no seccomp profile",
  needsPrivilegedNamespace: true,
  change: ({ spec, runner }) => {
    withReadableNode(runner);
    spec.securityContext.seccompProfile = { type: "Unconfined" };
  },
};

export const coreInKeptDirectory: Weakening = {
  name: "readable node, started in a directory that is writable and not wiped",
  change: (pod) => {
    withReadableNode(pod.runner);
    addDirectory(pod, "cache", "/opt/cache");
    pod.runner.workingDir = "/opt/cache";
  },
};

export const inspectorOnSignal: Weakening = {
  name: "supervisor that leaves SIGUSR1 to Node",
  change: ({ runner }) => preload(runner, "inspector-on-signal"),
};

export const sharedProcesses: Weakening = {
  name: "one process namespace, broker and runner the same user, readable node",
  change: ({ spec, broker, runner }) => {
    spec.shareProcessNamespace = true;
    broker.securityContext.runAsUser = 10001;
    withReadableNode(broker);
    withReadableNode(runner);
    preload(runner, "no-place-check");
  },
};

export const leaseLetGo: Weakening = {
  name: "supervisor that gives up its lease while a job runs, and lights no beacon",
  change: ({ runner }) => preload(runner, "lets-go-of-lease", "no-beacon"),
};

export const anyKey: Weakening = {
  name: "broker that takes any key",
  change: ({ broker }) => preload(broker, "any-key"),
};

export const noBeacon: Weakening = {
  name: "supervisor without a beacon",
  change: ({ runner }) => preload(runner, "no-beacon"),
};

export const busyBeaconIsDark: Weakening = {
  name: "broker that takes a beacon it cannot ask for a dark one",
  change: ({ broker }) => preload(broker, "busy-beacon-is-dark"),
};

export const brokerWithoutMemory: Weakening = {
  name: "broker that forgets the lease when it restarts",
  change: ({ broker }) => {
    const [program, node] = [broker.command?.at(-1), broker.command?.at(-2)];
    const start = `rm -f /run/broker/*; exec ${node} ${program}`;
    broker.command = ["/usr/bin/tini", "-s", "--", "/bin/sh", "-c", start];
  },
};

export const leaseDirectoryWritable: Weakening = {
  name: "lease directory writable in the runner, unchecked, and the broker the same user",
  change: ({ broker, runner }) => {
    const mount = runner.volumeMounts.find(({ name }) => name === "lease");
    if (mount) mount.readOnly = false;
    broker.securityContext.runAsUser = 10001;
    preload(runner, "writable-lease-accepted");
  },
};

export const initThatOutlivesSupervisor: Weakening = {
  name: "process 1 that starts the supervisor again instead of ending with it",
  change: ({ runner }) => {
    const [program, node] = [runner.command?.at(-1), runner.command?.at(-2)];
    const start = `while :; do ${node} ${program}; sleep 1; done`;
    runner.command = ["/usr/bin/tini", "-s", "--", "/bin/sh", "-c", start];
    preload(runner, "no-place-check");
  },
};

export const noCleanUp: Weakening = {
  name: "supervisor that cleans nothing up",
  leavesTraces: true,
  change: ({ runner }) => preload(runner, "no-clean-up"),
};

export const keptVolume: Weakening = {
  name: "writable volume that is missing from WORK_DIRS",
  change: (pod) => addDirectory(pod, "cache", "/opt/cache"),
};

export const noSeccomp: Weakening = {
  name: "no seccomp profile",
  needsPrivilegedNamespace: true,
  change: ({ spec }) => {
    spec.securityContext.seccompProfile = { type: "Unconfined" };
  },
};

export const rootShell: Weakening = {
  name: "set-user-id shell of root's, and the capabilities to debug and to mount",
  needsPrivilegedNamespace: true,
  change: (pod) => {
    addDirectory(pod, "tools", "/opt/tools");
    pod.spec.initContainers.push({
      name: "tools",
      image: pod.broker.image,
      command: ["/bin/sh", "-c", "cp /bin/bash /opt/tools/ && chmod 4755 /opt/tools/bash"],
      env: [],
      volumeMounts: [{ name: "tools", mountPath: "/opt/tools" }],
      securityContext: { runAsUser: 0, runAsNonRoot: false },
    });
    pod.runner.securityContext = { capabilities: { add: ["SYS_PTRACE", "SYS_ADMIN"] } };
  },
};

export const nodeFilesMounted: Weakening = {
  name: "the kubelet's directory mounted into the runner, readable by a group of its own",
  needsPrivilegedNamespace: true,
  change: ({ spec, runner }) => {
    spec.volumes.push({ name: "pods", hostPath: { path: join(paths.kubelet, "pods") } });
    runner.volumeMounts.push({ name: "pods", mountPath: "/mnt/pods", readOnly: true });
    spec.securityContext.supplementalGroups = [0];
  },
};

export const hostNetwork: Weakening = {
  name: "the node's network namespace",
  needsPrivilegedNamespace: true,
  change: ({ spec }) => {
    spec.hostNetwork = true;
    spec.dnsPolicy = "None";
    spec.dnsConfig = { nameservers: [bridge.address] };
  },
};
