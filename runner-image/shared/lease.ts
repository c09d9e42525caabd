/**
 * The lease: what broker and supervisor say to each other over one unix socket, as JSON, one message per line.
 *
 *   supervisor                              broker
 *   hello {key?, beacon, runnerId?}   ->
 *                                     <-    welcome {key}  |  refused {reason}, and the connection closes
 *   ready  (I cleaned up)             ->
 *                                     <-    jit {runnerId, runnerName, jitConfig}
 *   job {started | identified | completed} ->
 *                                     <-    retire {runnerId}
 *   ended {runnerId, exitCode}        ->
 *   drain                             ->
 *                                     <-    drained {outcome}
 *                                     <-    ping
 *   pong                              ->
 */

/** Which job a listener runs, as GitHub names it. Told by the job itself, so it is for logs alone. */
export interface JobIdentity {
  /** `owner/name`. */
  repository: string;
  workflow: string;
  /** Key of the job in its workflow. */
  job: string;
  runId: string;
  runAttempt: string;
}

export type SupervisorMessage =
  /** First message of every connection. `key`: of the lease held before. `runnerId`: of the listener that is running now. */
  | { type: "hello"; key?: string; beacon: string; runnerId?: number }
  /** No other process lives in the container and every writable place is empty: a JIT configuration may be sent. */
  | { type: "ready" }
  | {
      type: "job";
      runnerId: number;
      event: "started" | "identified" | "completed";
      name: string;
      result?: string;
      identity?: JobIdentity;
    }
  /** The listener process has ended, with an exit code or a signal. */
  | { type: "ended"; runnerId: number; exitCode: number | null; signal: string | null }
  /** The container was asked to stop: delete the runner if it is idle, hand out no other. */
  | { type: "drain" }
  /** Answer to `ping`. */
  | { type: "pong" };

/**
 * What GitHub answered to the deletion of the runner: `deleted` (it was idle and takes no job any more), `busy` (let its job
 * finish), `absent` (GitHub does not know it any more), `none` (there was no runner).
 */
export type DrainOutcome = "deleted" | "busy" | "absent" | "none";

export type BrokerMessage =
  | { type: "welcome"; key: string }
  | { type: "refused"; reason: string }
  | { type: "jit"; runnerId: number; runnerName: string; jitConfig: string }
  | { type: "drained"; outcome: DrainOutcome }
  /** GitHub gives this runner no job any more: end its listener, unless a job runs. */
  | { type: "retire"; runnerId: number; reason: string }
  /** A supervisor that does not answer is stopped or hangs. */
  | { type: "ping" };

export type Hello = Extract<SupervisorMessage, { type: "hello" }>;
export type Ended = Extract<SupervisorMessage, { type: "ended" }>;
export type JobEvent = Extract<SupervisorMessage, { type: "job" }>;
export type JitMessage = Extract<BrokerMessage, { type: "jit" }>;
export type RetireMessage = Extract<BrokerMessage, { type: "retire" }>;

/** Longest line accepted, in characters. A JIT configuration has a few thousand. */
export const MAX_LINE_LENGTH = 262_144;

/** The peer does not speak the protocol; its connection must be closed. */
export class LeaseProtocolError extends Error {}

/** One message as the line that goes over the socket. */
export function encodeMessage(message: SupervisorMessage | BrokerMessage): string {
  return `${JSON.stringify(message)}\n`;
}

/** Splits a stream of text chunks into complete lines. Throws LeaseProtocolError when a line grows past MAX_LINE_LENGTH. */
export class LineSplitter {
  private rest = "";

  push(chunk: string): string[] {
    const lines = (this.rest + chunk).split("\n");
    this.rest = lines.pop() ?? "";
    if (this.rest.length > MAX_LINE_LENGTH || lines.some((line) => line.length > MAX_LINE_LENGTH)) {
      throw new LeaseProtocolError(`a line is longer than the ${MAX_LINE_LENGTH} characters allowed`);
    }
    return lines.filter((line) => line !== "");
  }
}

/** Parses a line sent by a supervisor. Throws LeaseProtocolError, which never quotes the line. */
export function parseSupervisorMessage(line: string): SupervisorMessage {
  const m = parseObject(line);
  switch (m.type) {
    case "hello":
      return {
        type: "hello",
        beacon: text(m, "beacon"),
        ...(m.key === undefined ? {} : { key: text(m, "key") }),
        ...(m.runnerId === undefined ? {} : { runnerId: id(m) }),
      };
    case "ready":
    case "drain":
    case "pong":
      return { type: m.type };
    case "job":
      if (m.event !== "started" && m.event !== "identified" && m.event !== "completed") {
        throw wrong("event", "started, identified or completed");
      }
      return {
        type: "job",
        runnerId: id(m),
        event: m.event,
        name: text(m, "name"),
        ...(m.result === undefined ? {} : { result: text(m, "result") }),
        ...(m.identity === undefined ? {} : { identity: identity(m.identity) }),
      };
    case "ended":
      return {
        type: "ended",
        runnerId: id(m),
        exitCode: typeof m.exitCode === "number" ? m.exitCode : null,
        signal: typeof m.signal === "string" ? m.signal : null,
      };
    default:
      throw wrong("type", "hello, ready, job, ended, drain or pong");
  }
}

/** Parses a line sent by a broker. Throws LeaseProtocolError, which never quotes the line. */
export function parseBrokerMessage(line: string): BrokerMessage {
  const m = parseObject(line);
  switch (m.type) {
    case "welcome":
      return { type: "welcome", key: text(m, "key") };
    case "refused":
      return { type: "refused", reason: text(m, "reason") };
    case "jit":
      return {
        type: "jit",
        runnerId: id(m),
        runnerName: text(m, "runnerName"),
        jitConfig: text(m, "jitConfig"),
      };
    case "drained": {
      const outcomes: DrainOutcome[] = ["deleted", "busy", "absent", "none"];
      const outcome = outcomes.find((o) => o === m.outcome);
      if (outcome === undefined) throw wrong("outcome", outcomes.join(", "));
      return { type: "drained", outcome };
    }
    case "retire":
      return { type: "retire", runnerId: id(m), reason: text(m, "reason") };
    case "ping":
      return { type: "ping" };
    default:
      throw wrong("type", "welcome, refused, jit, drained, retire or ping");
  }
}

type Fields = Record<string, unknown>;

function parseObject(line: string): Fields {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
  } catch {
    // Falls through: the parser's own message quotes the line, which may hold a secret.
  }
  throw new LeaseProtocolError("a line is not a JSON object");
}

function text(m: Fields, name: string): string {
  const value = m[name];
  if (typeof value !== "string" || value === "") throw wrong(name, "a text that is not empty");
  return value;
}

function id(m: Fields): number {
  const value = m.runnerId;
  if (typeof value !== "number" || !Number.isSafeInteger(value)) throw wrong("runnerId", "a whole number");
  return value;
}

function identity(value: unknown): JobIdentity {
  if (typeof value !== "object" || value === null) throw wrong("identity", "an object");
  const m = value as Fields;
  return {
    repository: text(m, "repository"),
    workflow: text(m, "workflow"),
    job: text(m, "job"),
    runId: text(m, "runId"),
    runAttempt: text(m, "runAttempt"),
  };
}

function wrong(field: string, allowed: string): LeaseProtocolError {
  return new LeaseProtocolError(`field ${field} must be ${allowed}`);
}
