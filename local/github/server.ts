import { mkdtemp, rm } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { cutOff } from "../lib/cutOff";
import { Clock } from "./clock";
import { answerControl } from "./control";
import { Faults, scopeOfPath } from "./faults";
import { GitStore } from "./git";
import { type Call, credential, type Reply, readCall, send } from "./http";
import { JobQueue } from "./jobs";
import { type Listening, listen } from "./listen";
import { RunnerRegistry } from "./registry";
import { Renames } from "./renames";
import { answerRest, isRest } from "./rest";
import { RunnerService } from "./runnerService";
import { Settings } from "./settings";
import { Tokens } from "./tokens";
import {
  defaultToken,
  type GitHub,
  type GitHubOptions,
  type HttpAction,
  type Job,
  type JobSpec,
  type RequestRecord,
  type Timings,
} from "./types";

export * from "./types";

const defaultTimings: Timings = {
  poll: 50_000,
  sessionGrace: 3_000,
  acquire: 10_000,
  heartbeatGap: 15_000,
  conflictRetry: 30_000,
  conflictLimit: 240_000,
  reconnect: 2_000,
  unload: 30_000,
  interruptStep: 7_500,
  terminateStep: 2_500,
};

/** A campaign of faults makes many more requests than anybody looks back at. */
const keptRequests = 20_000;

type Answer = (call: Call) => Reply | Promise<Reply>;

interface Handling {
  faults: Faults;
  answer: Answer;
  /** Whose a request is, for faults that hit one repository or organization only. */
  scopeOf: (call: Call) => string | undefined;
}

/** Answers a request, unless a fault was ordered for it; returns the status sent, 0 for none. */
async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  { faults, answer, scopeOf }: Handling,
): Promise<number> {
  const left = new AbortController();
  response.once("close", () => left.abort());
  let call: Call;
  try {
    call = await readCall(request, left.signal);
  } catch {
    send(response, { status: 400, json: { message: "Problems parsing the request" } });
    return 400;
  }
  const action: HttpAction | undefined = faults.takeHttp(call.method, call.path, scopeOf(call));
  if (action?.type === "reset") {
    cutOff(request.socket);
    return 0;
  }
  if (action?.type === "hang") return 0;
  if (action?.type === "delay") await sleep(action.ms, undefined, { ref: false });
  let reply = action?.type === "respond" ? ordered(action) : await answered(answer, call);
  if (action?.type === "replace-answer") reply = ordered(action);
  if (action?.type === "lose-answer") {
    cutOff(request.socket);
    return 0;
  }
  if (response.destroyed) return 0;
  send(response, reply, { server: "github-stand-in" });
  return reply.status;
}

/** A defect of the stand-in is an answer too, so that a test shows it instead of a server that is gone. */
async function answered(answer: Answer, call: Call): Promise<Reply> {
  try {
    return await answer(call);
  } catch (error) {
    const message = `The GitHub stand-in failed: ${(error as Error).message}`;
    return { status: 500, json: { message } };
  }
}

function ordered({
  status,
  headers = {},
  body,
}: Extract<HttpAction, { type: "respond" | "replace-answer" }>): Reply {
  if (typeof body !== "string")
    return { status, headers, json: body ?? { message: `Ordered fault ${status}` } };
  return { status, body, headers: { "content-type": "text/html; charset=utf-8", ...headers } };
}

async function timed(
  request: IncomingMessage,
  work: () => Promise<number>,
  record: (entry: RequestRecord) => void,
) {
  const started = performance.now();
  const time = new Date().toISOString();
  const from = request.socket.remoteAddress ?? "";
  const status = await work();
  const path = (request.url ?? "").split("?")[0] ?? "";
  record({
    time,
    method: request.method ?? "",
    path,
    status,
    milliseconds: Math.round(performance.now() - started),
    from,
  });
}

/**
 * Starts the stand-in for GitHub: REST API for self-hosted runners, a job queue, the service listeners talk to, and Git over
 * HTTP, all on one address; the control API `/_local/` on a port of its own on loopback.
 * @throws Error when an address is in use
 */
export async function startGitHub(options: GitHubOptions = {}): Promise<GitHub> {
  const { host = "127.0.0.1", port = 0, controlPort = 0, apiPath = "", tls, onRequest } = options;
  const timings: Timings = { ...defaultTimings, ...options.timings };
  const clock = new Clock();
  const faults = new Faults();
  const registry = new RunnerRegistry(clock, timings);
  const tokens = new Tokens(
    options.tokens ?? [{ value: defaultToken, scopes: ["*"] }],
    options.apps ?? [],
    clock,
    options.rateLimit ?? 5000,
  );
  const records: RequestRecord[] = [];

  const scopeOf = (call: Call) =>
    call.path.startsWith("/_runner/") ? registry.bySecret(credential(call))?.scope : scopeOfPath(call.path);
  let answerPublic: Answer = () => ({ status: 503 });
  const server: Listening = await listen(
    (request, response) =>
      void timed(
        request,
        () => handle(request, response, { faults, answer: (call) => answerPublic(call), scopeOf }),
        (entry) => {
          records.push(entry);
          if (records.length > keptRequests) records.splice(0, keptRequests / 2);
          onRequest?.(entry);
        },
      ),
    { host, port, ...(tls && { tls }) },
  );
  const control: Listening = await listen(
    (request, response) =>
      void handle(request, response, {
        faults: new Faults(),
        answer: (call) => answerControl(github, call),
        scopeOf: () => undefined,
      }),
    { host: "127.0.0.1", port: controlPort },
  ).catch(async (error: unknown) => {
    await server.close();
    throw error;
  });
  const temporary = options.stateDirectory ? undefined : await mkdtemp(join(tmpdir(), "github-stand-in-"));
  const git = await GitStore.open(join(options.stateDirectory ?? (temporary as string), "git"));
  const publicUrl = options.publicUrl ?? server.url;
  const apiUrl =
    options.publicUrl === "https://github.com" ? "https://api.github.com" : `${publicUrl}${apiPath}`;
  const jobs = new JobQueue(registry, clock, timings, { serverUrl: publicUrl, apiUrl });
  const service = new RunnerService({ registry, jobs, faults });
  const rest = {
    registry,
    tokens,
    timings,
    publicUrl,
    apiUrl,
    clock,
    renames: new Renames(),
    runnerGroups: options.runnerGroups ?? [{ id: 1, name: "Default" }],
    settings: new Settings(options.accounts ?? { repositories: {}, users: {}, teams: {} }, clock),
    newestRunner: options.newestRunner ?? "2.337.0",
  };
  answerPublic = (call) => {
    const path = call.path.startsWith(`${apiPath}/`) ? call.path.slice(apiPath.length) : "";
    if (isRest(path)) return answerRest(rest, { ...call, path });
    if (call.path.startsWith("/_runner/")) return service.answer(call);
    return git.serve(call.path);
  };

  const found = (id: number): Job => {
    const job = jobs.find(id);
    if (!job) throw new Error(`There is no job ${id}; there are ${jobs.list().length}.`);
    return job;
  };
  const github: GitHub = {
    apiUrl: `${server.url}${apiPath}`,
    controlUrl: control.url,
    async addRepository(name, directory) {
      if (git.head(name)) throw new Error(`The repository ${name} exists already.`);
      if (directory) return git.commit(name, directory, "First commit");
      const empty = await mkdtemp(join(tmpdir(), "github-stand-in-empty-"));
      try {
        return await git.commit(name, empty, "First commit");
      } finally {
        await rm(empty, { recursive: true });
      }
    },
    commit: (repository, directory, message = "Change") => git.commit(repository, directory, message),
    queueJob: (spec) => jobs.add(withCommit(checked(spec), git)),
    job: found,
    jobs: () => jobs.list(),
    async jobCompleted(id, milliseconds = 30_000) {
      const deadline = performance.now() + milliseconds;
      while (found(id).status !== "completed") {
        if (performance.now() > deadline)
          throw new Error(
            `Job ${id} is still ${found(id).status} after ${milliseconds} ms. Its log:\n${found(id).log}`,
          );
        await sleep(25);
      }
      return found(id);
    },
    cancelJob(id) {
      found(id);
      jobs.cancel(id);
      return found(id);
    },
    runners: () => registry.list().map((each) => registry.describe(each)),
    removeRunner(id) {
      const runner = registry.find(id);
      if (!runner) throw new Error(`There is no runner ${id}.`);
      jobs.abandon(runner);
    },
    addFault: (fault) => faults.add(fault),
    faults: () => faults.list(),
    clearFaults: (scope) => faults.clear(scope),
    putToken: (token) => tokens.put(token),
    revokeToken: (value) => tokens.revoke(value),
    putApp: (app) => tokens.putApp(app),
    putRunnerGroups(groups) {
      rest.runnerGroups = groups;
    },
    runnerGroups: () => rest.runnerGroups,
    renameRepository(from, to) {
      rest.renames.add(from, to);
      registry.move(from, to);
    },
    advanceClock: (milliseconds) => clock.advance(milliseconds),
    requests: () => [...records],
    async close() {
      jobs.close();
      await Promise.all([server.close(), control.close()]);
      if (temporary) await rm(temporary, { recursive: true, force: true });
    },
  };
  return github;
}

function checked(spec: JobSpec): JobSpec {
  const { repository, labels, steps } = spec;
  if (typeof repository !== "string" || !Array.isArray(labels) || !Array.isArray(steps) || steps.length === 0)
    throw new Error(
      'A job needs "repository" (owner/name), "labels" (list) and "steps" (list with at least one).',
    );
  return spec;
}

function withCommit(spec: JobSpec, git: GitStore): JobSpec {
  const sha = spec.sha ?? git.head(spec.repository);
  return sha ? { ...spec, sha } : spec;
}
