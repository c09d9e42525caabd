import type { Cluster } from "./lookups";

/**
 * A kubeconfig that holds no credential: whoever uses it asks `aws eks get-token` with the AWS identity at hand.
 * @param profile AWS profile to ask with; not set means the one of the environment
 */
export function kubeconfig(cluster: Cluster, region: string, profile?: string): string {
  const { name, endpoint, certificateAuthority } = cluster;
  const exec = {
    apiVersion: "client.authentication.k8s.io/v1beta1",
    command: "aws",
    args: ["eks", "get-token", "--cluster-name", name, "--region", region, "--output", "json"],
    env: profile ? [{ name: "AWS_PROFILE", value: profile }] : null,
    interactiveMode: "Never",
  };
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name, cluster: { server: endpoint, "certificate-authority-data": certificateAuthority } }],
    users: [{ name, user: { exec } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    "current-context": name,
  });
}
