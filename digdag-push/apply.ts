import { ancestry, refuseBackward } from "./ancestry";
import type { DigdagApi, ServedSchedule } from "./digdagApi";
import type { Problem } from "./errors";
import { brake, type Plan, planPush, type Served, scheduledNames } from "./plan";
import { type ProjectFiles, prepare } from "./prepare";
import { upload } from "./upload";
import { keepDisabled, verify } from "./verify";

export interface ApplyRequest extends ProjectFiles {
  /** Project name in Digdag. */
  project: string;
  /** Name of the revision to make. */
  revision: string;
  /** Scheduled workflows that may vanish. */
  allowRemove: readonly string[];
  /** Push even where that takes back what is served. */
  force: boolean;
}

/** A deployment that Digdag serves, verified. */
export interface ApplyResult {
  /** `unchanged`: the server served these bytes before, under `revision`; `restored`: by a rollback. */
  verdict: "pushed" | "unchanged" | "restored";
  project: string;
  projectId: string;
  /** What Digdag serves now. */
  revision: string;
  /** What it served before; null for a new project. */
  previousRevision: string | null;
  /** The revision whose bytes a rollback brought back. */
  restored?: string;
  /** Base64. */
  archiveMd5: string;
  archiveBytes: number;
  files: number;
  /** By name; `rule` is the schedule's, for people. */
  workflows: { name: string; timezone: string; rule?: string }[];
  schedules: ServedSchedule[];
  plan: Plan;
  /** About the files. */
  warnings: Problem[];
  /** Things people should know, a sentence each. */
  notes: string[];
}

/**
 * Makes Digdag serve the project: guard, plan, ancestry, brake, push, verify.
 *
 * @throws PushError, or RequestFailure when a read fails before anything was changed
 */
export async function apply(request: ApplyRequest, api: DigdagApi): Promise<ApplyResult> {
  const { project, workflows, archive, warnings } = await prepare(request);
  const served = await readServed(api, request.project);
  const plan = planPush(workflows, served);
  const unchanged = served?.project.archiveMd5 === archive.md5;
  const revision = unchanged ? served.project.revision : request.revision;
  const notes: string[] = [];
  if (!unchanged) {
    brake(plan, request.allowRemove);
    notes.push(...(await checkAncestry(request, served)));
    await upload({ ...request, archive }, api);
  }
  const verified = await verify(
    {
      project: request.project,
      revision,
      archive,
      workflows: workflows.map(({ name }) => name),
      scheduled: scheduledNames(workflows),
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
    workflows: workflows.map(({ name, timezone, schedule }) => ({ name, timezone, rule: schedule?.text })),
    schedules: kept.schedules,
    plan,
    warnings,
    notes: [...notes, ...kept.notes, ...removedWhileDisabled(served, plan)],
  };
}

/**
 * A note where the commits could not be compared.
 *
 * @throws PushError (exit code 6) where the push would go back
 */
export async function checkAncestry(request: ApplyRequest, served: Served | undefined): Promise<string[]> {
  if (served === undefined || request.force) return [];
  const found = await ancestry(request.directory, served.project.revision, request.revision);
  refuseBackward(found, request.revision);
  return found.kind === "unknown" ? [`Whether this goes back was not checked: ${found.why}.`] : [];
}

/** What Digdag serves for the project of that name, or undefined when it has none. */
export async function readServed(api: DigdagApi, name: string): Promise<Served | undefined> {
  const project = await api.project(name);
  if (project === undefined) return undefined;
  const [workflows, schedules] = await Promise.all([api.workflows(project.id), api.schedules(project.id)]);
  return { project, workflows, schedules };
}

/** Digdag forgets that a schedule was disabled when it goes, so its return must not come as a surprise. */
export function removedWhileDisabled(served: Served | undefined, plan: Plan): string[] {
  const disabled = served?.schedules.filter((schedule) => schedule.disabledAt !== null) ?? [];
  return disabled
    .map((schedule) => schedule.workflow.name)
    .filter((name) => plan.schedules.removed.includes(name))
    .map(
      (name) =>
        `The schedule of ${name} was disabled and is gone: if its workflow comes back, it comes back enabled.`,
    );
}
