import { requireLocalNode } from "../cluster";
import type { Pool } from "../pool";
import { type Attempt, attempts } from "./attempts";
import { type Outcome, runAttempt } from "./runAttempt";
import { Stage } from "./stage";
import type { Weakening } from "./weakenings";

export interface TheftOptions {
  /** Only attempts whose names match. Default: all. */
  only?: RegExp;
  /** Only a few attempts, of every kind. */
  short?: boolean;
  /** How many pools are used at the same time. Default 4. */
  pools?: number;
  /** Called with a line for people whenever something was found out. */
  report: (line: string) => void;
}

/** One attempt, in the product's Pod and in the weakened one. */
export interface AttemptResult {
  attempt: string;
  prize: string;
  /** The product's own Pod gave nothing away. */
  refused: boolean;
  /** The product's own Pod gave the prize away. */
  stolen: boolean;
  /** What the product's Pod answered. */
  detail: string;
  weakenedBy: string;
  succeededWhenWeakened: boolean;
  /** Why the attempt does not prove that the product refuses it; absent when it does. */
  proofMissing?: string;
}

export interface TheftReport {
  attempts: AttemptResult[];
  refused: number;
  stolen: number;
}

/** What is done in one pool: some of the attempts, in the product's Pod or in one weakened Pod. */
interface Errand {
  weakening?: Weakening;
  attempts: Attempt[];
}

/** Attempts in a row in one Pod of the product; more Pods make the campaign shorter. */
const attemptsInARow = 5;
const errandsAtOnce = 4;

/** Whether the product withstood, and every attempt would have succeeded where one protection is missing. */
export function withstood({ attempts }: TheftReport): boolean {
  const held = ({ refused, proofMissing }: AttemptResult) => refused && proofMissing === undefined;
  return attempts.length > 0 && attempts.every(held);
}

/** Has jobs try to steal, in pools of the product's own Pod and of weakened ones. @throws Error when there is no local node */
export async function runTheft(options: TheftOptions): Promise<TheftReport> {
  requireLocalNode();
  const chosen = attempts.filter(
    ({ name, short }) => (!options.short || short) && (options.only?.test(name) ?? true),
  );
  if (chosen.length === 0) throw new Error(`no attempt's name matches ${options.only}`);
  const stage = await Stage.build(options.report);
  try {
    const campaign = new Campaign(stage, options.report);
    await campaign.run(errandsFor(chosen), options.pools ?? errandsAtOnce);
    return summary(chosen.map((attempt) => campaign.result(attempt)));
  } finally {
    await stage.clear();
  }
}

function errandsFor(chosen: Attempt[]): Errand[] {
  const weakenings = new Set(chosen.map(({ weakenedBy }) => weakenedBy));
  const weakened = [...weakenings].map((weakening) => ({
    weakening,
    attempts: chosen.filter(({ weakenedBy }) => weakenedBy === weakening),
  }));
  const rows = Math.ceil(chosen.length / attemptsInARow);
  // Dealt out one by one, so that slow neighbours in the list do not end up in one row.
  const product = Array.from({ length: rows }, (_, row) => ({
    attempts: chosen.filter((_, index) => index % rows === row),
  }));
  return [...product, ...weakened];
}

function summary(results: AttemptResult[]): TheftReport {
  const refused = results.filter((result) => result.refused).length;
  const stolen = results.filter((result) => result.stolen).length;
  return { attempts: results, refused, stolen };
}

class Campaign {
  private readonly product = new Map<Attempt, Outcome>();
  private readonly weakened = new Map<Attempt, Outcome>();

  constructor(
    private readonly stage: Stage,
    private readonly report: (line: string) => void,
  ) {}

  async run(errands: Errand[], atOnce: number): Promise<void> {
    const waiting = [...errands];
    const work = async () => {
      for (let errand = waiting.shift(); errand; errand = waiting.shift()) await this.goOn(errand);
    };
    await Promise.all(Array.from({ length: atOnce }, work));
  }

  result(attempt: Attempt): AttemptResult {
    const missing = { won: false, carriedOut: false, detail: "not carried out" };
    const product = this.product.get(attempt) ?? missing;
    const weakened = this.weakened.get(attempt) ?? missing;
    const proofMissing = !product.carriedOut
      ? `in the product's Pod: ${product.detail}`
      : weakened.won
        ? undefined
        : `it fails in the weakened Pod as well: ${weakened.detail}`;
    return {
      attempt: attempt.name,
      prize: attempt.prize,
      refused: product.carriedOut && !product.won,
      stolen: product.won,
      detail: product.detail,
      weakenedBy: attempt.weakenedBy.name,
      succeededWhenWeakened: weakened.won,
      ...(proofMissing !== undefined && { proofMissing }),
    };
  }

  private async goOn(errand: Errand): Promise<void> {
    const { weakening, attempts } = errand;
    let pool: Pool | undefined;
    try {
      pool = await this.stage.createPool(weakening);
      for (const attempt of attempts) {
        await this.carryOut(attempt, pool, weakening);
        const leavesTraces = attempt.usesPodUp || weakening?.leavesTraces;
        if (leavesTraces && attempt !== attempts.at(-1)) await pool.reset();
      }
    } catch (error) {
      // The attempts that are left count as not carried out.
      this.report(`${weakening?.name ?? "the product's Pod"}: ${(error as Error).message}`);
    } finally {
      // In the end all pools that are left are removed, or the campaign fails.
      await pool
        ?.destroy()
        .catch((error: Error) => this.report(`${pool?.namespace} stays: ${error.message}`));
    }
  }

  /** Twice, where the cluster or bad luck was in the way the first time. What was stolen stays stolen. */
  private async carryOut(attempt: Attempt, pool: Pool, weakening: Weakening | undefined): Promise<void> {
    const isGood = ({ won, carriedOut }: Outcome) => won || (carriedOut && !weakening);
    let outcome = await this.tryOut(attempt, pool);
    if (!isGood(outcome)) {
      this.report(`${describe(attempt, outcome, weakening)}; once more`);
      await pool.reset();
      outcome = await this.tryOut(attempt, pool);
    }
    (weakening ? this.weakened : this.product).set(attempt, outcome);
    this.report(describe(attempt, outcome, weakening));
  }

  private tryOut(attempt: Attempt, pool: Pool): Promise<Outcome> {
    return runAttempt(attempt, pool, this.stage.surroundings).catch((error: Error) => ({
      won: false,
      carriedOut: false,
      detail: error.message,
    }));
  }
}

function describe({ name }: Attempt, { won, carriedOut, detail }: Outcome, weakening?: Weakening): string {
  const where = weakening ? `weakened: ${weakening.name}` : "product";
  const end = won ? "STOLEN" : carriedOut ? "refused" : "not carried out";
  return `${name} [${where}]: ${end}: ${detail}`;
}
