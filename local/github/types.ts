import type { components } from "@octokit/openapi-types";

/** A self-hosted runner exactly as GitHub's REST API describes it. */
export type Runner = components["schemas"]["runner"];

/** One step of a job; it runs as `bash -e` in the checkout. */
export interface Step {
  name: string;
  run: string;
  env?: Record<string, string>;
  /** Runs after a failure or a cancellation too, as `if: always()` does. Default false. */
  always?: boolean;
}

/** What to run: the stand-in has no workflow files, a job is queued directly. */
export interface JobSpec {
  /** `owner/name`; checked out before the first step. */
  repository: string;
  /** Every one of them must be a label of the runner (case does not matter). */
  labels: string[];
  /** Commit to check out. Default: the repository's newest commit when the job is queued. */
  sha?: string;
  steps: Step[];
  env?: Record<string, string>;
  /** Shown by the listener. Default `job`. */
  name?: string;
  /** GITHUB_RUN_ATTEMPT; more than 1 plays a re-run. Default 1. */
  runAttempt?: number;
}

export interface Job extends JobSpec {
  id: number;
  status: "queued" | "in_progress" | "completed";
  conclusion?: "success" | "failure" | "cancelled";
  runnerId?: number;
  runnerName?: string;
  log: string;
  /** Everything the steps wrote to GITHUB_STEP_SUMMARY. */
  summary: string;
  /** ISO 8601, as are the other times. */
  createdAt: string;
  startedAt?: string;
  completedAt?: string;
}

/** Power over what a permission is for. */
export type Permission = "write" | "read" | "none";

/** The permission that the runners of a repository need, that of an organization's, and those that its settings need. */
export type PermissionName =
  | "administration"
  | "organization_self_hosted_runners"
  | "actions"
  | "actions_variables"
  | "environments"
  | "members";

/** A token the stand-in accepts. */
export interface Token {
  value: string;
  /** `owner/name` for a repository, `owner` for an organization and all its repositories, `*` for everything; others answer 404. */
  scopes: string[];
  /** What the token may do; too little answers 403 with X-Accepted-GitHub-Permissions. Default `write`. */
  permission?: Permission;
  /** Only these permissions of `permission`, as a narrowed installation token has them. Default: all. */
  narrowedTo?: PermissionName[];
  /** The App it was minted for; absent for a personal access token. */
  appId?: number;
  /** ISO 8601. Answers carry it in github-authentication-token-expiration; afterwards the token answers 401. Default: never expires. */
  expiresAt?: string;
}

/** A GitHub App installed on `account`. */
export interface App {
  appId: number;
  /** A JWT may name it instead of the App ID. */
  clientId?: string;
  installationId: number;
  /** The organization or user it is installed on. */
  account: string;
  /** Names of the repositories it is installed on. Default: all of the account's. */
  repositories?: string[];
  /** PEM of the public half of the App's key. */
  publicKey: string;
  /** Power of its installation tokens over self-hosted runners. Default `write`. */
  permission?: Permission;
  /** When the installation was suspended, ISO 8601. Default: never. */
  suspendedAt?: string;
}

/** A runner group of every organization; a repository has the first one only. What it admits is kept and not enforced. */
export interface RunnerGroup {
  id: number;
  name: string;
  /** Default: all repositories but public ones, and all workflows. */
  access?: RunnerGroupAccess;
}

/** Whom a runner group admits. */
export interface RunnerGroupAccess {
  visibility: "selected" | "all" | "private";
  selectedRepositoryIds: number[];
  allowsPublicRepositories: boolean;
  restrictedToWorkflows: boolean;
  selectedWorkflows: string[];
}

/** Who and what there is beside runners, for the settings of repositories. */
export interface Accounts {
  /** By `owner/name`. */
  repositories: Record<string, { id: number; visibility: "private" | "public" }>;
  /** Ids by login. */
  users: Record<string, number>;
  /** Ids by `organization/slug`. */
  teams: Record<string, number>;
}

export type HttpAction =
  /** Answer with this instead; a string body is sent as HTML, anything else as JSON. */
  | { type: "respond"; status: number; headers?: Record<string, string>; body?: unknown }
  /** Answer truthfully, but later. */
  | { type: "delay"; ms: number }
  /** Close the connection without an answer; nothing was done. */
  | { type: "reset" }
  /** Do what was asked, then close the connection without an answer. */
  | { type: "lose-answer" }
  /** Do what was asked, then answer with this instead, as a proxy on the way may. */
  | { type: "replace-answer"; status: number; headers?: Record<string, string>; body?: unknown }
  /** Never answer and never close. */
  | { type: "hang" };

/** What every fault has. */
interface Ordered {
  /** `owner/name` or the name of an organization: hits only what belongs to it. Default: everything. */
  scope?: string;
}

/** Makes requests that match go wrong. */
export interface HttpFault extends Ordered {
  /** Default: any method. */
  method?: string;
  /** Regular expression on the path without its query. */
  path: string;
  /** How many requests it hits; 0 = all until the server closes. Default 1. */
  times?: number;
  action: HttpAction;
}

export type ListenerBehaviour =
  /** Ends with this code right after "Listening for Jobs". */
  | { type: "exit"; code: number }
  /** Ends as a refused version does: 7 where ACTIONS_RUNNER_RETURN_VERSION_DEPRECATED_EXIT_CODE=1, else 1. */
  | { type: "deprecated" }
  /** Prints "Listening for Jobs" and never asks for one: a process that lives while GitHub sees it offline. */
  | { type: "hang" }
  /** Loses the first job it is given (actions/runner#4617): the registration is used up, the job is queued again, the process stays. */
  | { type: "lose-assignment" }
  /** Does not react to SIGINT. */
  | { type: "ignore-interrupt" }
  /** Is told that a session for its registration exists already. */
  | { type: "session-conflict" };

/** Makes listeners that open a session go wrong. */
export interface ListenerFault extends Ordered {
  /** How many sessions it hits; 0 = all. Default 1. */
  times?: number;
  listener: ListenerBehaviour;
}

export type Fault = HttpFault | ListenerFault;

/** A fault on order, and how often it has hit so far. */
export type PendingFault = Fault & { hits: number };

/** Milliseconds; defaults are near the real ones where a person would notice, shorter where only waiting would be gained. */
export interface Timings {
  /** How long one poll is held open. Default 50000. */
  poll: number;
  /** A runner counts as online for this long after its last poll ended. Default 3000. */
  sessionGrace: number;
  /** A job that its runner did not take within this long is queued again. Default 10000 (GitHub: 60000). */
  acquire: number;
  /** A job fails when its runner was silent for this long. Default 15000 (GitHub: minutes). */
  heartbeatGap: number;
  /** A listener whose session already exists tries again this often. Default 30000. */
  conflictRetry: number;
  /** ... and gives up (code 5) after this long. Default 240000. */
  conflictLimit: number;
  /** Pause of a listener that lost contact. Default 2000. */
  reconnect: number;
  /** How long SIGTERM waits for the job. Default 30000. */
  unload: number;
  /** A cancelled step gets SIGINT, after this long SIGTERM. Default 7500. */
  interruptStep: number;
  /** ... and after this long SIGKILL. Default 2500. */
  terminateStep: number;
}

export interface RequestRecord {
  time: string;
  method: string;
  /** Without query. */
  path: string;
  /** 0 when no answer was sent. */
  status: number;
  milliseconds: number;
  /** Address of the client. */
  from: string;
}

export interface GitHubOptions {
  /** Address to listen on. Default 127.0.0.1. */
  host?: string;
  /** Default: any free port. */
  port?: number;
  /** Port of the control API, always on 127.0.0.1. Default: any free port. */
  controlPort?: number;
  /** Where runners and `git clone` reach this server, as written into JIT configurations. Default: its own address. */
  publicUrl?: string;
  /** Where the REST API lies: `/api/v3` as on GitHub Enterprise Server. Default: at the root. */
  apiPath?: string;
  /** PEM texts. Default: plain HTTP. */
  tls?: { key: string; cert: string };
  /** Keeps the Git repositories; created when missing. Default: a temporary directory that close() removes. */
  stateDirectory?: string;
  /** Default: `defaultToken` with access to everything. */
  tokens?: Token[];
  apps?: App[];
  /** Runner groups that exist. Default: `Default` with id 1. */
  runnerGroups?: RunnerGroup[];
  /** Default: nobody and nothing. */
  accounts?: Accounts;
  /** The newest version of the runner, as the list of downloads names it. Default 2.337.0. */
  newestRunner?: string;
  /** Requests per hour and token. Default 5000. */
  rateLimit?: number;
  timings?: Partial<Timings>;
  /** Called once per answered request. */
  onRequest?: (record: RequestRecord) => void;
}

/** A running stand-in for GitHub. */
export interface GitHub {
  /** Base URL of the REST API, as reached from this machine. */
  apiUrl: string;
  /** Base URL of `/_local/`, loopback only. */
  controlUrl: string;
  /** Creates the repository, with a first commit of `directory` (default: an empty one). @throws Error when it exists */
  addRepository(name: string, directory?: string): Promise<{ sha: string }>;
  /** Commits the directory's files to `main`, creating the repository when missing; nothing changed returns the newest commit. */
  commit(repository: string, directory: string, message?: string): Promise<{ sha: string }>;
  queueJob(spec: JobSpec): Job;
  /** @throws Error when there is no such job */
  job(id: number): Job;
  jobs(): Job[];
  /** Resolves when the job is completed. @throws Error after `milliseconds` (default 30000), with the job's log */
  jobCompleted(id: number, milliseconds?: number): Promise<Job>;
  /** A queued job is cancelled at once, a running one is asked to end. */
  cancelJob(id: number): Job;
  runners(): Runner[];
  /** Removes a registration as an administrator on the web page would, even a busy one, whose job then fails. */
  removeRunner(id: number): void;
  addFault(fault: Fault): void;
  /** Faults that are not used up yet. */
  faults(): PendingFault[];
  /** Takes back the faults of this scope; without one, all. */
  clearFaults(scope?: string): void;
  /** Adds a token, or changes the one with the same value. */
  putToken(token: Token): void;
  /** The token answers 401 from now on. */
  revokeToken(value: string): void;
  /** Adds an App, or changes the one with the same id: its key, permission, suspension. */
  putApp(app: App): void;
  /** Replaces the runner groups. */
  putRunnerGroups(groups: RunnerGroup[]): void;
  /** The runner groups that there are. */
  runnerGroups(): RunnerGroup[];
  /** From now on the old name is redirected to, as after a rename or a transfer. Names are `owner/name`. */
  renameRepository(from: string, to: string): void;
  /** Moves the server's clock (expiry, sweeps, time stamps, Date headers) forward, or back. */
  advanceClock(milliseconds: number): void;
  /** The newest requests, oldest first; at most 20000 are kept. */
  requests(): RequestRecord[];
  close(): Promise<void>;
}

/** The token of a server started without `tokens`. */
export const defaultToken = "github-stand-in-token";
