import { join } from "node:path";
import { EnvironmentReader } from "../shared/environment";

/** What the supervisor reads from its environment, once, at start. */
export interface SupervisorSettings {
  leaseSocket: string;
  /** The runner as it was unpacked, read-only. */
  runnerSource: string;
  /** Where the runner of one job lives; one of workDirectories. */
  runnerHome: string;
  /** Every directory a job can write to; emptied before each job. */
  workDirectories: string[];
  /** A job that still runs this many minutes after the container was asked to stop is cancelled. */
  maxJobMinutes: number;
  /** Script that the runner runs before the first step of a job, to tell which job it is. */
  jobStartedHook: string | undefined;
}

/** Memory that processes share through files; writable in every container. */
const SHARED_MEMORY = ["/dev/shm", "/dev/mqueue"];

/** Reads the settings; throws one Error that names every variable that is missing or wrong. */
export function readSupervisorSettings(env: NodeJS.ProcessEnv): SupervisorSettings {
  const read = new EnvironmentReader(env);
  const settings: SupervisorSettings = {
    leaseSocket: read.text("LEASE_SOCKET"),
    runnerSource: read.text("RUNNER_SOURCE"),
    runnerHome: read.text("RUNNER_HOME"),
    workDirectories: [...new Set([...read.list("WORK_DIRS", ":"), ...SHARED_MEMORY])],
    maxJobMinutes: read.number("MAX_JOB_MINUTES"),
    jobStartedHook: read.optional("JOB_STARTED_HOOK"),
  };
  read.check("supervisor");
  return settings;
}

/** Variables that are the supervisor's own affair, or would change what runs as the listener. */
const NOT_FOR_JOBS = [
  /^LEASE_SOCKET$/,
  /^RUNNER_SOURCE$/,
  /^RUNNER_HOME$/,
  /^WORK_DIRS$/,
  /^MAX_JOB_MINUTES$/,
  /^JOB_STARTED_HOOK$/,
  /^POD_NAME$/,
  /^LOG_LEVEL$/,
  /^NODE_OPTIONS$/,
  /^ACTIONS_RUNNER_INPUT_/,
  /^KUBERNETES_/,
];

/** Written by the hook into the runner's directory, and so gone with the job. */
export function jobFile({ runnerHome }: Pick<SupervisorSettings, "runnerHome">): string {
  return join(runnerHome, ".job");
}

/** The environment of the listener, and so of every job: the container's without what is the supervisor's, plus the JIT configuration. */
export function listenerEnvironment(
  env: NodeJS.ProcessEnv,
  settings: Pick<SupervisorSettings, "runnerHome" | "jobStartedHook">,
  jitConfig: string,
): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(([name]) => !NOT_FOR_JOBS.some((pattern) => pattern.test(name)));
  return {
    ...Object.fromEntries(kept),
    ...(settings.jobStartedHook && {
      ACTIONS_RUNNER_HOOK_JOB_STARTED: settings.jobStartedHook,
      DIGDAG_RUNNER_JOB_FILE: jobFile(settings),
    }),
    ACTIONS_RUNNER_INPUT_JITCONFIG: jitConfig,
    ACTIONS_RUNNER_RETURN_VERSION_DEPRECATED_EXIT_CODE: "1",
  };
}
