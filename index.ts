import * as github from "@pulumi/github";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { readConfig } from "./components/config";
import { DigdagRunner } from "./components/digdagRunner";
import { findExistingRules } from "./components/existingRules";
import { GitHubSettings } from "./components/githubSettings";
import { kubeconfig } from "./components/kubeconfig";
import { findCluster, findSecurityGroup, findSources } from "./components/lookups";
import { bundlePrograms } from "./runner-image/bundle";

/** The runners of one environment, the stack's. Everything that can be refused is refused before the first resource. */
export = async () => {
  const config = readConfig(__dirname);
  const { clusterName, region, githubRepository } = config;

  const cluster = await findCluster(clusterName);
  const [sources, securityGroupId] = await Promise.all([
    findSources(config, cluster),
    findSecurityGroup({ ...config, vpcId: cluster.vpcId }),
  ]);
  const access = { ...config, ...sources, securityGroupId };
  const existingRules = await findExistingRules(access);
  await bundlePrograms();

  const kubernetes = new k8s.Provider("cluster", {
    kubeconfig: kubeconfig(cluster, region, new pulumi.Config("aws").get("profile")),
    // Otherwise a rotated credential would replace the Secret instead of updating it under the running brokers.
    enableSecretMutable: true,
  });
  const runner = new DigdagRunner(
    "digdag-runner",
    { ...access, existingRules },
    { providers: { kubernetes } },
  );
  if (config.manageGitHubSettings && githubRepository) {
    const provider = new github.Provider("github", {
      owner: config.githubOwner,
      baseUrl: `${config.githubApiUrl}/`,
      // Named here, the SDK marks it as secret; taken from the environment by itself, it is plain text in the state.
      token: process.env.GITHUB_TOKEN,
    });
    new GitHubSettings(
      "github-settings",
      { ...config, githubRepository },
      { providers: { github: provider } },
    );
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
