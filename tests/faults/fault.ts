import type { Job } from "../../local/github/types";
import type { Pod } from "./cluster";
import type { JobFlow } from "./jobFlow";
import type { Pool } from "./pool";
import type { PoolDigdag } from "./poolDigdag";
import type { Random } from "./random";

/** Where a runner is in its life when a fault strikes. */
export const moments = [
  /** The broker is between two registrations: its probe of Digdag has not been answered yet. */
  "before registration",
  "idle",
  /** GitHub has just given the runner a job. */
  "job starting",
  "job running",
  /** A job has just ended, its runner is on the way to the next registration. */
  "between jobs",
  /** The Pod was asked to stop while its job runs. */
  "draining",
] as const;

export type Moment = (typeof moments)[number];

/** What a fault may reach for. */
export interface Scene {
  pool: Pool;
  /** The pool's own Digdag stand-in; the stack `local` has none. */
  digdag: PoolDigdag | undefined;
  /** The Pod whose runner is at the moment that was asked for. */
  victim: Pod;
  flow: JobFlow;
  random: Random;
  /** A second image, equal to the one under test but for a label. */
  otherImage: () => Promise<string>;
}

/** What follows a fault's beginning. */
export interface Course {
  /** Whether it has hit anything. The time that it lasts begins then; a fault that never does fails its case, which shows nothing. */
  struck?(): Promise<boolean>;
  /** How to end it: once it has struck and lasted, with jobs flowing; at once where neither is asked for. What it throws fails the case: the product did not hold what it must. */
  end(): Promise<void>;
}

/** One kind of thing that goes wrong. */
export interface Fault {
  name: string;
  /** The moments at which it makes sense. */
  moments: readonly Moment[];
  /** Seconds from its first hit to its end, at least and at most. */
  lasts?: readonly [number, number];
  /**
   * It destroys the process that runs a job: for the job that runs on its victim at that moment, GitHub's report of a failure is
   * the honest end. Every other job must succeed all the same.
   */
  destroysJob?: boolean;
  /** Runners of the pool. Default 1, so that nothing stands in for the victim. */
  replicas?: number;
  /** `node`: hits more than one pool; `stack`: hits the stack `local`. Both run alone. Default `pool`. */
  hits?: "pool" | "node" | "stack";
  /** Makes it so. Recovery counts from its end; a fault without one ends by itself, and recovery counts from its beginning. */
  begin(scene: Scene): Promise<Course | undefined>;
}

/** Whether a job ended as its own steps decided, or was lost to something else. */
export function succeeded({ status, conclusion }: Job): boolean {
  return status === "completed" && conclusion === "success";
}
