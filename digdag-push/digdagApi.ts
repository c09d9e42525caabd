import type { Agent } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { type Credentials, redact } from "./credentials";
import { printable } from "./errors";
import { type Answer, makeAgent, type Request, RequestFailure, send } from "./http";
import { type Limits, RETRIES } from "./limits";

/** A project with its latest revision, as Digdag answers. */
export interface ServedProject {
  id: string;
  name: string;
  revision: string;
  /** Base64; null when the server stores no md5. */
  archiveMd5: string | null;
}

export interface ServedRevision {
  revision: string;
  archiveMd5: string | null;
}

export interface ServedWorkflow {
  name: string;
  timezone: string;
  config: Record<string, unknown>;
}

export interface ServedSchedule {
  id: string;
  workflow: { id: string; name: string };
  /** ISO instant. */
  nextRunTime: string;
  /** ISO time with offset: the session time of that run. */
  nextScheduleTime: string;
  disabledAt: string | null;
}

export interface DigdagApiOptions {
  endpoint: URL;
  /** Headers that carry credentials; default: none. */
  credentials?: Credentials;
  limits: Limits;
  userAgent: string;
  /** The deadline of the command. */
  signal: AbortSignal;
  /** The proxy for a URL; default: none. */
  proxyFor?: (url: URL) => URL | undefined;
}

/** The calls of Digdag's REST API that a push needs. Reads are repeated on failures that pass; writes never. */
export class DigdagApi {
  private readonly agent: Agent;
  private readonly proxy?: URL;

  constructor(private readonly options: DigdagApiOptions) {
    this.proxy = options.proxyFor?.(options.endpoint);
    this.agent = makeAgent(options.endpoint, this.proxy);
  }

  close(): void {
    this.agent.destroy();
  }

  /** The project of that name, or undefined when Digdag has none. */
  async project(name: string): Promise<ServedProject | undefined> {
    const { projects } = await this.read<{ projects: ServedProject[] }>(
      "/api/projects",
      { name },
      "projects",
    );
    return projects.find((project) => project.name === name);
  }

  /** Revisions newest first; the server answers with the latest hundred. */
  async revisions(projectId: string): Promise<ServedRevision[]> {
    const path = `/api/projects/${encodeURIComponent(projectId)}/revisions`;
    return (await this.read<{ revisions: ServedRevision[] }>(path, {}, "revisions")).revisions;
  }

  /** The revision of that name, or undefined when it was never pushed. */
  async revision(projectId: string, name: string): Promise<ServedRevision | undefined> {
    const path = `/api/projects/${encodeURIComponent(projectId)}/revisions`;
    const { revisions } = await this.read<{ revisions: ServedRevision[] }>(path, { name }, "revisions");
    return revisions.find((revision) => revision.revision === name);
  }

  async workflows(projectId: string, revision?: string): Promise<ServedWorkflow[]> {
    const path = `/api/projects/${encodeURIComponent(projectId)}/workflows`;
    const query: Record<string, string> = revision === undefined ? {} : { revision };
    return (await this.read<{ workflows: ServedWorkflow[] }>(path, query, "workflows")).workflows;
  }

  /** All schedules of the project; the server pages them by a hundred. */
  async schedules(projectId: string): Promise<ServedSchedule[]> {
    const path = `/api/projects/${encodeURIComponent(projectId)}/schedules`;
    const found = new Map<string, ServedSchedule>();
    for (let last: string | undefined; ; ) {
      const query: Record<string, string> = last === undefined ? {} : { last_id: last };
      const page = (await this.read<{ schedules: ServedSchedule[] }>(path, query, "schedules")).schedules;
      const fresh = page.filter((schedule) => !found.has(schedule.id));
      for (const schedule of fresh) found.set(schedule.id, schedule);
      last = fresh.at(-1)?.id;
      if (last === undefined || page.length < 100) return [...found.values()];
    }
  }

  /** The stored archive of a revision, byte by byte. */
  async archive(projectId: string, revision: string): Promise<Buffer> {
    const path = `/api/projects/${encodeURIComponent(projectId)}/archive`;
    // Where the archive lies in an object store, the server then passes it on itself.
    const query = { revision, direct_download: "false" };
    return this.get(path, query, ({ body }) => body);
  }

  /** The server's version, which it tells without a credential. */
  async version(): Promise<string> {
    return this.get("/api/version", {}, ({ body, status }, url) => {
      try {
        const { version } = JSON.parse(body.toString("utf8"));
        if (typeof version === "string") return printable(version, 40);
      } catch {
        // Said below.
      }
      throw notDigdag(url, status);
    });
  }

  /** Reads one project, whichever: it needs the credential and the server's database. */
  async probe(): Promise<void> {
    await this.read<{ projects: ServedProject[] }>("/api/projects", { count: "1" }, "projects");
  }

  async disableSchedule(id: string): Promise<void> {
    const path = `/api/schedules/${encodeURIComponent(id)}/disable`;
    await this.exchange(this.url(path, {}), { method: "POST", answerTimeout: this.options.limits.read });
  }

  /** Uploads the archive as a new revision, in one try. */
  async push(project: string, revision: string, archive: Buffer): Promise<void> {
    await this.exchange(this.url("/api/projects", { project, revision }), {
      method: "PUT",
      headers: { "content-type": "application/gzip" },
      body: archive,
      answerTimeout: this.options.limits.push,
    });
  }

  /** Waits before repetition number `attempt` (from 0). */
  async pause(attempt: number): Promise<void> {
    const { signal, limits } = this.options;
    await sleep(limits.retryPause * 2 ** attempt, undefined, { signal }).catch(() => undefined);
  }

  private url(path: string, query: Record<string, string>): URL {
    const url = new URL(path, this.options.endpoint);
    for (const [key, value] of Object.entries(query)) url.searchParams.set(key, value);
    return url;
  }

  private read<T>(path: string, query: Record<string, string>, list: keyof T & string): Promise<T> {
    return this.get(path, query, (answer, url) => parseList<T>(answer, url, list));
  }

  private async get<T>(
    path: string,
    query: Record<string, string>,
    parse: (answer: Answer, url: URL) => T,
  ): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      try {
        const url = this.url(path, query);
        return parse(
          await this.exchange(url, { method: "GET", answerTimeout: this.options.limits.read }),
          url,
        );
      } catch (error) {
        if (!(error instanceof RequestFailure) || !error.passes || attempt === RETRIES) throw error;
        await this.pause(attempt);
      }
    }
  }

  private async exchange(url: URL, request: Omit<Request, "connectTimeout">): Promise<Answer> {
    const { credentials = {}, userAgent, limits, signal } = this.options;
    const answer = await send(url, {
      ...request,
      headers: {
        accept: "application/json",
        "user-agent": userAgent,
        ...credentials,
        ...request.headers,
      },
      connectTimeout: limits.connect,
      signal,
      agent: this.agent,
      proxy: this.proxy,
    });
    if (answer.status >= 200 && answer.status < 300) return answer;
    const elsewhere = objectStore(url, answer);
    if (elsewhere !== undefined) return this.fetchElsewhere(elsewhere, request);
    throw statusFailure(url, answer, credentials);
  }

  /** Follows to an object store, without the credential, which is Digdag's alone. */
  private async fetchElsewhere(url: URL, request: Omit<Request, "connectTimeout">): Promise<Answer> {
    const { userAgent, limits, signal, proxyFor } = this.options;
    const proxy = proxyFor?.(url);
    const agent = makeAgent(url, proxy);
    const headers = { "user-agent": userAgent };
    const answer = await send(url, {
      ...request,
      ...{ headers, connectTimeout: limits.connect, signal, agent, proxy },
    }).finally(() => agent.destroy());
    if (answer.status >= 200 && answer.status < 300) return answer;
    const message = `${url.origin}, where Digdag keeps its archives, answers ${answer.status}`;
    throw new RequestFailure("HTTP", message, { status: answer.status });
  }
}

function parseList<T>(answer: Answer, url: URL, list: keyof T & string): T {
  try {
    const body = JSON.parse(answer.body.toString("utf8"));
    if (Array.isArray(body[list])) return body;
  } catch {
    // Said below: the body itself may be anything and is not shown.
  }
  throw notDigdag(url, answer.status);
}

function notDigdag(url: URL, status: number): RequestFailure {
  const message = `${url.origin} answers ${url.pathname} with something that is not Digdag's`;
  return new RequestFailure("HTTP", message, { status });
}

/** Where a stored archive lies, when the server does not pass it on itself. Never from https to http. */
export function objectStore(url: URL, { status, headers }: Answer): URL | undefined {
  if (![302, 303, 307].includes(status) || !url.pathname.endsWith("/archive")) return undefined;
  const { location } = headers;
  if (location === undefined) return undefined;
  const target = URL.canParse(location, url.href) ? new URL(location, url) : undefined;
  const allowed = target?.protocol === "https:" || (target?.protocol === "http:" && url.protocol === "http:");
  return allowed ? target : undefined;
}

function statusFailure(url: URL, answer: Answer, credentials: Credentials): RequestFailure {
  const { status } = answer;
  const said = redact(serverMessage(answer.body), credentials);
  const suffix = said === "" ? "" : `: ${said}`;
  if (status === 401 || status === 403) {
    return new RequestFailure("auth", `${url.origin} answers ${status}${suffix}`, { status });
  }
  if (status >= 300 && status < 400) {
    return new RequestFailure(
      "HTTP",
      `${url.origin} answers ${status}, a redirect${redirectTarget(url, answer)}`,
      { status },
    );
  }
  return new RequestFailure("HTTP", `${url.origin} answers ${status} to ${url.pathname}${suffix}`, {
    status,
  });
}

/** Digdag's own `{"message"}` alone: any other body may be a page with a stack trace. */
function serverMessage(body: Buffer): string {
  try {
    const { message } = JSON.parse(body.toString("utf8"));
    return typeof message === "string" ? printable(message) : "";
  } catch {
    return "";
  }
}

function redirectTarget(url: URL, answer: Answer): string {
  try {
    return ` to ${new URL(answer.headers.location ?? "", url).origin}`;
  } catch {
    return "";
  }
}
