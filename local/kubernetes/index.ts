import type { Report } from "../lib/run";
import { startContainerd } from "./containerd";
import { startControlPlane } from "./controlPlane";
import { startKubelet } from "./kubelet";

export { buildKubernetes, type KubernetesPrograms } from "./build";
export { ecrHost, nodeName } from "./config";
export { registryAddress, sandboxImage, startContainerd } from "./containerd";
export { useContext } from "./context";
export { stopContainerd, stopKubernetes } from "./stop";

/**
 * Starts a one-node Kubernetes of our own, needing the bridge of `ensureBridge`; done when Pods can be scheduled.
 * Its kubeconfig is `.local/kubeconfig`. NetworkPolicy objects are accepted, but the network does not enforce them.
 * @param options.kubernetes the binary that `buildKubernetes` made
 */
export async function startKubernetes(options: { kubernetes: string; report: Report }): Promise<void> {
  await Promise.all([startControlPlane(options), startContainerd(options)]);
  await startKubelet(options);
}
