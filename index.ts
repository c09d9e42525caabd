import * as k8s from "@pulumi/kubernetes/provider";
import * as pulumi from "@pulumi/pulumi";
import { connectCluster } from "./components/clusterConnection";
import { findClusterSite } from "./components/clusterLookups";
import { readConfig } from "./components/config";
import { DigdagRunner } from "./components/digdagRunner";
import { findExistingRules } from "./components/existingRules";
import { findGitHubIds } from "./components/githubLookups";
import { gitHubProvider } from "./components/githubProvider";
import { GitHubRunnerGroup } from "./components/githubRunnerGroup";
import { GitHubSettings } from "./components/githubSettings";
import { findCluster, findSecurityGroup, findSources } from "./components/lookups";

/** The runners of one environment, the stack's. Everything that can be refused is refused before the first resource. */
export = async () => {
  const config = readConfig(__dirname);
  const { newCluster, githubRepository, managedRepositories } = config;

  const cluster = newCluster ? await findClusterSite(config, newCluster) : await findCluster(config);
  const [sources, securityGroupId] = await Promise.all([
    findSources(config, cluster),
    findSecurityGroup({ ...config, vpcId: cluster.vpcId }),
  ]);
  const access = { ...config, ...sources, securityGroupId };
  const existingRules = await findExistingRules(access);
  const github = managedRepositories.length > 0 ? gitHubProvider("github", config) : undefined;
  const gitHubIds = github && (await findGitHubIds(config, github));

  const profile = new pulumi.Config("aws").get("profile");
  const { kubeconfig, securityGroupId: nodes } = await connectCluster(cluster, { ...config, profile });
  const source = "sourceSecurityGroupId" in sources && {
    sourceSecurityGroupId: sources.sourceSecurityGroupId ?? nodes,
  };
  const kubernetes = new k8s.Provider("cluster", {
    kubeconfig,
    // Otherwise a rotated credential would replace the Secret instead of updating it under the running brokers.
    enableSecretMutable: true,
  });
  const group =
    github && gitHubIds && githubRepository === undefined
      ? new GitHubRunnerGroup("github-runner-group", { ...config, ...gitHubIds }, { providers: { github } })
      : undefined;
  const runner = new DigdagRunner(
    "digdag-runner",
    { ...access, ...source, existingRules },
    { providers: { kubernetes }, ...(group && { dependsOn: group }) },
  );
  if (github) {
    for (const repository of managedRepositories) {
      new GitHubSettings(
        repository === githubRepository ? "github-settings" : `github-settings-${repository}`,
        { ...config, ...gitHubIds, githubRepository: repository },
        { providers: { github } },
      );
    }
  }

  return {
    imageReference: runner.imageReference,
    runnerLabels: config.runnerLabels,
    allowedAddresses: runner.allowedAddresses,
    ...(source && { allowedSecurityGroupId: source.sourceSecurityGroupId }),
    namespace: runner.namespace,
    statusCommand: `kubectl get deployments,pods --namespace ${config.namespace} --output wide`,
  };
};
