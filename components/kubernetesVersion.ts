/** The oldest Kubernetes that runs native sidecars without a feature gate: the broker is one. */
export const oldestKubernetes = "1.29";

/** The oldest with ValidatingAdmissionPolicy, which narrows what a Pod of `podPerJob` may delete. */
export const oldestForPodPerJob = "1.30";

const pattern = /^1\.[1-9]\d?$/;

/** What is wrong with `version` as the Kubernetes version of a new cluster, whatever else is configured. */
export function kubernetesVersionProblem(version: string): string | undefined {
  if (!pattern.test(version)) return "must be a Kubernetes version as MAJOR.MINOR, such as 1.35";
  return isOlder(version, oldestKubernetes) ? `must be ${oldestKubernetes} or later` : undefined;
}

/** Whether one MAJOR.MINOR comes before another. */
export const isOlder = (version: string, other: string): boolean =>
  version.localeCompare(other, "en", { numeric: true }) < 0;

/** What the runners need, and why; undefined where `version` has it. An unknown version is not judged. */
export function missingOf(
  version: string,
  { podPerJob }: { podPerJob: boolean },
): { oldest: string; why: string } | undefined {
  if (!pattern.test(version)) return undefined;
  if (isOlder(version, oldestKubernetes))
    return { oldest: oldestKubernetes, why: "the broker is a native sidecar" };
  if (podPerJob && isOlder(version, oldestForPodPerJob))
    return { oldest: oldestForPodPerJob, why: "podPerJob relies on ValidatingAdmissionPolicy" };
  return undefined;
}
