import { awsStandIn } from "./aws";
import { dockerStandIn } from "./docker";
import type { DockerOptions } from "./docker/builder";
import { eksStandIn } from "./eks";
import { githubStandIn } from "./github";
import type { GitHubAccess } from "./github/client";
import { kubernetesStandIn } from "./kubernetes";
import type { Cluster } from "./kubernetes/cluster";
import { type Intercept, serveProvider } from "./protocol";

/** What the stand-ins work on. */
export interface ProviderOptions {
  /** URL of the emulated AWS account. */
  awsEndpoint: string;
  /** The directory that the program's relative paths start from. */
  programDirectory: string;
  /** Kubeconfig of the cluster to apply to; absent keeps objects in memory. */
  kubeconfig?: string;
  /** The cluster itself, where there is no kubeconfig. */
  cluster?: Cluster;
  /** A context of `kubeconfig` other than its current one. */
  kubeContext?: string;
  /** Docker daemon and registry; absent builds nothing. */
  docker?: DockerOptions;
  /** GitHub's API; absent where no stack manages settings there. */
  github?: GitHubAccess;
  /** Receives every line that a stand-in shows to people, for a log. */
  say?: (line: string) => void;
  /** Stands between every engine and every change. */
  intercept?: Intercept;
}

/** Running stand-ins. */
export interface Providers {
  /** Port on loopback by package name. */
  ports: Record<string, number>;
  /** The value of `PULUMI_DEBUG_PROVIDERS` with which an engine attaches to them. */
  attach: string;
  close(): Promise<void>;
}

/** Starts every provider stand-in in this process, each on a loopback port of its own. */
export async function startProviders(options: ProviderOptions): Promise<Providers> {
  const { kubeconfig, kubeContext: context, cluster, say, intercept } = options;
  const standIns = [
    awsStandIn(options.awsEndpoint),
    eksStandIn(),
    kubernetesStandIn({ kubeconfig, context, cluster }),
    dockerStandIn(options.programDirectory, options.docker),
    githubStandIn(options.github),
  ];
  const served = await Promise.all(
    standIns.map(async (standIn) => ({
      name: standIn.name,
      ...(await serveProvider(standIn, say, intercept)),
    })),
  );
  return {
    ports: Object.fromEntries(served.map(({ name, port }) => [name, port])),
    attach: served.map(({ name, port }) => `${name}:${port}`).join(","),
    close: async () => {
      await Promise.all(served.map(({ close }) => close()));
    },
  };
}
