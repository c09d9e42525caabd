import { setTimeout as sleep } from "node:timers/promises";
import type { Fault, Job, JobSpec, PendingFault, RequestRecord, Runner, Token } from "./github/types";
import { readState } from "./lib/state";

/**
 * One call to the control API of the running GitHub stand-in.
 * @throws Error when it does not run or refuses the call
 */
async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  const url = `http://127.0.0.1:${readState().ports["github-control"]}/_local${path}`;
  const answer = await fetch(url, {
    method,
    ...(body !== undefined && {
      body: JSON.stringify(body),
      headers: { "content-type": "application/json" },
    }),
  }).catch((error: Error) => {
    throw new Error(
      `the GitHub stand-in does not answer (${error.message}); is the local system up? \`npm start\` starts it`,
    );
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`the GitHub stand-in refuses ${method} ${path}: ${text}`);
  return (text ? JSON.parse(text) : undefined) as T;
}

/** What a person would do on GitHub's pages, and what only the stand-in can do. */
export const gitHub = {
  runners: () => call<Runner[]>("GET", "/runners"),
  /** Removes a registration, even a busy one, whose job then fails. */
  removeRunner: (id: number) => call<void>("DELETE", `/runners/${id}`),
  /** All, or those of one repository from an id on. */
  jobs: (only: { repository?: string; from?: number } = {}) => call<Job[]>("GET", `/jobs${query(only)}`),
  job: (id: number) => call<Job>("GET", `/jobs/${id}`),
  queueJob: (spec: JobSpec) => call<Job>("POST", "/jobs", spec),
  cancelJob: (id: number) => call<Job>("POST", `/jobs/${id}/cancel`),
  commit: (repository: string, directory: string, message: string) =>
    call<{ sha: string }>("POST", "/commits", { repository, directory, message }),
  addFault: (fault: Fault) => call<void>("POST", "/faults", fault),
  /** Faults that are not used up yet. */
  faults: () => call<PendingFault[]>("GET", "/faults"),
  /** Takes back the faults of this scope; without one, all. */
  clearFaults: (scope?: string) => call<void>("DELETE", `/faults${query({ scope })}`),
  putToken: (token: Token) => call<void>("PUT", "/tokens", token),
  revokeToken: (value: string) => call<void>("POST", "/tokens/revoke", { value }),
  /** The newest requests; only for paths that match the regular expression, and no earlier than the ISO 8601 time. */
  requests: (only: { path?: string; since?: string } = {}) =>
    call<RequestRecord[]>("GET", `/requests${query(only)}`),
};

function query(parameters: Record<string, string | number | undefined>): string {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) given.set(name, String(value));
  }
  return given.size === 0 ? "" : `?${given}`;
}

/**
 * Waits for a job's end.
 * @throws Error after `seconds`, saying whether any runner could have taken it
 */
export async function jobCompleted(id: number, seconds: number): Promise<Job> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const job = await gitHub.job(id);
    if (job.status === "completed") return job;
    if (Date.now() > deadline) {
      const runners = (await gitHub.runners()).map((r) => `${r.name} (${r.status}${r.busy ? ", busy" : ""})`);
      throw new Error(
        `job ${id} (labels ${job.labels.join(", ")}) is still ${job.status} after ${seconds} s; runners: ${runners.join(", ") || "none"}\n${job.log}`,
      );
    }
    await sleep(500);
  }
}

/**
 * Waits until a runner that carries `label` is online.
 * @throws Error after `seconds`
 */
export async function runnerOnline(label: string, seconds: number): Promise<Runner> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const runners = await gitHub.runners();
    const online = runners.find((r) => r.status === "online" && r.labels.some((l) => l.name === label));
    if (online) return online;
    if (Date.now() > deadline) {
      throw new Error(
        `no runner labelled ${label} came online within ${seconds} s; GitHub lists ${runners.length}`,
      );
    }
    await sleep(500);
  }
}
