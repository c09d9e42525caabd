import { createHash } from "node:crypto";
import { type ApplyResult, readServed, removedWhileDisabled } from "./apply";
import { readArchive } from "./archive";
import type { DigdagApi, ServedRevision, ServedWorkflow } from "./digdagApi";
import { EXIT, PushError, printable } from "./errors";
import { brake, planPush, type Served, scheduledNames } from "./plan";
import { readSchedule } from "./schedule";
import { upload } from "./upload";
import { keepDisabled, verify } from "./verify";
import type { Workflow } from "./workflows";
import type { Config, Value } from "./yaml";

export interface RollbackRequest {
  project: string;
  /** Default: the latest revision with other bytes than what is served. */
  to?: string;
  /** Default: `to` with an ending of this run's own. */
  revision?: string;
  /** Makes the ending of the new revision's name, such as `123-1`. */
  run: string;
  allowRemove: readonly string[];
}

/**
 * Makes Digdag serve an earlier revision again: takes its stored bytes and pushes them under a new name, since a name is
 * taken once. Nothing on this machine goes into it.
 *
 * @throws PushError, or RequestFailure when a read fails before anything was changed
 */
export async function rollback(request: RollbackRequest, api: DigdagApi): Promise<ApplyResult> {
  const served = await readServed(api, request.project);
  if (served === undefined) throw new PushError(EXIT.refused, `Digdag has no project ${request.project}`);
  const target = await findTarget(request, served, api);
  const bytes = await api.archive(served.project.id, target.revision);
  const md5 = createHash("md5").update(bytes).digest("base64");
  if (target.archiveMd5 !== null && md5 !== target.archiveMd5) {
    throw new PushError(
      EXIT.failed,
      `the stored archive of revision ${printable(target.revision)} is damaged: md5 ${md5}, Digdag noted ${printable(target.archiveMd5, 40)}`,
      { advice: "Nothing was changed. Deploy the commit from its checkout instead." },
    );
  }
  const workflows = (await api.workflows(served.project.id, target.revision)).map(asLocal);
  const plan = planPush(workflows, served);
  const unchanged = served.project.archiveMd5 === md5;
  const revision = unchanged ? served.project.revision : newName(request, target.revision);
  const archive = { bytes, md5 };
  if (!unchanged) {
    brake(plan, request.allowRemove);
    await upload({ project: request.project, revision, archive }, api);
  }
  const names = workflows.map(({ name }) => name);
  const verified = await verify(
    {
      project: request.project,
      revision,
      archive,
      workflows: names,
      scheduled: scheduledNames(workflows),
      previous: served,
      allowRemove: request.allowRemove,
    },
    api,
  );
  const kept = await keepDisabled(served.schedules, verified.schedules, api);
  return {
    verdict: unchanged ? "unchanged" : "restored",
    project: request.project,
    projectId: verified.projectId,
    revision,
    previousRevision: served.project.revision,
    restored: target.revision,
    archiveMd5: md5,
    archiveBytes: bytes.length,
    files: (await readArchive(bytes)).size,
    workflows: workflows.map(({ name, timezone, schedule }) => ({ name, timezone, rule: schedule?.text })),
    schedules: kept.schedules,
    plan,
    warnings: [],
    notes: [...kept.notes, ...removedWhileDisabled(served, plan)],
  };
}

async function findTarget(
  { to, project }: RollbackRequest,
  served: Served,
  api: DigdagApi,
): Promise<ServedRevision> {
  const { id, revision: current, archiveMd5 } = served.project;
  if (to !== undefined) {
    const found = await api.revision(id, to);
    if (found !== undefined) return found;
    throw choose(`Digdag knows no revision ${printable(to)} of ${project}`, await api.revisions(id));
  }
  const revisions = await api.revisions(id);
  // After a rollback, the latest other bytes are those that were rolled back.
  if (current.includes(ROLLBACK))
    throw choose(
      `${project} is rolled back already, to ${printable(current)}: where to go has to be said`,
      revisions,
    );
  const found = revisions.find((revision) => revision.archiveMd5 !== archiveMd5);
  if (found === undefined) throw choose(`Digdag has no revision of ${project} with other bytes`, revisions);
  return found;
}

function choose(message: string, revisions: readonly ServedRevision[]): PushError {
  const known = revisions.slice(0, 10).map(({ revision }) => printable(revision, 100));
  return new PushError(EXIT.refused, message, {
    advice: `Name a revision with --to. The latest, newest first: ${known.join(", ")}.`,
  });
}

const ROLLBACK = "-rollback-";

function newName({ revision, run }: RollbackRequest, to: string): string {
  const base = to.split(ROLLBACK)[0] ?? to;
  return revision ?? `${base.slice(0, 200)}${ROLLBACK}${run}`;
}

/** What the server made of a file, as if the file were here. */
function asLocal({ name, timezone, config }: ServedWorkflow): Workflow {
  const known = config.schedule == null ? undefined : readSchedule(config.schedule as Value).schedule;
  // Digdag also runs schedules that this program would refuse.
  const schedule =
    config.schedule == null ? undefined : (known ?? { text: "schedule", pattern: [], delay: 0 });
  return { name, file: `${name}.dig`, timezone, schedule, config: config as Config };
}
