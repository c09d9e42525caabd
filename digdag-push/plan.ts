import { definitionDiff, definitionLines } from "./definition";
import type { ServedProject, ServedSchedule, ServedWorkflow } from "./digdagApi";
import { EXIT, PushError, printable } from "./errors";
import type { Workflow } from "./workflows";
import { type Config, isConfig } from "./yaml";

/** What Digdag serves for a project that exists. */
export interface Served {
  project: ServedProject;
  workflows: ServedWorkflow[];
  schedules: ServedSchedule[];
}

/** Names that the push adds, changes, keeps as they are and removes, each sorted. */
export interface Change {
  added: string[];
  changed: string[];
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
  const before = new Map(served?.workflows.map((workflow) => [workflow.name, workflow]));
  const after = new Map(local.map((workflow) => [workflow.name, workflow]));
  const differs = (
    name: string,
    view: (workflow: Workflow | ServedWorkflow) => Workflow | ServedWorkflow,
  ) => {
    const [old, now] = [before.get(name), after.get(name)];
    return (
      old !== undefined &&
      now !== undefined &&
      definitionLines(definitionOf(view(old))).join("\n") !==
        definitionLines(definitionOf(view(now))).join("\n")
    );
  };
  return {
    workflows: compare([...after.keys()], [...before.keys()], (name) =>
      differs(name, (workflow) => workflow),
    ),
    schedules: compare(
      scheduledNames(local),
      served?.schedules.map((schedule) => schedule.workflow.name) ?? [],
      (name) => differs(name, scheduleOnly),
    ),
  };
}

/** The diff of one workflow's definition. */
export function workflowDiff(served: ServedWorkflow, local: Workflow): string {
  return definitionDiff(definitionOf(served), definitionOf(local));
}

function definitionOf({ timezone, config }: Workflow | ServedWorkflow): { timezone: string; config: Config } {
  return { timezone, config: config as Config };
}

function scheduleOnly<T extends Workflow | ServedWorkflow>(workflow: T): T {
  const { schedule } = workflow.config;
  return { ...workflow, config: isConfig(schedule) ? { schedule } : {} };
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

function compare(
  local: readonly string[],
  served: readonly string[],
  differs: (name: string) => boolean,
): Change {
  const both = local.filter((name) => served.includes(name));
  return {
    added: local.filter((name) => !served.includes(name)).sort(),
    changed: both.filter(differs).sort(),
    kept: both.filter((name) => !differs(name)).sort(),
    removed: served.filter((name) => !local.includes(name)).sort(),
  };
}

/** `1 schedule`, `2 schedules`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** The text as one word of a shell's command line. */
export function shellQuoted(text: string): string {
  return /^[\w.-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
