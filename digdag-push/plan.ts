import type { ServedProject, ServedSchedule, ServedWorkflow } from "./digdagApi";
import { EXIT, PushError, printable } from "./errors";
import type { Workflow } from "./workflows";

/** What Digdag serves for a project that exists. */
export interface Served {
  project: ServedProject;
  workflows: ServedWorkflow[];
  schedules: ServedSchedule[];
}

/** Names that the push adds, keeps and removes, each sorted. */
export interface Change {
  added: string[];
  kept: string[];
  removed: string[];
}

/** What a push would change. */
export interface Plan {
  workflows: Change;
  /** By workflow name. */
  schedules: Change;
}

/** Compares the project's files with what the server serves; `undefined` means that the project is new. */
export function planPush(local: readonly Workflow[], served: Served | undefined): Plan {
  return {
    workflows: compare(
      local.map((workflow) => workflow.name),
      served?.workflows.map((workflow) => workflow.name) ?? [],
    ),
    schedules: compare(
      scheduledNames(local),
      served?.schedules.map((schedule) => schedule.workflow.name) ?? [],
    ),
  };
}

/**
 * Refuses a plan that takes away a schedule nobody named.
 *
 * @param allowed workflow names given with `--allow-remove`
 * @throws PushError (exit code 4)
 */
export function brake(plan: Plan, allowed: readonly string[]): void {
  const vanishing = plan.schedules.removed.filter((name) => !allowed.includes(name));
  if (vanishing.length === 0) return;
  const gone = vanishing.map((name) =>
    plan.workflows.removed.includes(name)
      ? `${printable(name)} (its workflow file is gone)`
      : `${printable(name)} (its file has no schedule any more)`,
  );
  throw new PushError(
    EXIT.brake,
    `this push would stop ${counted(vanishing.length, "schedule")}: ${gone.join(", ")}`,
    {
      advice: `If that is meant, say so for each: ${vanishing.map((name) => `--allow-remove ${shellQuoted(printable(name))}`).join(" ")}`,
    },
  );
}

/** Names of the workflows that have a schedule. */
export function scheduledNames(workflows: readonly Workflow[]): string[] {
  return workflows.filter((workflow) => workflow.schedule !== undefined).map((workflow) => workflow.name);
}

function compare(local: readonly string[], served: readonly string[]): Change {
  return {
    added: local.filter((name) => !served.includes(name)).sort(),
    kept: local.filter((name) => served.includes(name)).sort(),
    removed: served.filter((name) => !local.includes(name)).sort(),
  };
}

/** `1 schedule`, `2 schedules`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

function shellQuoted(text: string): string {
  return /^[\w.-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
