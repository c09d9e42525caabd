/** One step of the engine, from its event log. */
export interface Step {
  op: string;
  type: string;
  name: string;
}

/** The beginning or the end of a step. */
export interface Moment extends Step {
  at: "begin" | "end";
}

interface Metadata {
  op: string;
  type: string;
  urn: string;
}

const UNCHANGING = new Set(["same", "read", "refresh"]);

/** Beginnings and ends of all steps, in their order. A line that the engine was killed at is left out. */
export function moments(events: string): Moment[] {
  return events
    .slice(0, events.lastIndexOf("\n") + 1)
    .split("\n")
    .filter((line) => line !== "")
    .flatMap((line) => {
      const { resourcePreEvent: begun, resOutputsEvent: ended } = JSON.parse(line);
      const metadata: Metadata | undefined = (begun ?? ended)?.metadata;
      if (!metadata) return [];
      const { op, type, urn } = metadata;
      return [{ at: begun ? "begin" : "end", op, type, name: urn.split("::").at(-1) ?? "" } as const];
    });
}

/** Steps that change something, in the order in which they began. */
export function changingSteps(events: string): Step[] {
  return moments(events)
    .filter(({ at, op }) => at === "begin" && !UNCHANGING.has(op))
    .map(({ op, type, name }) => ({ op, type, name }));
}

/** A step in two words: `update Deployment`. */
export const stepText = ({ op, type }: Step) => `${op} ${type.split(":").at(-1)}`;

/** What a command changed, sorted; without stacks, components and providers. */
export const changes = ({ steps }: { steps: Step[] }) =>
  steps
    .filter(({ type }) => !/^(pulumi|digdag-runner):/.test(type))
    .map(stepText)
    .sort();
