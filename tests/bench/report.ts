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

/** A ratio of two medians, and the bound it should keep. */
export interface Goal {
  what: string;
  ratio: number;
  bound: string;
  reached: boolean;
}

/** How the program compares with nothing, and with the usual way of running TypeScript. */
export function goals(timings: { program: Timing; empty: Timing; typeChecked: Timing }): Goal[] {
  const toEmpty = timings.program.median / timings.empty.median;
  const toTypeChecked = timings.typeChecked.median / timings.program.median;
  return [
    { what: "program : empty program", ratio: toEmpty, bound: "at most 1.5", reached: toEmpty <= 1.5 },
    {
      what: "program with type checks : program",
      ratio: toTypeChecked,
      bound: "at least 3",
      reached: toTypeChecked >= 3,
    },
  ];
}

/** Seconds with two digits behind the point. */
export const shown = (seconds: number): string => seconds.toFixed(2);
