import * as k8s from "@pulumi/kubernetes/provider";
import * as pulumi from "@pulumi/pulumi";
import { readConfig } from "./components/config";
import { DigdagRunner } from "./components/digdagRunner";
import { findExistingRules } from "./components/existingRules";
import { findGitHubIds } from "./components/githubLookups";
import { gitHubProvider } from "./components/githubProvider";
import { GitHubRunnerGroup } from "./components/githubRunnerGroup";
import { GitHubSettings } from "./components/githubSettings";
import { kubeconfig } from "./components/kubeconfig";
import { findCluster, findSecurityGroup, findSources } from "./components/lookups";

/** The runners of one environment, the stack's. Everything that can be refused is refused before the first resource. */
export = async () => {
  const config = readConfig(__dirname);
  const { clusterName, region, githubRepository, managedRepositories } = config;

  const cluster = await findCluster(clusterName);
  const [sources, securityGroupId] = await Promise.all([
    findSources(config, cluster),
    findSecurityGroup({ ...config, vpcId: cluster.vpcId }),
  ]);
  const access = { ...config, ...sources, securityGroupId };
  const existingRules = await findExistingRules(access);
  const github = managedRepositories.length > 0 ? gitHubProvider("github", config) : undefined;
  const gitHubIds = github && (await findGitHubIds(config, github));

  const kubernetes = new k8s.Provider("cluster", {
    kubeconfig: kubeconfig(cluster, region, new pulumi.Config("aws").get("profile")),
    // Otherwise a rotated credential would replace the Secret instead of updating it under the running brokers.
    enableSecretMutable: true,
  });
  const group =
    github && gitHubIds && githubRepository === undefined
      ? new GitHubRunnerGroup("github-runner-group", { ...config, ...gitHubIds }, { providers: { github } })
      : undefined;
  const runner = new DigdagRunner(
    "digdag-runner",
    { ...access, existingRules },
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
    ...("sourceSecurityGroupId" in sources && { allowedSecurityGroupId: sources.sourceSecurityGroupId }),
    namespace: runner.namespace,
    statusCommand: `kubectl get deployments,pods --namespace ${config.namespace} --output wide`,
  };
};
