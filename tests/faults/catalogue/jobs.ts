import { gitHub } from "../../../local/gitHubControl";
import type { Job } from "../../../local/github/types";
import type { Fault, Scene } from "../fault";
import { lastWords } from "../runCase";

/** How the job itself may end; the fault fails when it ends otherwise. */
type Outcome = NonNullable<Job["conclusion"]>;

/** A job that misbehaves, between others that do not. Its script waits a moment first, so that it strikes at a random point. */
function odd(
  name: string,
  script: (scene: Scene) => string,
  outcomes: readonly Outcome[],
  more: Partial<Fault> & { seconds?: number; during?: (job: Job) => Promise<unknown> } = {},
): Fault {
  const { seconds = 90, during, ...fault } = more;
  return {
    name,
    moments: ["job running"],
    async begin(scene) {
      const { flow, random } = scene;
      const { id } = await flow.addOdd(
        `echo begun; sleep ${random.between(0, 1.5).toFixed(1)}; ${script(scene)}`,
      );
      return {
        async end() {
          const job = await flow.until(
            `number ${id} begins`,
            60,
            (job) => job.id === id && job.status !== "queued",
          );
          await during?.(job);
          const ended = await flow.until(
            `number ${id} ends`,
            seconds,
            (job) => job.id === id && job.status === "completed",
          );
          if (!outcomes.includes(ended.conclusion as Outcome))
            throw new Error(
              `the job ended in ${ended.conclusion}, not in ${outcomes.join(" or ")}: ${lastWords(ended.log)}`,
            );
        },
      };
    },
    ...fault,
  };
}

/** 2^10 shells that wait, in the time that starting them takes. */
const forkTree = `
  fork() { if [ "$1" -eq 0 ]; then sleep 3; else fork $(($1 - 1)) & fork $(($1 - 1)) & wait; fi; }
  fork 10`;

/** Every way that a process has to outlive its parent. */
const daemons = `
  for i in $(seq 20); do
    (setsid sh -c 'trap "" TERM HUP INT; while :; do sleep 1; done' </dev/null >/dev/null 2>&1 &)
    (setsid sh -c 'kill -STOP $$' </dev/null >/dev/null 2>&1 &)
    nohup sleep 600 </dev/null >/dev/null 2>&1 &
  done
  sleep 0.5`;

/** The next job sees only its own processes: the supervisor, the listener and what the job itself started. */
const noneLeft = (job: string) =>
  `left=$(grep -lsa sleep /proc/[0-9]*/comm | wc -l); echo "${job} $left"; [ "$left" = 0 ]`;

const leftovers: Fault = {
  name: "job leaves daemons behind",
  moments: ["job running"],
  async begin({ flow, pool }) {
    const { id } = await flow.addOdd(`echo begun; ${daemons}`);
    flow.mayFail.delete(id);
    const after = await pool.queue([noneLeft("processes called sleep:")]);
    return {
      async end() {
        const ends = (wanted: number) =>
          flow.until(`number ${wanted} ends`, 90, (job) => job.id === wanted && job.status === "completed");
        await ends(id);
        const { conclusion, log } = await ends(after.id);
        if (conclusion !== "success") throw new Error(`the next job still sees daemons: ${lastWords(log)}`);
      },
    };
  },
};

export const jobFaults: readonly Fault[] = [
  odd("job out of memory", () => "head -c 900M /dev/zero | tail >/dev/null", ["failure"]),
  odd(
    "job fills the work directory beyond its limit",
    // The kubelet looks at volumes about once a minute.
    () => 'fallocate -l 4300M "$RUNNER_TEMP/full"; sleep 170',
    ["failure"],
    { seconds: 180 },
  ),
  odd("job fills the shared memory", () => "! head -c 80M /dev/zero > /dev/shm/full", ["success"]),
  odd("job forks without end", () => forkTree, ["success", "failure"], { seconds: 60 }),
  leftovers,
  odd("job kills every process of its user", () => "kill -9 -1; sleep 60", ["failure"], {
    destroysJob: true,
  }),
  odd(
    "job ignores its cancellation",
    () => "trap '' INT TERM; for i in $(seq 60); do sleep 1 || true; done",
    ["cancelled"],
    {
      during: ({ id }) => gitHub.cancelJob(id),
    },
  ),
];
