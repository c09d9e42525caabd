import type { Prize } from "./secrets";
import * as weak from "./weakenings";

/** A job of an attempt. */
export interface AttemptJob {
  /** A script of jobs/ and its arguments. */
  script: string;
  /** It has the secret that other jobs look for. */
  holdsSecret?: true;
  /** When the job prints READY, the campaign does what a thief cannot, and what happens by itself now and then. */
  meanwhile?: "broker restarts";
  /** The job brings its own container down, so that its end tells nothing. */
  endsContainer?: true;
}

/** One way to get at a secret. It must fail against the product's Pod and succeed against the weakened one. */
export interface Attempt {
  name: string;
  prize: Prize;
  weakenedBy: weak.Weakening;
  /** One after the other, in the same Pod. */
  jobs: AttemptJob[];
  /** Containers were restarted, and the kubelet would hold them back next time: the next attempt gets a new Pod. */
  usesPodUp?: true;
  /** Part of the short campaign. */
  short?: true;
  /** What became of it in the product's Pod, where no job is told. */
  silentEnd?: string;
}

type More = Partial<Pick<Attempt, "short" | "usesPodUp">>;

const alone = (
  name: string,
  prize: Prize,
  weakenedBy: weak.Weakening,
  script: string,
  more: More = {},
): Attempt => ({ name, prize, weakenedBy, jobs: [{ script }], ...more });

/** While the broker restarts, which happens without a thief's doing. */
const whileBrokerRestarts = (name: string, weakenedBy: weak.Weakening, script: string): Attempt => ({
  name,
  prize: "lease key",
  weakenedBy,
  jobs: [{ script, meanwhile: "broker restarts" }],
  usesPodUp: true,
});

/** A thief comes before its victim. */
const robbingTheNextJob = (name: string, script: string, more: More = {}): Attempt => ({
  name,
  prize: "other job's secret",
  weakenedBy: weak.noCleanUp,
  jobs: [{ script }, { script: "victim.sh", holdsSecret: true }],
  silentEnd: "what it left was gone before the next job",
  ...more,
});

/** A process stays behind; a third job asks what it saw. */
const stayingBehind = (name: string, way: string, more: More = {}): Attempt => ({
  name,
  prize: "other job's secret",
  weakenedBy: weak.noCleanUp,
  jobs: [{ script: `stay.sh ${way}` }, { script: "victim.sh", holdsSecret: true }, { script: "collect.sh" }],
  ...more,
});

/** A thief comes after its victim, or an accomplice after an accomplice. */
const fromJobToJob = (
  name: string,
  way: string,
  weakenedBy: weak.Weakening,
  prize: Prize = "other job's secret",
): Attempt => ({
  name,
  prize,
  weakenedBy,
  jobs: [{ script: `channel.sh put ${way}`, holdsSecret: true }, { script: `channel.sh get ${way}` }],
});

/** Names are unique: they are what `--only` and the report go by. */
export const attempts: Attempt[] = [
  alone("files of the Secret", "GitHub credential", weak.credentialMounted, "credential-file.sh", {
    short: true,
  }),
  alone("every file that can be read", "GitHub credential", weak.credentialMounted, "every-file.sh"),
  alone(
    "environment of every process",
    "GitHub credential",
    weak.credentialInEnvironment,
    "environments.sh",
    { short: true },
  ),
  alone(
    "environment of the supervisor and of process 1",
    "GitHub credential",
    weak.credentialHiddenFromJobs,
    "environments.sh",
  ),
  alone("command line of every process", "GitHub credential", weak.credentialInArguments, "command-lines.sh"),
  alone("the broker's own volume", "lease key", weak.brokerVolumeMounted, "broker-volume.sh"),
  alone("service account token", "service account token", weak.serviceAccountToken, "service-account.sh"),
  alone("Secrets by the API server", "GitHub credential", weak.serviceAccountToken, "api-server.sh"),
  alone(
    "every listening port of the Pod",
    "GitHub credential",
    weak.brokerWithDebugger,
    "listening-ports.sh",
  ),
  alone(
    "port 8080 of this Pod and of every other",
    "GitHub credential",
    weak.brokerWithDebugPage,
    "health-ports.sh",
  ),
  alone("files and sockets of the node", "GitHub credential", weak.nodeFilesMounted, "node-files.sh"),
  alone("ports of the node", "GitHub credential", weak.hostNetwork, "node-ports.sh"),

  alone("/proc/PID/mem of the supervisor", "lease key", weak.readableNode, "memory.sh mem", { short: true }),
  alone(
    "process_vm_readv of the supervisor",
    "lease key",
    weak.readableNodeWithoutSeccomp,
    "memory.sh vmread",
  ),
  alone("PTRACE_ATTACH to the supervisor", "lease key", weak.readableNode, "memory.sh ptrace"),
  alone("PTRACE_SEIZE of the supervisor", "lease key", weak.readableNode, "memory.sh seize"),
  alone(
    "root, cwd, fd and the rest of /proc/PID",
    "GitHub credential",
    weak.sharedProcesses,
    "proc-entries.sh",
  ),
  alone("memory of the broker", "GitHub credential", weak.sharedProcesses, "memory.sh mem"),
  alone("debugger of the supervisor by SIGUSR1", "lease key", weak.inspectorOnSignal, "inspector.sh"),
  {
    name: "core dump of the supervisor",
    prize: "lease key",
    weakenedBy: weak.coreInKeptDirectory,
    jobs: [{ script: "dump-core.sh", endsContainer: true }, { script: "find-core.sh" }],
    usesPodUp: true,
  },
  {
    name: "the supervisor's connection by pidfd_getfd, and the next job with it",
    prize: "other job's secret",
    weakenedBy: weak.readableNodeWithoutSeccomp,
    jobs: [{ script: "take-over-lease.sh" }, { script: "victim.sh", holdsSecret: true }],
    usesPodUp: true,
  },

  alone("the lease while it is held", "lease key", weak.leaseLetGo, "lease-held.sh"),
  whileBrokerRestarts("the lease with a made-up key", weak.anyKey, "lease-restart.sh wrong-key"),
  whileBrokerRestarts("the lease as the first to come", weak.brokerWithoutMemory, "lease-restart.sh first"),
  whileBrokerRestarts(
    "the lease of a stopped supervisor, after the waiting time",
    weak.noBeacon,
    "lease-restart.sh late",
  ),
  whileBrokerRestarts(
    "the lease of a stopped supervisor whose beacon is flooded",
    weak.busyBeaconIsDark,
    "lease-restart.sh flooded",
  ),
  whileBrokerRestarts(
    "a socket in the place of the broker's",
    weak.leaseDirectoryWritable,
    "pose-as-broker.sh",
  ),
  {
    name: "the lease over a supervisor that was killed",
    prize: "lease key",
    weakenedBy: weak.initThatOutlivesSupervisor,
    jobs: [{ script: "kill-supervisor.sh", endsContainer: true }],
    usesPodUp: true,
    silentEnd: "every process of the container ended with it, the thief's as well",
  },

  {
    name: "files in every place that can be written to",
    prize: "other job's secret",
    weakenedBy: weak.keptVolume,
    jobs: [{ script: "careless.sh", holdsSecret: true }, { script: "every-file.sh" }],
    short: true,
  },
  robbingTheNextJob("the runner's own program", "tamper-runner.sh", { short: true }),
  robbingTheNextJob("the runner's .env and .path", "tamper-settings.sh"),
  robbingTheNextJob("start files of shells and git in the home directory", "tamper-home.sh"),
  stayingBehind("a daemon in a session of its own, deaf to signals", "daemon", { short: true }),
  stayingBehind("a stopped process, and another that wakes it", "stopped"),
  stayingBehind("a chain of forks that outruns the killing", "forks"),
  fromJobToJob("System V shared memory and POSIX message queues", "ipc", weak.noCleanUp),
  fromJobToJob("extended attributes of writable directories", "attributes", weak.noCleanUp),
  fromJobToJob(
    "resource limits of the supervisor",
    "limits-of-supervisor",
    weak.noCleanUp,
    "other job's number",
  ),
  {
    name: "resource limits of the supervisor, changed to and fro",
    prize: "other job's number",
    weakenedBy: weak.noCleanUp,
    // A matter of luck, where it is possible at all.
    jobs: Array.from({ length: 4 }, () => [
      { script: "channel.sh put limits-race", holdsSecret: true as const },
      { script: "channel.sh get limits-race" },
    ]).flat(),
    usesPodUp: true,
  },
  fromJobToJob("resource limits of process 1", "limits-of-init", weak.noCleanUp, "other job's number"),
  fromJobToJob("results of jobs in the broker's metrics", "metrics", weak.anyResult),
  fromJobToJob("the user's kernel keyring", "keyring", weak.noSeccomp),
  fromJobToJob("settings below /proc/sys", "setting", weak.rootShell, "other job's number"),

  alone("namespaces, mounts and devices", "capability", weak.noSeccomp, "user-namespace.sh"),
  alone("set-user-id files", "lease key", weak.rootShell, "set-user-id.sh"),
];
