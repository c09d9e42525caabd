import { isOlder } from "./versions";

/** The oldest Kubernetes that runs native sidecars without a feature gate: the broker is one. */
export const oldestKubernetes = "1.29";

/** The oldest with ValidatingAdmissionPolicy, which narrows what a Pod of `podPerJob` may delete. */
export const oldestForPodPerJob = "1.30";

/** What a new cluster gets where no version is asked for: the one that this project's own tests run on. */
export const newKubernetes = "1.35";

const pattern = /^1\.[1-9]\d?$/;

/** What is wrong with `version` as the Kubernetes version of a new cluster, whatever else is configured. */
export function kubernetesVersionProblem(version: string): string | undefined {
  if (!pattern.test(version)) return "must be a Kubernetes version as MAJOR.MINOR, such as 1.35";
  return isOlder(version, oldestKubernetes) ? `must be ${oldestKubernetes} or later` : undefined;
}

/** What a version lacks that the runners need. */
export interface Missing {
  oldest: string;
  why: string;
}

/** The beginning of a refusal, for what can be done about it to follow. */
export const tooOld = (cluster: string, version: string, { oldest, why }: Missing): string =>
  `EKS cluster ${cluster} runs Kubernetes ${version}, and the runners need ${oldest} or later, because ${why}.`;

/** What the runners need, and why; undefined where `version` has it. An unknown version is not judged. */
export function missingOf(version: string, { podPerJob }: { podPerJob: boolean }): Missing | undefined {
  if (!pattern.test(version)) return undefined;
  if (isOlder(version, oldestKubernetes))
    return { oldest: oldestKubernetes, why: "the broker is a native sidecar" };
  if (podPerJob && isOlder(version, oldestForPodPerJob))
    return { oldest: oldestForPodPerJob, why: "podPerJob relies on ValidatingAdmissionPolicy" };
  return undefined;
}

const minor = (version: string) => Number(version.split(".")[1]);

/** Why a cluster cannot go from one version to another, to follow both in a sentence; undefined where it can, or stays as it is. */
export function upgradeProblem(from: string, to: string): string | undefined {
  if (!pattern.test(from) || !pattern.test(to)) return undefined;
  if (isOlder(to, from)) return "EKS takes no cluster back to an older one";
  return minor(to) - minor(from) > 1
    ? `EKS takes one minor version at a time: 1.${minor(from) + 1} is next`
    : undefined;
}
