import { setTimeout as sleep } from "node:timers/promises";
import { gitHub } from "../../../local/gitHubControl";
import type { Job } from "../../../local/github/types";
import { type Pod, read } from "../cluster";
import type { Pool } from "../pool";
import { findProcess, signal } from "../processes";
import type { Attempt, AttemptJob } from "./attempts";
import { Secrets } from "./secrets";
import type { Surroundings } from "./stage";

const settleSeconds = 90;
const jobSeconds = 75;
const lookMilliseconds = 200;

/** What came of an attempt in one Pod. */
export interface Outcome {
  won: boolean;
  /** What the jobs were told, or why the attempt says nothing. */
  detail: string;
  /** The attempt was carried out to its end. */
  carriedOut: boolean;
}

/** Carries an attempt out in a pool's Pod. @throws Error when the pool does not get ready */
export async function runAttempt(attempt: Attempt, pool: Pool, surroundings: Surroundings): Promise<Outcome> {
  await pool.settled(settleSeconds);
  const secrets = await Secrets.of(attempt.prize, pool);
  const environment = { ...surroundings, NAMESPACE: pool.namespace, POD_ADDRESSES: await podAddresses() };
  const ended: Job[] = [];
  for (const job of attempt.jobs) {
    const own = job.holdsSecret ? secrets.held : secrets.wanted;
    ended.push(await runJob(job, pool, secrets, { ...environment, ...own }));
  }
  const logs = ended.map(({ log }) => log);
  const { won, unproven } = secrets.wonBy(logs);
  const incomplete = attempt.jobs.flatMap((job, index) => whyIncomplete(job, ended[index] as Job) ?? []);
  if (incomplete.length > 0) return { won, carriedOut: false, detail: incomplete.join("; ") };
  if (!won && unproven > 0) {
    return { won, carriedOut: false, detail: `${unproven} secrets were claimed that are none` };
  }
  return { won, carriedOut: true, detail: won ? lines(logs, "READ") : refusals(attempt, logs) };
}

async function runJob(
  { script, meanwhile }: AttemptJob,
  pool: Pool,
  secrets: Secrets,
  env: Record<string, string>,
): Promise<Job> {
  const { id } = await pool.queue([`bash ${script}`], { name: script, env });
  const deadline = Date.now() + jobSeconds * 1000;
  let done = false;
  for (;;) {
    const job = await gitHub.job(id);
    await secrets.watch();
    if (job.status === "completed") return job;
    if (meanwhile && !done && /^READY$/m.test(job.log)) {
      done = true;
      await killBroker(pool);
    }
    if (Date.now() > deadline) {
      await gitHub.cancelJob(id);
      return { ...(await gitHub.job(id)), log: `${job.log}\nthe campaign gave up after ${jobSeconds} s` };
    }
    await sleep(lookMilliseconds);
  }
}

/** As if it had crashed: the kubelet starts it again. */
async function killBroker(pool: Pool): Promise<void> {
  const brokers = (await pool.pods()).flatMap((pod) => findProcess(pod, "broker") ?? []);
  if (brokers.length === 0) throw new Error(`the pool ${pool.environment} has no broker to restart`);
  for (const broker of brokers) signal(broker, "SIGKILL");
}

async function podAddresses(): Promise<string> {
  const { items } = await read<{ items: Pod[] }>("/api/v1/pods");
  return items.flatMap(({ status }) => status.podIP ?? []).join(" ");
}

function whyIncomplete({ script, endsContainer }: AttemptJob, { conclusion, log }: Job): string | undefined {
  if (/^TRIED$/m.test(log) && (endsContainer || conclusion === "success")) return undefined;
  return `${script} ended in ${conclusion}: ${log.trimEnd().split("\n").slice(-3).join(" | ")}`;
}

/** What the first job was told that was told anything, and how much more there was. */
function refusals({ silentEnd = "what can be read holds no secret" }: Attempt, logs: string[]): string {
  return lines(logs, "REFUSED") || silentEnd;
}

function lines(logs: string[], kind: "READ" | "REFUSED"): string {
  const found = logs.flatMap((log) => [...log.matchAll(new RegExp(`^${kind} (.*)$`, "gm"))]);
  const [first = ""] = found.map(([, text]) => text as string);
  return found.length > 1 ? `${first} (${found.length - 1} more)` : first;
}
