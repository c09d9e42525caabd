import { type Archive, buildArchive } from "./archive";
import type { DigdagApi, ServedSchedule } from "./digdagApi";
import { brake, type Plan, planPush, type Served } from "./plan";
import { type Project, readProject } from "./project";
import { upload } from "./upload";
import { keepDisabled, verify } from "./verify";
import { readWorkflows, type Workflow } from "./workflows";

export interface ApplyRequest {
  /** Project name in Digdag. */
  project: string;
  directory: string;
  /** Name of the revision to make. */
  revision: string;
  /** Scheduled workflows that may vanish. */
  allowRemove: readonly string[];
}

/** A deployment that Digdag serves, verified. */
export interface ApplyResult {
  /** `unchanged`: the server served these bytes before, under `revision`. */
  verdict: "pushed" | "unchanged";
  project: string;
  projectId: string;
  /** What Digdag serves now. */
  revision: string;
  /** What it served before; null for a new project. */
  previousRevision: string | null;
  /** Base64. */
  archiveMd5: string;
  archiveBytes: number;
  files: number;
  /** By name. */
  workflows: Workflow[];
  schedules: ServedSchedule[];
  plan: Plan;
  /** Things people should know, a sentence each. */
  notes: string[];
}

/** A project that is fit to be pushed. */
export interface Prepared {
  project: Project;
  workflows: Workflow[];
  archive: Archive;
}

/**
 * Everything that needs no server.
 *
 * @throws PushError (exit code 2)
 */
export async function prepare(directory: string): Promise<Prepared> {
  const project = readProject(directory);
  const workflows = readWorkflows(project);
  return { project, workflows, archive: await buildArchive(project.entries) };
}

/**
 * Makes Digdag serve the project: guard, plan, brake, push, verify.
 *
 * @throws PushError, or RequestFailure when a read fails before anything was changed
 */
export async function apply(request: ApplyRequest, api: DigdagApi): Promise<ApplyResult> {
  const { project, workflows, archive } = await prepare(request.directory);
  const served = await readServed(api, request.project);
  const plan = planPush(workflows, served);
  const unchanged = served?.project.archiveMd5 === archive.md5;
  const revision = unchanged ? served.project.revision : request.revision;
  if (!unchanged) {
    brake(plan, request.allowRemove);
    await upload({ ...request, archive }, api);
  }
  const verified = await verify(
    {
      project: request.project,
      revision,
      archive,
      workflows,
      previous: served,
      allowRemove: request.allowRemove,
    },
    api,
  );
  const kept = await keepDisabled(served?.schedules ?? [], verified.schedules, api);
  return {
    verdict: unchanged ? "unchanged" : "pushed",
    project: request.project,
    projectId: verified.projectId,
    revision,
    previousRevision: served?.project.revision ?? null,
    archiveMd5: archive.md5,
    archiveBytes: archive.bytes.length,
    files: project.entries.length,
    workflows,
    schedules: kept.schedules,
    plan,
    notes: [...kept.notes, ...removedWhileDisabled(served, plan)],
  };
}

async function readServed(api: DigdagApi, name: string): Promise<Served | undefined> {
  const project = await api.project(name);
  if (project === undefined) return undefined;
  const [workflows, schedules] = await Promise.all([api.workflows(project.id), api.schedules(project.id)]);
  return { project, workflows, schedules };
}

/** Digdag forgets that a schedule was disabled when it goes, so its return must not come as a surprise. */
function removedWhileDisabled(served: Served | undefined, plan: Plan): string[] {
  const disabled = served?.schedules.filter((schedule) => schedule.disabledAt !== null) ?? [];
  return disabled
    .map((schedule) => schedule.workflow.name)
    .filter((name) => plan.schedules.removed.includes(name))
    .map(
      (name) =>
        `The schedule of ${name} was disabled and is gone: if its workflow comes back, it comes back enabled.`,
    );
}
