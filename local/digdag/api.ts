import { BadRequest, readDefinitions } from "./definitions";
import { NotFound, type Project, type Revision, type Schedule, type Store } from "./store";

/** Version of Digdag whose contract is played. */
export const VERSION = "0.10.5.1";

/** One request, body read. */
export interface Call {
  method: string;
  url: URL;
  headers: Record<string, string | string[] | undefined>;
  body: Buffer;
}

/** A JSON value, or bytes. */
export type Reply = { json: unknown } | { bytes: Buffer; type: string };

const PAGE = 100;

/** Carries out one call of the REST API. Throws BadRequest, NotFound or Conflict for what the server refuses. */
export async function answer(call: Call, store: Store, now: () => Date): Promise<Reply> {
  const { pathname, searchParams } = call.url;
  const [, api, collection, id, ...rest] = pathname.split("/").map(decodeURIComponent);
  const route = `${call.method} ${[api, collection, id && "*", rest[0]].filter(Boolean).join("/")}`;
  const name = searchParams.get("name") ?? undefined;
  switch (route) {
    case "GET api/projects":
      return {
        json: {
          projects: store
            .projects()
            .filter((project) => name === undefined || project.name === name)
            .map(projectJson),
        },
      };
    case "PUT api/projects":
      return { json: projectJson(await putProject(call, store, now)) };
    case "GET api/projects/*":
      return { json: projectJson(store.project(id ?? "")) };
    case "DELETE api/projects/*": {
      const deleted = store.delete(id ?? "");
      return { json: projectJson(deleted) };
    }
    case "GET api/projects/*/revisions":
      return { json: { revisions: revisions(store.project(id ?? ""), name) } };
    case "GET api/projects/*/workflows":
      return {
        json: {
          workflows: workflows(
            store,
            store.project(id ?? ""),
            searchParams.get("revision") ?? undefined,
            name,
          ),
        },
      };
    case "GET api/projects/*/schedules": {
      const project = store.project(id ?? "");
      const workflow = searchParams.get("workflow");
      const found = project.schedules.filter(
        (schedule) => workflow === null || schedule.workflow.name === workflow,
      );
      return {
        json: { schedules: page(found, searchParams).map((schedule) => scheduleJson(project, schedule)) },
      };
    }
    case "GET api/projects/*/archive": {
      const revision = store.revision(store.project(id ?? ""), searchParams.get("revision") ?? undefined);
      return { bytes: Buffer.from(revision.archive, "base64"), type: "application/gzip" };
    }
    case "GET api/schedules": {
      const all = store
        .projects()
        .flatMap((project) => project.schedules.map((schedule) => ({ id: schedule.id, project, schedule })));
      return {
        json: {
          schedules: page(all, searchParams).map(({ project, schedule }) => scheduleJson(project, schedule)),
        },
      };
    }
    case "GET api/schedules/*": {
      const { project, schedule } = store.schedule(id ?? "");
      return { json: scheduleJson(project, schedule) };
    }
    case "POST api/schedules/*/disable":
    case "POST api/schedules/*/enable": {
      const { project, schedule } = store.setDisabled(id ?? "", rest[0] === "disable");
      const { createdAt, updatedAt } = schedule;
      return { json: { ...scheduleJson(project, schedule), createdAt, updatedAt } };
    }
    case "GET api/attempts":
      return { json: { attempts: [] } };
    case "GET api/version":
      return { json: { version: VERSION } };
    case "GET api/version/*":
      if (id === "check")
        return { json: { serverVersion: VERSION, upgradeRecommended: false, apiCompatible: true } };
      break;
  }
  throw new NotFound(`Resource does not exist: ${call.method} ${pathname}`);
}

async function putProject({ url, headers, body }: Call, store: Store, now: () => Date): Promise<Project> {
  const name = url.searchParams.get("project");
  const revision = url.searchParams.get("revision");
  if (headers["content-type"] !== "application/gzip")
    throw new BadRequest("Content-Type must be application/gzip");
  if (!name) throw new BadRequest("project= is required");
  if (!revision) throw new BadRequest("revision= is required");
  const definitions = await readDefinitions(body, now());
  if (headers["content-length"] !== String(body.length)) {
    throw new BadRequest("Content-Length header doesn't match with uploaded data size");
  }
  const from = url.searchParams.get("schedule_from");
  if (from && Number.isNaN(Date.parse(from))) throw new BadRequest("Invalid schedule_from= parameter format");
  return store.put(name, revision, body, definitions, from ? new Date(from) : undefined);
}

function page<T extends { id: string }>(items: T[], parameters: URLSearchParams): T[] {
  const last = Number(parameters.get("last_id") ?? 0);
  return items
    .filter((item) => Number(item.id) > last)
    .sort((a, b) => Number(a.id) - Number(b.id))
    .slice(0, PAGE);
}

function projectJson(project: Project): object {
  const latest = project.revisions.at(-1) as Revision;
  return {
    id: project.id,
    name: project.name,
    revision: latest.name,
    createdAt: project.createdAt,
    updatedAt: latest.createdAt,
    deletedAt: project.deletedAt,
    archiveType: "db",
    archiveMd5: latest.archiveMd5,
  };
}

function revisions(project: Project, name: string | undefined): object[] {
  return project.revisions
    .filter((revision) => name === undefined || revision.name === name)
    .reverse()
    .slice(0, PAGE)
    .map((revision) => ({
      revision: revision.name,
      createdAt: revision.createdAt,
      archiveType: "db",
      archiveMd5: revision.archiveMd5,
      userInfo: {},
    }));
}

function workflows(
  store: Store,
  project: Project,
  revisionName: string | undefined,
  name: string | undefined,
): object[] {
  const revision = store.revision(project, revisionName);
  return revision.workflows
    .filter((workflow) => name === undefined || workflow.name === name)
    .map(({ id, name, timezone, config }) => ({
      id,
      name,
      project: { id: project.id, name: project.name },
      revision: revision.name,
      timezone,
      config,
    }));
}

function scheduleJson(project: Project, schedule: Schedule): object {
  const { id, workflow, nextRunTime, nextScheduleTime, disabledAt } = schedule;
  return {
    id,
    project: { id: project.id, name: project.name },
    workflow,
    nextRunTime,
    nextScheduleTime,
    disabledAt,
  };
}
