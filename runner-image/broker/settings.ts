import { EnvironmentReader } from "../shared/environment";
import type { GitHubSettings } from "./connectGitHub";
import type { OwnPod } from "./ownPod";
import { POOL_NAME } from "./runnerNames";

/** What the broker reads from its environment, once, at start. Durations in seconds. */
export interface BrokerSettings extends GitHubSettings {
  labels: string[];
  /** The pool: every runner of this stack carries it at the start of its name. */
  namePrefix: string;
  podName: string;
  /** Set where the Pod ends after its job: what to delete. */
  ownPod: OwnPod | undefined;
  digdagEndpoint: string;
  egressAddressUrl: string;
  /** Where the runner lies in the image; its date is the age of its version. Default /opt/actions-runner. */
  runnerSource: string;
  leaseSocket: string;
  stateDirectory: string;
  httpPort: number;
  /** Between two looks at a runner that is known to be online. Default 30. */
  pollSeconds: number;
  /** First wait after a failure, doubling up to 300. Default 5. */
  retrySeconds: number;
  /** Between two sweeps of the pool's ghosts. Default 600. */
  sweepSeconds: number;
  /** An offline, idle runner of this age is a ghost. Default 300. */
  ghostSeconds: number;
  /** Between two probes of Digdag while a runner is registered. Default 30. */
  probeSeconds: number;
  /** A listener whose runner GitHub does not know for so long is replaced. Default 20. */
  missingSeconds: number;
  /** A listener whose runner GitHub lists as offline for so long is replaced. Default 120. */
  offlineSeconds: number;
  /** A supervisor that does not answer for so long is restarted, unless a job runs. Default 60. */
  supervisorSilentSeconds: number;
  /** How long a lease must have been without its supervisor before another one may take it. Default 10. */
  takeoverSeconds: number;
}

/** Reads the settings; throws one Error that names every variable that is missing or wrong. */
export function readBrokerSettings(env: NodeJS.ProcessEnv): BrokerSettings {
  const read = new EnvironmentReader(env);
  const settings: BrokerSettings = {
    githubApiUrl: read.url("GITHUB_API_URL", "https://api.github.com"),
    owner: read.text("GITHUB_OWNER"),
    repository: read.optional("GITHUB_REPOSITORY"),
    appId: read.optional("GITHUB_APP_ID"),
    credentialFile: read.text("GITHUB_CREDENTIAL_FILE"),
    runnerGroup: read.optional("RUNNER_GROUP"),
    labels: read.list("RUNNER_LABELS", ","),
    namePrefix: read.text("RUNNER_NAME_PREFIX", POOL_NAME, "letters, digits and -, at most 24 of them"),
    podName: read.text("POD_NAME"),
    ownPod: read.optional("POD_PER_JOB") === "1" ? readOwnPod(read) : undefined,
    digdagEndpoint: read.url("DIGDAG_ENDPOINT"),
    egressAddressUrl: read.url("EGRESS_ADDRESS_URL", "https://checkip.amazonaws.com"),
    runnerSource: read.optional("RUNNER_SOURCE") ?? "/opt/actions-runner",
    leaseSocket: read.text("LEASE_SOCKET"),
    stateDirectory: read.text("BROKER_STATE_DIR"),
    httpPort: read.number("HTTP_PORT", 8080),
    pollSeconds: read.number("GITHUB_POLL_SECONDS", 30),
    retrySeconds: read.number("RETRY_SECONDS", 5),
    sweepSeconds: read.number("SWEEP_SECONDS", 600),
    ghostSeconds: read.number("GHOST_SECONDS", 300),
    probeSeconds: read.number("DIGDAG_PROBE_SECONDS", 30),
    missingSeconds: read.number("LISTENER_MISSING_SECONDS", 20),
    offlineSeconds: read.number("LISTENER_OFFLINE_SECONDS", 120),
    supervisorSilentSeconds: read.number("SUPERVISOR_SILENT_SECONDS", 60),
    takeoverSeconds: read.number("LEASE_TAKEOVER_SECONDS", 10),
  };
  read.check("broker");
  return settings;
}

/** Kubernetes itself sets the API server's address in every container. */
function readOwnPod(read: EnvironmentReader): OwnPod {
  return {
    name: read.text("POD_NAME"),
    namespace: read.text("POD_NAMESPACE"),
    apiHost: read.text("KUBERNETES_SERVICE_HOST"),
    apiPort: read.number("KUBERNETES_SERVICE_PORT"),
    accountDirectory: read.text("SERVICE_ACCOUNT_DIR"),
  };
}
