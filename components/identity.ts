/** Whose a resource is, for whoever meets it in the AWS console. */
export interface Owner {
  /** Name of the stack. */
  environment: string;
  githubOwner: string;
  githubRepository?: string;
}

/** `OWNER/REPOSITORY`, or `OWNER` for the runners of an organization. */
export function githubScope({ githubOwner, githubRepository }: Owner): string {
  return githubRepository ? `${githubOwner}/${githubRepository}` : githubOwner;
}

/** Tags of every AWS resource. */
export function awsTags(owner: Owner): Record<string, string> {
  return {
    "digdag-runner:stack": owner.environment,
    "digdag-runner:owner": githubScope(owner),
    "managed-by": "pulumi",
  };
}

/** What selects the runners' Pods. A Deployment cannot change it, so nothing that varies belongs here. */
export function selectorLabels(environment: string): Record<string, string> {
  return { "app.kubernetes.io/name": "digdag-runner", "app.kubernetes.io/instance": environment };
}

/** The labels that Kubernetes recommends, for every object. */
export function kubernetesLabels(environment: string): Record<string, string> {
  return {
    ...selectorLabels(environment),
    "app.kubernetes.io/component": "runner",
    "app.kubernetes.io/part-of": "digdag",
    "app.kubernetes.io/managed-by": "pulumi",
  };
}
