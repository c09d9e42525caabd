import { type Call, json, type Reply } from "./http";
import { sameName } from "./registry";
import type { App, Fault, GitHub, Job, JobSpec, RequestRecord, RunnerGroup, Token } from "./types";

type Route = (github: GitHub, call: Call, id: number) => unknown | Promise<unknown>;

const routes: Record<string, Route> = {
  "GET /jobs": (github, call) => github.jobs().filter(jobsWanted(call)),
  "POST /jobs": (github, call) => github.queueJob(json(call) as JobSpec),
  "GET /jobs/:id": (github, _, id) => github.job(id),
  "POST /jobs/:id/cancel": (github, _, id) => github.cancelJob(id),
  "GET /runners": (github) => github.runners(),
  "DELETE /runners/:id": (github, _, id) => github.removeRunner(id),
  "POST /commits": (github, call) => {
    const { repository, directory, message } = json(call) as Record<string, string>;
    if (!repository || !directory)
      throw new Error('A commit needs "repository" (owner/name) and "directory".');
    return github.commit(repository, directory, message);
  },
  "POST /faults": (github, call) => github.addFault(json(call) as Fault),
  "GET /faults": (github) => github.faults(),
  "DELETE /faults": (github, call) => github.clearFaults(call.query.get("scope") ?? undefined),
  "PUT /tokens": (github, call) => github.putToken(json(call) as Token),
  "POST /tokens/revoke": (github, call) => github.revokeToken((json(call) as { value: string }).value),
  "PUT /apps": (github, call) => github.putApp(json(call) as App),
  "PUT /runner-groups": (github, call) => github.putRunnerGroups(json(call) as RunnerGroup[]),
  "POST /renames": (github, call) => {
    const { from, to } = json(call) as Record<string, string>;
    if (!from || !to) throw new Error('A rename needs "from" and "to" (owner/name).');
    return github.renameRepository(from, to);
  },
  "POST /clock": (github, call) => github.advanceClock((json(call) as { milliseconds: number }).milliseconds),
  "GET /requests": (github, call) => github.requests().filter(requestsWanted(call)),
};

/** `?repository=owner/name&from=ID`: of this repository, from this id on. */
function jobsWanted({ query }: Call): (job: Job) => boolean {
  const repository = query.get("repository");
  const from = Number(query.get("from") ?? 0);
  return (job) => job.id >= from && (repository === null || sameName(job.repository, repository));
}

/** `?path=REGEX&since=TIME`: paths that match, no earlier than this ISO 8601 time. */
function requestsWanted({ query }: Call): (request: RequestRecord) => boolean {
  const path = new RegExp(query.get("path") ?? "");
  const since = query.get("since") ?? "";
  return (request) => path.test(request.path) && request.time >= since;
}

/**
 * The control API: what a person does on GitHub's pages, and what only a stand-in can do. JSON in and out; 204 where there is
 * nothing to say, 400 {message} for what cannot be done. It is never served on the public address: a job could reach it there.
 */
export async function answerControl(github: GitHub, call: Call): Promise<Reply> {
  const path = call.path.replace(/^\/_local/, "");
  const id = Number(/\/(\d+)(?:\/|$)/.exec(path)?.[1]);
  const name = `${call.method} ${path.replace(/\/\d+(?=\/|$)/, "/:id")}`;
  const route = Object.hasOwn(routes, name) ? routes[name] : undefined;
  if (!route || !call.path.startsWith("/_local/"))
    return {
      status: 404,
      json: { message: `The GitHub stand-in's control API has no ${call.method} ${call.path}.` },
    };
  try {
    const answer = await route(github, call, id);
    return answer === undefined ? { status: 204 } : { status: 200, json: answer };
  } catch (error) {
    return { status: 400, json: { message: (error as Error).message } };
  }
}
