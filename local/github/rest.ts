import { randomUUID } from "node:crypto";
import type { components, operations } from "@octokit/openapi-types";
import { answerApp } from "./appsRest";
import type { Clock } from "./clock";
import { type Call, credential, json, paginate, type Reply } from "./http";
import type { Credentials, RunnerFile } from "./protocol";
import { type Registration, type RunnerRegistry, sameName } from "./registry";
import type { Renames } from "./renames";
import { failure, invalid, moved, notFound, type Schemas } from "./replies";
import { answerRoutes, refusePower } from "./routes";
import { runnerGroupRoutes } from "./runnerGroupsRest";
import type { Settings } from "./settings";
import { settingsRoutes } from "./settingsRest";
import { mayReach, type RateLimit, type Tokens } from "./tokens";
import type { PermissionName, RunnerGroup, Timings, Token } from "./types";

type JitAnswer = components["responses"]["actions_runner_jitconfig"]["content"]["application/json"];
type RunnerList =
  operations["actions/list-self-hosted-runners-for-repo"]["responses"][200]["content"]["application/json"];
type JitRequest =
  operations["actions/generate-runner-jitconfig-for-repo"]["requestBody"]["content"]["application/json"];

const runnersPath =
  /^\/(?:repos\/([^/]+\/[^/]+)|orgs\/([^/]+))\/actions\/(runners(?:\/(?:generate-jitconfig|downloads|\d+))?)$/;

export interface RestContext {
  registry: RunnerRegistry;
  tokens: Tokens;
  clock: Clock;
  renames: Renames;
  runnerGroups: RunnerGroup[];
  settings: Settings;
  /** Version of the newest runner. */
  newestRunner: string;
  timings: Timings;
  /** Written into JIT configurations. */
  publicUrl: string;
  /** Base of Link headers. */
  apiUrl: string;
}

/** Whether GitHub serves this path on its API host. */
export function isRest(path: string): boolean {
  return /^\/(repos|repositories|orgs|users|app|rate_limit|meta)(\/|$)/.test(path);
}

function rateHeaders(bucket: RateLimit, resource: string): Record<string, string> {
  return {
    "x-ratelimit-limit": String(bucket.limit),
    "x-ratelimit-remaining": String(bucket.remaining),
    "x-ratelimit-used": String(bucket.used),
    "x-ratelimit-reset": String(bucket.reset),
    "x-ratelimit-resource": resource,
  };
}

/** Answers one call of the REST API as GitHub does. */
export function answerRest(context: RestContext, call: Call): Reply {
  const reply = call.path === "/meta" ? meta() : authenticated(context, call);
  return {
    ...reply,
    headers: {
      date: new Date(context.clock.now()).toUTCString(),
      "x-github-request-id": randomUUID().toUpperCase(),
      "x-github-media-type": "github.v3; format=json",
      "x-github-api-version-selected": String(call.headers["x-github-api-version"] ?? "2022-11-28"),
      ...reply.headers,
    },
  };
}

function meta(): Reply {
  const body: Schemas["api-overview"] = {
    verifiable_password_authentication: false,
    actions: [],
    api: [],
    web: [],
    git: [],
  };
  return { status: 200, json: body };
}

function authenticated(context: RestContext, call: Call): Reply {
  const { tokens } = context;
  const value = credential(call);
  if (value === undefined) return failure(401, "Requires authentication");
  if (value.split(".").length === 3) return answerApp(context, call, value);
  const token = tokens.find(value);
  if (!token) return failure(401, "Bad credentials");
  if (tokens.isSuspended(token)) return failure(403, "This installation has been suspended");
  const resource = call.path.endsWith("/generate-jitconfig") ? "actions_runner_registration" : "core";
  const bucket = tokens.bucket(value, resource);
  const expiry: Record<string, string> = token.expiresAt
    ? { "github-authentication-token-expiration": expirationHeader(token.expiresAt) }
    : {};
  const reply =
    call.path === "/rate_limit"
      ? rateLimit(tokens, value)
      : counted(bucket, () => repositories(context, call, token));
  return { ...reply, headers: { ...rateHeaders(bucket, resource), ...expiry, ...reply.headers } };
}

/** GitHub's own format, such as `2027-01-31 09:00:00 UTC`. */
function expirationHeader(expiresAt: string): string {
  return `${new Date(expiresAt).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

function counted(bucket: RateLimit, answer: () => Reply): Reply {
  if (bucket.remaining === 0) return failure(403, "API rate limit exceeded for user ID 1.");
  bucket.used += 1;
  bucket.remaining -= 1;
  return answer();
}

function rateLimit(tokens: Tokens, value: string): Reply {
  const core = tokens.bucket(value, "core");
  const body: Schemas["rate-limit-overview"] = {
    resources: {
      core,
      search: { limit: 30, remaining: 30, used: 0, reset: core.reset },
      actions_runner_registration: tokens.bucket(value, "actions_runner_registration"),
    },
    rate: core,
  };
  return { status: 200, json: body };
}

/** Leads old names of repositories to their id, and ids to today's name. */
function repositories(context: RestContext, call: Call, token: Token): Reply {
  const { renames, apiUrl } = context;
  const old = /^\/repos\/([^/]+\/[^/]+)(\/.*)?$/.exec(call.path);
  const movedTo = old?.[1] === undefined ? undefined : renames.idOf(old[1]);
  if (movedTo !== undefined) {
    if (!mayReach(token, renames.nameOf(movedTo) ?? "")) return notFound();
    const query = call.query.size > 0 ? `?${call.query}` : "";
    return moved(call.method, `${apiUrl}/repositories/${movedTo}${old?.[2] ?? ""}${query}`);
  }
  const [, id, rest = ""] = /^\/repositories\/(\d+)(\/.*)?$/.exec(call.path) ?? [];
  if (id === undefined) return runners(context, call, token);
  const name = renames.nameOf(Number(id));
  if (name === undefined || !mayReach(token, name)) return notFound();
  if (rest !== "") return runners(context, { ...call, path: `/repos/${name}${rest}` }, token);
  const body: Pick<Schemas["repository"], "id" | "full_name"> = { id: Number(id), full_name: name };
  return { status: 200, json: body };
}

function runners(context: RestContext, call: Call, token: Token): Reply {
  const match = runnersPath.exec(call.path);
  if (!match) return answerRoutes([...runnerGroupRoutes, ...settingsRoutes], context, call, token);
  const [, repository, organization, what] = match;
  const scope = repository ?? organization ?? "";
  if (!mayReach(token, scope)) return notFound();
  const name: PermissionName = repository ? "administration" : "organization_self_hosted_runners";
  const needed = call.method === "GET" ? "read" : "write";
  const refused = refusePower(token, name, needed);
  if (refused) return refused;
  switch (`${call.method} ${what?.replace(/\d+$/, "{id}")}`) {
    case "POST runners/generate-jitconfig":
      return generate(context, call, scope);
    case "GET runners":
      return list(context, call, scope);
    case "GET runners/downloads":
      return { status: 200, json: downloads(context) };
  }
  const registration = context.registry.find(Number(what?.split("/")[1]));
  if (!registration || !sameName(registration.scope, scope)) return notFound();
  if (call.method === "GET") return { status: 200, json: context.registry.describe(registration) };
  return call.method === "DELETE" ? remove(context, registration) : notFound();
}

function downloads({ newestRunner }: RestContext): Schemas["runner-application"][] {
  const builds: [string, string, string][] = [
    ["osx", "x64", "tar.gz"],
    ["linux", "x64", "tar.gz"],
    ["linux", "arm64", "tar.gz"],
    ["win", "x64", "zip"],
  ];
  return builds.map(([os, architecture, suffix]) => {
    const filename = `actions-runner-${os}-${architecture}-${newestRunner}.${suffix}`;
    const url = `https://github.com/actions/runner/releases/download/v${newestRunner}/${filename}`;
    return { os, architecture, download_url: url, filename };
  });
}

function list({ registry, apiUrl }: RestContext, call: Call, scope: string): Reply {
  const name = call.query.get("name");
  const all = registry.list(scope).filter((each) => name === null || each.name === name);
  const { page, link } = paginate(all, `${apiUrl}${call.path}`, call.query);
  const body: RunnerList = { total_count: all.length, runners: page.map((each) => registry.describe(each)) };
  return { status: 200, headers: link ? { link } : {}, json: body };
}

function remove({ registry }: RestContext, registration: Registration): Reply {
  if (registration.jobId !== undefined)
    return invalid(`Bad request - Runner "${registration.name}" is still running a job"`);
  registry.remove(registration);
  return { status: 204 };
}

function generate(context: RestContext, call: Call, scope: string): Reply {
  const { registry, runnerGroups } = context;
  let request: Partial<JitRequest>;
  try {
    request = json(call) as Partial<JitRequest>;
  } catch {
    return failure(400, "Problems parsing JSON");
  }
  const { name, runner_group_id: group, labels, work_folder: workFolder = "_work" } = request;
  if (typeof name !== "string" || name === "") return invalid('Invalid request.\n\n"name" wasn\'t supplied.');
  if (typeof group !== "number") return invalid('Invalid request.\n\n"runner_group_id" wasn\'t supplied.');
  if (!Array.isArray(labels)) return invalid('Invalid request.\n\n"labels" wasn\'t supplied.');
  if (labels.length < 1 || labels.length > 100)
    return invalid(`Invalid request.\n\n${labels.length} items for "labels"; 1 to 100 are allowed.`);
  // Group 2 is GitHub's own for hosted runners.
  if (group === 2) return failure(403, "Runners cannot be added to this runner group");
  if (!runnerGroups.some(({ id }) => id === group)) return notFound();
  if (registry.list(scope).some((each) => sameName(each.name, name)))
    return failure(409, `Already exists - A runner with the name ${name} already exists.`);
  const registration = registry.create(scope, name, labels, group);
  const answer: JitAnswer = {
    runner: registry.describe(registration),
    encoded_jit_config: jitConfiguration(context, registration, workFolder),
  };
  return { status: 201, json: answer };
}

/** base64 of JSON {file name: base64 of its content}, as GitHub's. */
function jitConfiguration(
  { publicUrl, timings }: RestContext,
  registration: Registration,
  workFolder: string,
): string {
  const runner: RunnerFile = {
    AgentId: String(registration.id),
    AgentName: registration.name,
    PoolId: String(registration.groupId),
    ServerUrl: publicUrl,
    GitHubUrl: `${publicUrl}/${registration.scope}`,
    WorkFolder: workFolder,
    Ephemeral: "True",
    DisableUpdate: "True",
    StandInTimings: timings,
  };
  const credentials: Credentials = { secret: registration.secret };
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64");
  return encode({
    ".runner": encode(runner),
    ".credentials": encode({
      Scheme: "OAuth",
      Data: { clientId: String(registration.id), authorizationUrl: publicUrl },
    }),
    ".credentials_rsaparams": encode(credentials),
  });
}
