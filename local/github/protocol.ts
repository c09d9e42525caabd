/**
 * What the listener stand-in and the server stand-in say to each other. GitHub's own protocol between them is not documented;
 * this one is ours and has only the shape in common: files from a JIT blob, a session, a long poll, a job that is renewed.
 *
 * All paths start with `/_runner` on the server's public address and carry `Authorization: Bearer <Credentials.secret>`:
 * - `POST /session` {version} -> 200 Session; 404 registration gone; 409 a session is alive
 * - `DELETE /session` (header x-session)
 * - `GET /message` (header x-session) -> 200 Message; 204 nothing yet; 404 registration or session gone
 * - `POST /jobs/ID/acquire` before a job is started -> 204; 404 it was lost (actions/runner#4617)
 * - `POST /jobs/ID/renew`, `/log` (text), `/summary` (text), `/result` {conclusion} -> 204; 404 not this runner's job any more
 */
import type { Job, ListenerBehaviour, Timings } from "./types";

/** Content of `.runner`; values are strings as in GitHub's own. */
export interface RunnerFile {
  AgentId: string;
  AgentName: string;
  PoolId: string;
  ServerUrl: string;
  GitHubUrl: string;
  WorkFolder: string;
  Ephemeral: "True";
  DisableUpdate: "True";
  /** Ours: how fast the stand-in acts. */
  StandInTimings: Timings;
}

/** Content of `.credentials_rsaparams`; GitHub keeps an RSA key there. */
export interface Credentials {
  secret: string;
}

export interface Session {
  sessionId: string;
  behaviour?: ListenerBehaviour;
}

export type JobMessage = Pick<Job, "id" | "repository" | "sha" | "steps" | "env" | "runAttempt"> & {
  name: string;
  type: "job";
  /** The owner's page, from which `repository` is cloned. */
  serverUrl: string;
  apiUrl: string;
};

export type Message = JobMessage | { type: "cancel"; id: number };

/** First line on the worker's standard input; a later line `cancel` or `shutdown` cancels, the end of the input kills. */
export interface WorkerInput {
  job: JobMessage;
  secret: string;
  runnerName: string;
  workFolder: string;
  timings: Timings;
}

/** The worker's exit codes, as GitHub's. */
export const workerExit = { success: 100, failure: 102, cancelled: 103 } as const;
