import { setTimeout as sleep } from "node:timers/promises";
import { kubectl } from "./cluster";
import type { Moment, Scene } from "./fault";
import { hasBegun } from "./jobFlow";
import { podOf } from "./pool";

/** A runner of a healthy pool gets a job at once, and the next one within seconds. */
const reachSeconds = 60;

type Stage = Omit<Scene, "victim">;

/** Brings a healthy, idle pool to a random point of the moment. @returns the Pod that is there */
export async function reach(moment: Moment, stage: Stage): Promise<Scene["victim"]> {
  const { flow, random, digdag } = stage;
  const pause = (low: number, high: number) => sleep(random.between(low, high) * 1000);
  switch (moment) {
    case "idle": {
      await pause(0.2, 2);
      const [pod] = random.shuffled(await stage.pool.pods());
      if (!pod) throw new Error("the pool has no Pod");
      return pod;
    }
    case "job starting": {
      await flow.start(4);
      const victim = await podOfJob(stage, "starts", ({ status }) => status === "in_progress");
      await pause(0, 0.4);
      return victim;
    }
    case "job running":
      return runningJob(stage, 3);
    case "between jobs": {
      const victim = await endedJob(stage);
      await pause(0, 0.8);
      return victim;
    }
    case "before registration": {
      if (!digdag) throw new Error("only a pool with a Digdag of its own can be held before a registration");
      const victim = await endedJob(stage);
      await digdag.holdProbe(20);
      await pause(0, 1.5);
      return victim;
    }
    case "draining": {
      const victim = await runningJob(stage, 1);
      const { name, namespace } = victim.metadata;
      await kubectl(["delete", "pod", name, "--namespace", namespace, "--wait=false"]);
      await pause(0.3, 2);
      return victim;
    }
  }
}

async function runningJob(stage: Stage, longestPause: number): Promise<Scene["victim"]> {
  await stage.flow.start(7);
  const victim = await podOfJob(stage, "runs", hasBegun);
  await sleep(stage.random.between(0.2, longestPause) * 1000);
  return victim;
}

async function endedJob(stage: Stage): Promise<Scene["victim"]> {
  await stage.flow.start(1);
  return podOfJob(stage, "ends", ({ status }) => status === "completed");
}

async function podOfJob(
  { flow, pool }: Stage,
  what: string,
  wanted: Parameters<Scene["flow"]["until"]>[2],
): Promise<Scene["victim"]> {
  const { runnerName = "" } = await flow.until(what, reachSeconds, wanted);
  const pod = podOf(await pool.pods(), runnerName);
  if (!pod) throw new Error(`the runner ${runnerName} belongs to no Pod`);
  return pod;
}
