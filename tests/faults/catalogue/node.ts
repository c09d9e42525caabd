import { setTimeout as sleep } from "node:timers/promises";
import { gitHub } from "../../../local/gitHubControl";
import { nodeName } from "../../../local/kubernetes";
import { signalProcess } from "../../../local/lib/processes";
import { admitted, pulumi, removeRules, settingsOf } from "../../system/support";
import { kubectl } from "../cluster";
import { type Fault, type Moment, moments } from "../fault";
import { probeFailsMore } from "../metrics";
import { killContainerd, killKubelet, removeName } from "../node";

const live: readonly Moment[] = moments.filter((moment) => moment !== "draining");
/** The stack `local` has no Digdag of its own that could hold a probe back. */
const onStack: readonly Moment[] = ["idle", "job starting", "job running", "between jobs"];

const drained: Fault = {
  name: "node drained: cordon, evict, uncordon",
  moments: live,
  hits: "node",
  async begin({ pool: { environment }, flow }) {
    await flow.start();
    const selector = `--pod-selector=app.kubernetes.io/instance=${environment}`;
    const drain = kubectl(["drain", nodeName, selector, "--delete-emptydir-data", "--timeout=150s"]);
    // Awaited in the end; what it says before that is no accident of this process.
    drain.catch(() => {});
    return {
      async end() {
        await drain;
        await kubectl(["uncordon", nodeName]);
      },
    };
  },
};

const kubelet: Fault = {
  name: "kubelet killed and started again",
  moments,
  hits: "node",
  lasts: [1, 8],
  begin: async () => ({ end: await killKubelet() }),
};

const containerd: Fault = {
  name: "containerd killed and started again",
  moments,
  hits: "node",
  lasts: [1, 5],
  begin: async () => ({ end: await killContainerd() }),
};

const gitHubSilent: Fault = {
  name: "GitHub silent for everybody",
  moments,
  hits: "node",
  lasts: [3, 8],
  async begin() {
    signalProcess("github", "SIGSTOP");
    return { end: async () => signalProcess("github", "SIGCONT") };
  },
};

const gitHubDown: Fault = {
  name: "GitHub 503 everywhere, the runners' service too",
  moments,
  hits: "node",
  lasts: [3, 8],
  async begin() {
    await gitHub.addFault({ path: ".", times: 0, action: { type: "respond", status: 503 } });
    return {
      struck: async () => (await gitHub.faults()).every(({ hits }) => hits > 0),
      end: () => gitHub.clearFaults(),
    };
  },
};

const noSuchName: Fault = {
  name: "DNS says that Digdag's name does not exist",
  moments: onStack,
  hits: "stack",
  lasts: [8, 15],
  async begin({ pool }) {
    const struck = await probeFailsMore(pool);
    return { struck, end: await removeName(new URL(settingsOf(pool.environment).digdagEndpoint).hostname) };
  },
};

const ruleRemoved: Fault = {
  name: "ALB's rule removed, then `pulumi up --refresh`",
  moments: onStack,
  hits: "stack",
  lasts: [5, 10],
  async begin({ pool }) {
    const { environment } = pool;
    const before = await admitted(environment);
    const struck = await probeFailsMore(pool);
    await removeRules(environment);
    return {
      struck,
      async end() {
        await pulumi("up", environment, ["--refresh"]);
        const after = await admitted(environment);
        if (after.join() !== before.join())
          throw new Error(`the rules came back as ${after.join()}, not as ${before.join()}`);
        await sleep(1000); // the load balancer looks at its rules every half second
      },
    };
  },
};

export const nodeFaults: readonly Fault[] = [
  drained,
  kubelet,
  containerd,
  gitHubSilent,
  gitHubDown,
  noSuchName,
  ruleRemoved,
];
