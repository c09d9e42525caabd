import type { Archive } from "./archive";
import type { DigdagApi, ServedProject, ServedSchedule, ServedWorkflow } from "./digdagApi";
import { EXIT, messageOf, PushError, printable } from "./errors";
import { RequestFailure } from "./http";
import { type Served, shellQuoted } from "./plan";

export interface Expected {
  project: string;
  revision: string;
  archive: Archive;
  /** Names of all workflows, and of those with a schedule. */
  workflows: readonly string[];
  scheduled: readonly string[];
  /** What was served when the push was planned. */
  previous: Served | undefined;
  allowRemove: readonly string[];
}

export interface Verified {
  projectId: string;
  schedules: ServedSchedule[];
}

/**
 * Asks Digdag what it serves and compares everything: revision, bytes, workflows, schedules, and that no other push
 * came in between whose schedules this one took away.
 *
 * @throws PushError with exit code 1 (differs), 4 (took schedules away) or 5 (another revision is served)
 */
export async function verify(expected: Expected, api: DigdagApi): Promise<Verified> {
  try {
    const project = await servedProject(expected, api);
    const [workflows, schedules, revisions] = await Promise.all([
      api.workflows(project.id, expected.revision),
      api.schedules(project.id),
      api.revisions(project.id),
    ]);
    const before = revisions[revisions.findIndex(({ revision }) => revision === expected.revision) + 1];
    const differences = compare(expected, workflows, schedules);
    if (differences.length > 0) {
      await servedProject(expected, api); // Another push in this moment would explain the difference.
      throw new PushError(
        EXIT.failed,
        `Digdag took the push but serves something else: ${differences.join("; ")}`,
        {
          advice: "Look at the project in Digdag before the next run of a schedule, then push again.",
        },
      );
    }
    if (before !== undefined && expected.previous?.project.revision !== expected.revision) {
      await checkBetween(expected, project, before.revision, api);
    }
    return { projectId: project.id, schedules: sortByWorkflow(schedules) };
  } catch (error) {
    if (!(error instanceof RequestFailure)) throw error;
    throw new PushError(
      EXIT.failed,
      `revision ${expected.revision} of ${expected.project} is in Digdag, but could not be verified, layer ${error.layer}: ${error.message}`,
      { advice: "Running the job again is safe: it verifies what is served.", cause: error },
    );
  }
}

async function servedProject(expected: Expected, api: DigdagApi): Promise<ServedProject> {
  const project = await api.project(expected.project);
  if (project === undefined) {
    throw new PushError(EXIT.failed, `Digdag has no project ${expected.project} right after the push`, {
      advice:
        "It was deleted meanwhile, or DIGDAG_ENDPOINT spreads over servers that do not share a database.",
    });
  }
  if (project.revision !== expected.revision)
    throw superseded(expected.project, expected.revision, project.revision);
  if (project.archiveMd5 !== expected.archive.md5) {
    throw new PushError(
      EXIT.failed,
      `Digdag serves other bytes under revision ${expected.revision}: md5 ${printable(String(project.archiveMd5), 40)}, pushed ${expected.archive.md5}`,
      {
        advice:
          "Something between this runner and Digdag changes requests. Check the proxy or firewall in front of Digdag.",
      },
    );
  }
  return project;
}

/** Digdag holds the revision, and serves a newer one. */
function superseded(project: string, revision: string, latest: string): PushError {
  return new PushError(
    EXIT.superseded,
    `Digdag holds revision ${revision} of ${project}, but another push won: it serves ${printable(latest)}`,
    {
      advice:
        "If the newer push is the wanted one, there is nothing to do. To go back to this one: " +
        `digdag-push rollback --project ${shellQuoted(project)} --to ${shellQuoted(revision)}. ` +
        "Give the workflow a concurrency group so that pushes wait for each other.",
    },
  );
}

function compare(expected: Expected, workflows: ServedWorkflow[], schedules: ServedSchedule[]): string[] {
  const local = expected.workflows;
  const served = workflows.map(({ name }) => name);
  const scheduled = schedules.map(({ workflow }) => workflow.name);
  return [
    ...local.filter((name) => !served.includes(name)).map((name) => `workflow ${printable(name)} is missing`),
    ...served
      .filter((name) => !local.includes(name))
      .map((name) => `workflow ${printable(name)} is not in the project's files`),
    ...expected.scheduled
      .filter((name) => !scheduled.includes(name))
      .map((name) => `workflow ${printable(name)} has no schedule`),
  ];
}

/** A push that was committed after the plan was made may have brought schedules this plan knew nothing of. */
async function checkBetween(
  expected: Expected,
  project: ServedProject,
  before: string,
  api: DigdagApi,
): Promise<void> {
  if (before === expected.previous?.project.revision) return;
  const kept = expected.scheduled;
  const lost = (await api.workflows(project.id, before))
    .filter(
      ({ name, config }) =>
        config.schedule != null && !kept.includes(name) && !expected.allowRemove.includes(name),
    )
    .map(({ name }) => printable(name));
  if (lost.length === 0) return;
  throw new PushError(
    EXIT.brake,
    `revision ${printable(before)} was pushed while this push was on its way, and its schedules are gone: ${lost.join(", ")}`,
    {
      advice:
        "Push that revision's tree again, and give the workflow a concurrency group so that pushes wait for each other.",
    },
  );
}

/**
 * Disables again what an operator had disabled and the push has enabled. A failure to do so is a note, since the push
 * itself is served.
 */
export async function keepDisabled(
  before: readonly ServedSchedule[],
  after: readonly ServedSchedule[],
  api: DigdagApi,
): Promise<{ schedules: ServedSchedule[]; notes: string[] }> {
  const disabled = new Set(
    before.filter(({ disabledAt }) => disabledAt !== null).map(({ workflow }) => workflow.name),
  );
  const schedules: ServedSchedule[] = [];
  const notes: string[] = [];
  for (const schedule of after) {
    if (schedule.disabledAt !== null || !disabled.has(schedule.workflow.name)) {
      schedules.push(schedule);
      continue;
    }
    const name = printable(schedule.workflow.name);
    try {
      await api.disableSchedule(schedule.id);
      schedules.push({ ...schedule, disabledAt: new Date().toISOString() });
      notes.push(`The schedule of ${name} had been disabled and came back enabled; it is disabled again.`);
    } catch (error) {
      schedules.push(schedule);
      notes.push(
        `The schedule of ${name} had been disabled and is now ENABLED; disabling it failed: ${messageOf(error)}`,
      );
    }
  }
  return { schedules, notes };
}

function sortByWorkflow(schedules: readonly ServedSchedule[]): ServedSchedule[] {
  return [...schedules].sort((a, b) => (a.workflow.name < b.workflow.name ? -1 : 1));
}
