import type { components } from "@octokit/openapi-types";

/** A self-hosted runner as GitHub lists it. */
export type Runner = components["schemas"]["runner"];
/** A runner group of an organization; GitHub tells more. */
export type RunnerGroup = Pick<components["schemas"]["runner-groups-org"], "id" | "name">;
type RunnerBuild = Pick<components["schemas"]["runner-application"], "os" | "architecture" | "filename">;

// These tell GitHub's answers from what else may come with a good status. Each returns undefined for anything but the
// shape that the broker uses; further fields do not matter.

type Fields = Record<string, unknown>;

const fieldsOf = (body: unknown): Fields =>
  typeof body === "object" && body !== null ? (body as Fields) : {};

const isRunner = (body: unknown): body is Runner => {
  const { id, name, status, busy } = fieldsOf(body);
  return (
    typeof id === "number" &&
    typeof name === "string" &&
    typeof status === "string" &&
    typeof busy === "boolean"
  );
};

export function runnerIn(body: unknown): Runner | undefined {
  return isRunner(body) ? body : undefined;
}

/** The runner and its JIT configuration. */
export function registrationIn(body: unknown): { id: number; jitConfig: string } | undefined {
  const { runner, encoded_jit_config: jitConfig } = fieldsOf(body);
  const { id } = fieldsOf(runner);
  const complete = typeof id === "number" && typeof jitConfig === "string" && jitConfig !== "";
  return complete ? { id, jitConfig } : undefined;
}

export function runnersIn(body: unknown): Runner[] | undefined {
  const { runners } = fieldsOf(body);
  return Array.isArray(runners) && runners.every(isRunner) ? runners : undefined;
}

export function groupsIn(body: unknown): RunnerGroup[] | undefined {
  const { runner_groups: groups } = fieldsOf(body);
  const isGroup = (group: unknown): group is RunnerGroup => {
    const { id, name } = fieldsOf(group);
    return typeof id === "number" && typeof name === "string";
  };
  return Array.isArray(groups) && groups.every(isGroup) ? groups : undefined;
}

/** The builds of the newest runner, one per platform. */
export function buildsIn(body: unknown): RunnerBuild[] | undefined {
  const isBuild = (build: unknown): build is RunnerBuild => {
    const { os, architecture, filename } = fieldsOf(build);
    return typeof os === "string" && typeof architecture === "string" && typeof filename === "string";
  };
  return Array.isArray(body) && body.every(isBuild) ? body : undefined;
}
