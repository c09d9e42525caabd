import { readStacks } from "../../local/aws/stacks";
import { gitHub } from "../../local/gitHubControl";
import { buildKubernetes, nodeName, startContainerd } from "../../local/kubernetes";
import { startKubelet } from "../../local/kubernetes/kubelet";
import { root } from "../../local/lib/paths";
import { processNames, signalProcess, stopProcess } from "../../local/lib/processes";
import { run } from "../../local/lib/run";
import { bridge, serverAddresses, startDns } from "../../local/network";
import { hostNames } from "../../local/services";
import { admitted, pulumi } from "../system/support";
import { kubectl, type Pod } from "./cluster";
import type { Course } from "./fault";

const silent = () => {};

/** Ends the kubelet without warning. @returns how to start it again */
export async function killKubelet(): Promise<() => Promise<void>> {
  const { kubernetes } = await buildKubernetes({ report: silent });
  await stopProcess("kubelet", { signal: "SIGKILL" });
  return () => startKubelet({ kubernetes, report: silent });
}

/** Ends containerd without warning. @returns how to start it again */
export async function killContainerd(): Promise<() => Promise<void>> {
  await stopProcess("containerd", { signal: "SIGKILL" });
  return () => startContainerd({ report: silent });
}

const everyHost = () => hostNames(readStacks(root));

/** Makes the DNS server answer that this name does not exist. @returns how to bring it back */
export async function removeName(name: string): Promise<() => Promise<void>> {
  const { [name]: _removed, ...hosts } = everyHost();
  await startDns({ hosts, report: silent });
  return () => startDns({ hosts: everyHost(), report: silent });
}

/** Where packets of one Pod can be made to vanish. */
export const destinations = {
  gitHub: ["--destination", serverAddresses.github],
  nameServer: ["--destination", bridge.address, "--protocol", "udp", "--destination-port", "53"],
} as const;

const chain = "DIGDAG-RUNNER-FAULTS";

const iptables = (args: readonly string[], allowFailure = false) =>
  run("iptables", ["--wait", "10", ...args], { timeoutSeconds: 20, allowFailure });

async function removeChain(): Promise<void> {
  const hook = ["INPUT", "--in-interface", bridge.name, "--jump", chain];
  while ((await iptables(["--delete", ...hook], true)).code === 0);
  await iptables(["--flush", chain], true);
  await iptables(["--delete-chain", chain], true);
}

/** Makes ready for `dropPackets`. */
export async function openNode(): Promise<void> {
  await iptables(["--new-chain", chain]);
  await iptables(["--insert", "INPUT", "--in-interface", bridge.name, "--jump", chain]);
}

/** Drops what the Pod sends there, also on connections that are open. */
export async function dropPackets(pod: Pod, destination: readonly string[]): Promise<Course> {
  const source = pod.status.podIP as string;
  const rule = [chain, "--source", source, ...destination, "--jump", "DROP"];
  await iptables(["--append", ...rule]);
  return {
    async struck() {
      const { stdout } = await iptables(["--list", chain, "--numeric", "--verbose", "--exact"]);
      const line = stdout.split("\n").find((each) => each.includes(` ${source} `));
      return Number(line?.trim().split(/\s+/)[0]) > 0;
    },
    async end() {
      await iptables(["--delete", ...rule]);
    },
  };
}

/** Puts right whatever a campaign, or one that was cut off, may have left broken. */
export async function repairNode(): Promise<void> {
  for (const name of processNames()) signalProcess(name, "SIGCONT");
  await startContainerd({ report: silent });
  const { kubernetes } = await buildKubernetes({ report: silent });
  await startKubelet({ kubernetes, report: silent });
  await kubectl(["uncordon", nodeName]);
  await startDns({ hosts: everyHost(), report: silent });
  await gitHub.clearFaults();
  await removeChain();
  if ((await admitted("local")).length === 0) await pulumi("up", "local", ["--refresh"]);
}
