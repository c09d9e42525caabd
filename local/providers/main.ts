/**
 * The provider stand-ins as a process. Prints one line of JSON, `{"aws":PORT,"kubernetes":PORT,…}`, once all of them listen.
 *
 * Environment:
 * - `AWS_ENDPOINT_URL` (required): the emulated account.
 * - `LOCAL_KUBECONFIG`, `LOCAL_KUBE_CONTEXT`: the cluster to apply to; without the file, objects stay in memory.
 * - `LOCAL_DOCKER_HOST`, `LOCAL_REGISTRY` (`127.0.0.1:PORT`): where images are built and pushed; without them nothing is built.
 * - `LOCAL_BUILD_ARGS`: JSON map of the build arguments that replace the program's own.
 */
import { resolve } from "node:path";
import { startProviders } from ".";
import type { DockerOptions } from "./docker/builder";

async function main(): Promise<void> {
  const awsEndpoint = process.env.AWS_ENDPOINT_URL;
  if (!awsEndpoint) {
    throw new Error("AWS_ENDPOINT_URL is not set: the aws stand-in only talks to an emulated account");
  }
  const providers = await startProviders({
    awsEndpoint,
    programDirectory: resolve(__dirname, "../.."),
    kubeconfig: process.env.LOCAL_KUBECONFIG,
    kubeContext: process.env.LOCAL_KUBE_CONTEXT,
    docker: dockerOptions(process.env),
    say: (line) => console.error(line),
  });
  console.log(JSON.stringify(providers.ports));
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      providers.close().then(() => process.exit(0));
    });
  }
}

function dockerOptions(env: NodeJS.ProcessEnv): DockerOptions | undefined {
  const { LOCAL_DOCKER_HOST: host, LOCAL_REGISTRY: registry, LOCAL_BUILD_ARGS: buildArgs } = env;
  if (!host) {
    return undefined;
  }
  if (!registry) {
    throw new Error("LOCAL_DOCKER_HOST is set but LOCAL_REGISTRY (127.0.0.1:PORT) is not");
  }
  return { host, registry, buildArgs: JSON.parse(buildArgs ?? "{}") };
}

main().catch((error) => {
  console.error(`provider stand-ins: ${error instanceof Error ? error.message : error}`);
  process.exit(1);
});
