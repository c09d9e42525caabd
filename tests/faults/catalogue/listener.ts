import { setTimeout as sleep } from "node:timers/promises";
import type { ListenerBehaviour } from "../../../local/github/types";
import { isLiving, kubectl, type Pod } from "../cluster";
import type { Fault, Scene } from "../fault";
import { hasBegun } from "../jobFlow";
import { askBroker, type Pool } from "../pool";
import { deletePod, usedUp } from "./gitHubApi";

/** The next listeners of this pool that open a session behave so. */
function next(name: string, listener: ListenerBehaviour, most = 1): Fault {
  return {
    name,
    moments: ["before registration", "job running", "between jobs"],
    async begin({ pool, random }: Scene) {
      await pool.addFault({ times: random.whole(1, most), listener });
      return usedUp(pool);
    },
  };
}

/** The Pod of the pool whose broker says this, within `seconds`. */
async function podThatSays(pool: Pool, text: RegExp, seconds: number): Promise<Pod> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    for (const pod of (await pool.pods()).filter(isLiving)) {
      if (text.test(await askBroker(pod, "readyz"))) return pod;
    }
    if (Date.now() > deadline) throw new Error(`no Pod's /readyz said ${text} within ${seconds} s`);
    await sleep(300);
  }
}

/** GitHub refuses the version: that Pod registers no more and says why, others go on, and a new Pod is the end of it. */
const deprecated: Fault = {
  name: "listener ends with 7: version deprecated",
  moments: ["before registration", "job running", "between jobs"],
  replicas: 2,
  async begin({ pool }) {
    await pool.addFault({ listener: { type: "deprecated" } });
    return {
      async end() {
        const pod = await podThatSays(pool, /refuses this version of the runner/, 60);
        const { name, namespace } = pod.metadata;
        await kubectl(["delete", "pod", name, "--namespace", namespace]);
      },
    };
  },
};

/** A drained idle runner is told to end with SIGINT, and does not. */
const ignoresInterruptIdle: Fault = {
  name: "listener ignores SIGINT, idle",
  moments: ["idle"],
  async begin({ pool, flow }) {
    await pool.addFault({ times: 0, listener: { type: "ignore-interrupt" } });
    await flow.start(1);
    await flow.until("ended", 60, ({ status }) => status === "completed");
    flow.stop();
    return {
      async end() {
        await pool.settled(60);
        await pool.clearFaults();
        const [pod] = (await pool.pods()).filter(isLiving);
        if (pod) await deletePod(pod);
        await flow.start();
      },
    };
  },
};

/** Longer than the longest job that the pool allows (1 minute) plus the time that a cancelled job has. */
const endless = "echo begun; for i in $(seq 150); do sleep 1; done";

/** A job that outlasts the stop of its Pod is cancelled; one whose listener does not listen is killed. */
function outlasts(name: string, listener?: ListenerBehaviour): Fault {
  return {
    name,
    moments: ["between jobs"],
    async begin({ pool, flow }) {
      flow.stop();
      if (listener) await pool.addFault({ times: 0, listener });
      const { id } = await flow.addOdd(endless);
      const running = await flow.until("runs", 60, (job) => job.id === id && hasBegun(job));
      await pool.clearFaults();
      return {
        async end() {
          const name = running.runnerName?.split(".")[1];
          const pod = (await pool.pods()).find(({ metadata }) => metadata.name === name);
          if (!pod) throw new Error(`the Pod of ${running.runnerName} is gone`);
          await deletePod(pod);
          await flow.start();
          const ended = await flow.until("ended", 170, (job) => job.id === id && job.status === "completed");
          const wanted = listener ? "failure" : "cancelled";
          if (ended.conclusion !== wanted)
            throw new Error(`the job that took too long ended in ${ended.conclusion}, not in ${wanted}`);
        },
      };
    },
  };
}

export const listenerFaults: readonly Fault[] = [
  next("listener ends with 1", { type: "exit", code: 1 }, 2),
  next("listener ends with 2", { type: "exit", code: 2 }, 3),
  next("listener ends with 5", { type: "exit", code: 5 }, 2),
  deprecated,
  next("listener hangs", { type: "hang" }),
  next("listener loses its assignment", { type: "lose-assignment" }),
  next("session conflict", { type: "session-conflict" }),
  ignoresInterruptIdle,
  outlasts("job outlasts the stop of its Pod"),
  outlasts("job outlasts the stop, listener ignores SIGINT", { type: "ignore-interrupt" }),
];
