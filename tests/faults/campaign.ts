import { catalogue } from "./catalogue";
import type { Fault, Moment } from "./fault";
import { imageUnderTest, Pool } from "./pool";
import { PoolDigdag } from "./poolDigdag";
import { Random } from "./random";
import { type CaseResult, type Place, type PlannedCase, runCase, sweepSettings } from "./runCase";

/** What a campaign may be told. */
export interface CampaignOptions {
  seed: number;
  /** Cases of each fault. */
  times: number;
  /** Only faults whose name matches. */
  only?: RegExp;
  /** Pools that are broken side by side. */
  pools: number;
  /** Says one line of progress. */
  say: (line: string) => void;
  /** Called after each case. */
  onResult: (result: CaseResult, done: number, planned: number) => void;
}

/** Settings of the broker that only make waiting shorter; the product is the same. */
export const quickBroker = {
  ...sweepSettings,
  GITHUB_POLL_SECONDS: "4",
  RETRY_SECONDS: "1",
  DIGDAG_PROBE_SECONDS: "5",
  LISTENER_MISSING_SECONDS: "10",
  LISTENER_OFFLINE_SECONDS: "20",
  SUPERVISOR_SILENT_SECONDS: "20",
};

/** Every case in its order: equal options give equal cases, whichever pool takes them. */
export function plan({ seed, times, only }: Pick<CampaignOptions, "seed" | "times" | "only">): PlannedCase[] {
  const random = new Random(seed);
  const cases = catalogue
    .filter(({ name }) => only?.test(name) ?? true)
    .flatMap((fault) =>
      drawMoments(fault, times, random).map((moment) => ({
        fault,
        moment,
        seed: random.whole(1, 2 ** 31 - 1),
      })),
    );
  return random.shuffled(cases);
}

/** As many moments as asked for, none twice before all were there. */
function drawMoments({ moments }: Fault, times: number, random: Random): Moment[] {
  const drawn: Moment[] = [];
  while (drawn.length < times) drawn.push(...random.shuffled(moments));
  return drawn.slice(0, times);
}

/** Runs all of it. Pools are left for the caller to remove: a campaign that is cut off could not. */
export async function runCampaign(options: CampaignOptions): Promise<CaseResult[]> {
  const planned = plan(options);
  const results: CaseResult[] = [];
  const running = new Set<string>();
  const heartbeat = setInterval(() => options.say(`… ${[...running].join(" | ")}`), 30_000);
  const one = async (next: PlannedCase, place: Place) => {
    const name = `${place.pool.environment}: ${next.fault.name}, ${next.moment}`;
    running.add(name);
    const result = await runCase(next, place).finally(() => running.delete(name));
    results.push(result);
    options.onResult(result, results.length, planned.length);
  };
  try {
    const shared = planned.filter(({ fault }) => (fault.hits ?? "pool") === "pool");
    const places = await makePlaces(Math.min(options.pools, Math.max(shared.length, 1)), options.say);
    const queue = [...shared];
    await Promise.all(
      places.map(async (place) => {
        for (let next = queue.shift(); next; next = queue.shift()) await one(next, place);
      }),
    );
    for (const next of planned.filter(({ fault }) => fault.hits === "node")) {
      await one(next, places[0] as Place);
    }
    for (const next of planned.filter(({ fault }) => fault.hits === "stack")) {
      await one(next, { pool: Pool.ofStack(), digdag: undefined });
    }
    await Promise.all(places.map(({ pool }) => pool.destroy()));
    await Promise.all(places.map(({ digdag }) => digdag?.close()));
    return results;
  } finally {
    clearInterval(heartbeat);
  }
}

/** Pools f1, f2, …, all runners online. */
export async function makePlaces(count: number, say: (line: string) => void): Promise<Place[]> {
  say(`image under test: ${await imageUnderTest()}`);
  const places = await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const digdag = await PoolDigdag.start();
      const environment = `f${index + 1}`;
      const pool = await Pool.create({
        environment,
        digdagEndpoint: digdag.url,
        brokerVariables: quickBroker,
      });
      return { pool, digdag };
    }),
  );
  for (const { pool } of places) await pool.settled(120);
  say(`${count} pools are online`);
  return places;
}
