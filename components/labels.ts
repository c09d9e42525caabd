/** The environments that exist; a stack's name is one of them. */
export const environments = ["stg", "prd", "local"] as const;

export type Environment = (typeof environments)[number];

/** What a platform is called by GitHub's runner and by Kubernetes. */
export const architectures = {
  "linux/amd64": { runner: "x64", kubernetes: "amd64" },
  "linux/arm64": { runner: "arm64", kubernetes: "arm64" },
} as const;

export type Platform = keyof typeof architectures;

/** Every label of a stack's runners, without repetition: a job must ask for the stack's name to be sure where it runs. */
export function runnerLabels(
  environment: Environment,
  platform: Platform,
  extra: readonly string[],
): string[] {
  return [
    ...new Set(["self-hosted", "linux", architectures[platform].runner, "digdag", environment, ...extra]),
  ];
}
