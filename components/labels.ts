/** The environments that exist. An object and not a union of texts, which the package's schema would refuse; so are those below. */
export const Environment = { stg: "stg", prd: "prd", local: "local" } as const;
export type Environment = (typeof Environment)[keyof typeof Environment];

/** A stack's name is one of them. */
export const environments = Object.values(Environment);

/** What images and nodes may be. */
export const Platform = { linuxAmd64: "linux/amd64", linuxArm64: "linux/arm64" } as const;
export type Platform = (typeof Platform)[keyof typeof Platform];

/** What a platform is called by GitHub's runner and by Kubernetes. */
export const architectures: Record<Platform, { runner: string; kubernetes: string }> = {
  "linux/amd64": { runner: "x64", kubernetes: "amd64" },
  "linux/arm64": { runner: "arm64", kubernetes: "arm64" },
};

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
