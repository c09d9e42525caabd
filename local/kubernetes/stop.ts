import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { processStatus, stopProcess } from "../lib/processes";
import type { Report } from "../lib/run";
import { Api } from "./api";
import { sweep } from "./cleanup";
import { restoreKernelSettings } from "./kubelet";
import { paths } from "./paths";

interface Pod {
  metadata: { name: string; namespace: string };
}

/** How long Pods get to end by themselves; a drain would wait for a job. */
const graceSeconds = 2;

const deadlineSeconds = 30;

/** Lets the kubelet take down every Pod, since it knows best how: volumes, network, control groups. */
async function removePods(report: Report): Promise<void> {
  const running = ["kube-apiserver", "kubelet"].every((name) => processStatus(name) === "running");
  if (!running || !existsSync(paths.kubeconfig)) return;
  const api = new Api(paths.kubeconfig);
  const deadline = Date.now() + deadlineSeconds * 1000;
  for (let asked = false; ; asked = true) {
    const pods = await api.list<Pod>("/api/v1/pods");
    if (pods.length === 0 || Date.now() > deadline) return; // what is left then the sweep removes
    if (!asked) {
      report(`removing ${pods.length} Pods`);
      await Promise.all(
        pods.map(({ metadata: { namespace, name } }) =>
          api
            .call("DELETE", `/api/v1/namespaces/${namespace}/pods/${name}?gracePeriodSeconds=${graceSeconds}`)
            .catch((error: Error) => report(error.message)),
        ),
      );
    }
    await sleep(200);
  }
}

/** Removes all Pods and ends the control plane and the kubelet. */
export async function stopKubernetes({ report }: { report: Report }): Promise<void> {
  // First those that would put a new Pod in the place of a removed one.
  await Promise.all(["kube-controller-manager", "kube-scheduler"].map((name) => stopProcess(name)));
  await removePods(report).catch((error: Error) =>
    report(`Pods could not be asked to end: ${error.message}`),
  );
  await stopProcess("kubelet");
  await stopProcess("kube-apiserver", { seconds: 5 }); // it would wait for clients that watch
  await stopProcess("etcd");
  restoreKernelSettings();
}

/** Ends containerd, which the Docker daemon must not use any more, and removes what containers left on the machine. */
export async function stopContainerd(): Promise<void> {
  await stopProcess("containerd");
  await sweep();
}
