/** Findings of kube-score and checkov that are meant to be. */
interface Exception {
  /** Ids of the checks. */
  kubeScore?: string[];
  checkov?: string[];
  /** Why the Deployment is better without what they ask for. checkov splits at "=", so there is none in it. */
  because: string;
}

/**
 * Of the Deployment; no other object has any. `npm run test:manifests` refuses a finding without an exception and an exception
 * without a finding. It also looks at what these leave unseen: for kube-score, every resource is in `container-resources`.
 */
export const exceptions: Exception[] = [
  {
    kubeScore: [
      "container-resources",
      "container-cpu-requests-equal-limits",
      "container-resource-requests-equal-limits",
    ],
    checkov: ["CKV_K8S_11"],
    because:
      "a limit of CPU slows jobs and probes down where nobody else needs it; requests give each its share",
  },
  {
    kubeScore: ["container-ephemeral-storage-request-equals-limit"],
    because: "few jobs use all the disk they may, and nodes would stay empty if it were reserved for each",
  },
  {
    kubeScore: ["container-image-pull-policy"],
    because:
      "the image is named by digest, so a node that has it has the right one; with Always no container restarts while the registry is away",
  },
  {
    checkov: ["CKV_K8S_9"],
    because: "the sidecar has the readiness probe, and a Pod is ready when all of its containers are",
  },
  {
    kubeScore: ["deployment-has-host-podantiaffinity"],
    because:
      "topologySpreadConstraints keep runners apart, evenly also where there are more of them than nodes",
  },
];

/**
 * Annotations by which both checkers know these exceptions, wherever they meet the Deployment: in a plan, or in the cluster.
 * They belong to the Deployment alone; on its Pods another word in a reason would restart every runner.
 */
export function checkerAnnotations(): Record<string, string> {
  const skips = exceptions.flatMap(({ checkov = [], because }) => checkov.map((id) => `${id}=${because}`));
  return {
    "kube-score/ignore": exceptions.flatMap(({ kubeScore = [] }) => kubeScore).join(","),
    ...Object.fromEntries(skips.map((skip, index) => [`checkov.io/skip${index + 1}`, skip])),
  };
}
