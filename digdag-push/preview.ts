import { type ApplyRequest, checkAncestry, readServed } from "./apply";
import { fingerprint, readArchive } from "./archive";
import type { DigdagApi, ServedSchedule, ServedWorkflow } from "./digdagApi";
import { messageOf, type Problem, PushError } from "./errors";
import { ARCHIVE_LIMIT } from "./limits";
import { brake, type Plan, planPush, type Served, workflowDiff } from "./plan";
import { type Prepared, prepare } from "./prepare";
import { firstRun, readSchedule } from "./schedule";
import type { Workflow } from "./workflows";
import type { Value } from "./yaml";
import { isoInstant } from "./zonedTime";

/** A schedule before or after the push. */
export interface ScheduleView {
  workflow: string;
  /** Such as `daily>: 07:00:00`. */
  rule: string;
  timezone: string;
  /** ISO instant; null when there is none or it cannot be told. */
  nextRunTime: string | null;
  disabledAt: string | null;
}

/** Paths of what the push adds, changes and removes. */
export interface FileChanges {
  added: string[];
  changed: string[];
  removed: string[];
}

/** What `apply` would do, without doing it. */
export interface Preview {
  project: string;
  /** Null for a new project. */
  projectId: string | null;
  servedRevision: string | null;
  /** Whether apply would send anything. */
  changed: boolean;
  archiveMd5: string;
  archiveBytes: number;
  unpackedBytes: number;
  limitBytes: number;
  plan: Plan;
  /** Diff of the parsed definition, by workflow. */
  diffs: { workflow: string; diff: string }[];
  schedules: {
    added: ScheduleView[];
    changed: { before: ScheduleView; after: ScheduleView }[];
    kept: ScheduleView[];
    removed: ScheduleView[];
  };
  files: { path: string; bytes: number }[];
  /** Null when the served archive could not be read. */
  fileChanges: FileChanges | null;
  warnings: Problem[];
  notes: string[];
  /** Why apply would stop. */
  refusal?: PushError;
}

// ProjectControl.updateSchedules of the server; the API does not tell the last session.
const CHANGED_SCHEDULES =
  "Digdag goes on with a changed schedule from its last session: a run whose new time is past by then starts at once.";

/**
 * Compares the project's files with what Digdag serves, in full. Sends nothing.
 *
 * @param now instant for the first runs of new schedules, in milliseconds
 * @throws PushError for files that apply would refuse, RequestFailure when Digdag cannot be asked
 */
export async function preview(request: ApplyRequest, api: DigdagApi, now: number): Promise<Preview> {
  const prepared = await prepare(request);
  const served = await readServed(api, request.project);
  const plan = planPush(prepared.workflows, served);
  const changed = served?.project.archiveMd5 !== prepared.archive.md5;
  const notes: string[] = [];
  if (plan.schedules.changed.length > 0) notes.push(CHANGED_SCHEDULES);
  const refusal = changed ? await refusalOf(request, plan, served, notes) : undefined;
  return {
    project: request.project,
    projectId: served?.project.id ?? null,
    servedRevision: served?.project.revision ?? null,
    changed,
    archiveMd5: prepared.archive.md5,
    archiveBytes: prepared.archive.bytes.length,
    unpackedBytes: prepared.project.unpackedBytes,
    limitBytes: ARCHIVE_LIMIT,
    plan,
    diffs: diffs(plan, prepared.workflows, served),
    schedules: scheduleChanges(plan, prepared.workflows, served, now),
    files: prepared.project.entries.map((entry) => ({
      path: entry.path,
      bytes: entry.kind === "file" ? entry.content.length : 0,
    })),
    fileChanges: changed
      ? await fileChanges(prepared, served, api, notes)
      : { added: [], changed: [], removed: [] },
    warnings: prepared.warnings,
    notes,
    refusal,
  };
}

async function refusalOf(
  request: ApplyRequest,
  plan: Plan,
  served: Served | undefined,
  notes: string[],
): Promise<PushError | undefined> {
  try {
    brake(plan, request.allowRemove);
    notes.push(...(await checkAncestry(request, served)));
    return undefined;
  } catch (error) {
    if (error instanceof PushError) return error;
    throw error;
  }
}

function diffs(plan: Plan, local: readonly Workflow[], served: Served | undefined): Preview["diffs"] {
  return plan.workflows.changed.flatMap((name) => {
    const before = served?.workflows.find((workflow) => workflow.name === name);
    const after = local.find((workflow) => workflow.name === name);
    return before && after ? [{ workflow: name, diff: workflowDiff(before, after) }] : [];
  });
}

function scheduleChanges(
  plan: Plan,
  local: readonly Workflow[],
  served: Served | undefined,
  now: number,
): Preview["schedules"] {
  const before = new Map(
    served?.schedules.map((schedule) => {
      const workflow = served.workflows.find(({ name }) => name === schedule.workflow.name);
      return [schedule.workflow.name, servedView(schedule, workflow)];
    }),
  );
  const old = (name: string) => before.get(name) ?? emptyView(name);
  const after = (name: string) =>
    localView(
      local.find((workflow) => workflow.name === name),
      name,
      now,
    );
  return {
    added: plan.schedules.added.map(after),
    changed: plan.schedules.changed.map((name) => ({
      before: old(name),
      after: { ...after(name), disabledAt: old(name).disabledAt },
    })),
    kept: plan.schedules.kept.map(old),
    removed: plan.schedules.removed.map(old),
  };
}

function servedView(schedule: ServedSchedule, workflow: ServedWorkflow | undefined): ScheduleView {
  const rule = readSchedule((workflow?.config.schedule ?? null) as Value).schedule?.text;
  return {
    workflow: schedule.workflow.name,
    rule: rule ?? "schedule",
    timezone: workflow?.timezone ?? "UTC",
    nextRunTime: schedule.nextRunTime,
    disabledAt: schedule.disabledAt,
  };
}

function localView(workflow: Workflow | undefined, name: string, now: number): ScheduleView {
  if (workflow?.schedule === undefined) return emptyView(name);
  const next = firstRun(workflow.schedule, workflow.timezone, now);
  return {
    workflow: name,
    rule: workflow.schedule.text,
    timezone: workflow.timezone,
    nextRunTime: next === undefined ? null : isoInstant(next.run),
    disabledAt: null,
  };
}

function emptyView(workflow: string): ScheduleView {
  return { workflow, rule: "schedule", timezone: "UTC", nextRunTime: null, disabledAt: null };
}

async function fileChanges(
  { project }: Prepared,
  served: Served | undefined,
  api: DigdagApi,
  notes: string[],
): Promise<FileChanges | null> {
  const after = new Map(project.entries.map((entry) => [entry.path, fingerprint(entry)]));
  let before = new Map<string, string>();
  try {
    if (served !== undefined)
      before = await readArchive(await api.archive(served.project.id, served.project.revision));
  } catch (error) {
    notes.push(`The served files could not be compared: ${messageOf(error)}.`);
    return null;
  }
  return {
    added: [...after.keys()].filter((path) => !before.has(path)),
    changed: [...after.keys()].filter((path) => before.has(path) && before.get(path) !== after.get(path)),
    removed: [...before.keys()].filter((path) => !after.has(path)).sort(),
  };
}
