import { table } from "../../local/lib/table";
import { quantile } from "../faults/statistics";

/** Seconds of several runs of one thing. */
export interface Timing {
  median: number;
  fastest: number;
  slowest: number;
}

/** @throws Error for no runs */
export function timing(seconds: readonly number[]): Timing {
  const sorted = [...seconds].sort((a, b) => a - b);
  const [fastest, slowest] = [sorted[0], sorted.at(-1)];
  if (fastest === undefined || slowest === undefined) throw new Error("nothing was measured");
  return { median: quantile(sorted, 0.5), fastest, slowest };
}

/** Something measured, such as a ratio of two medians, and the bound it should keep. */
export interface Goal {
  what: string;
  measured: number;
  bound: string;
  reached: boolean;
}

export const atMost = (bound: number, what: string, measured: number): Goal => ({
  what,
  measured,
  bound: `at most ${bound}`,
  reached: measured <= bound,
});

export const atLeast = (bound: number, what: string, measured: number): Goal => ({
  what,
  measured,
  bound: `at least ${bound}`,
  reached: measured >= bound,
});

/** Seconds with two digits behind the point. */
export const shown = (seconds: number): string => seconds.toFixed(2);

/** As cells of a table. */
export const shownTiming = ({ median, fastest, slowest }: Timing) => ({
  median: shown(median),
  fastest: shown(fastest),
  slowest: shown(slowest),
});

export const print = (rows: object[]): void => console.log(`${table(rows).join("\n")}\n`);
