import { timingSafeEqual } from "node:crypto";

/** What is known when a connection says hello. */
export interface LeaseSituation {
  /** A supervisor holds the lease on a connection that is open. */
  held: boolean;
  /** Key of the lease given last, if there was one. */
  key: string | undefined;
  /** There was a lease, but its key is lost. */
  keyLost: boolean;
  /** The process that got the last lease still lives, as far as its beacon tells. */
  formerSupervisorLives: boolean;
  /** Seconds since the last lease lost its connection, or since the broker started. */
  secondsWithoutHolder: number;
  /** Seconds after which the runner container, and every process in it, must have ended. */
  takeoverSeconds: number;
}

export type LeaseDecision = { grant: "new" | "resumed" } | { refuse: string };

/**
 * Who may hold the lease: the first that comes; after a broken connection the one who shows the key; without the key only after
 * the former supervisor, and with it every process of its container, has ended.
 */
export function decideLease(shownKey: string | undefined, situation: LeaseSituation): LeaseDecision {
  if (situation.held) return { refuse: "the lease is held" };
  if (shownKey !== undefined) {
    if (situation.key !== undefined && sameKey(shownKey, situation.key)) return { grant: "resumed" };
    return { refuse: "the key shown is not the key of the lease" };
  }
  if (situation.key === undefined && !situation.keyLost) return { grant: "new" };
  if (situation.formerSupervisorLives) return { refuse: "the supervisor that got the lease still lives" };
  if (situation.secondsWithoutHolder < situation.takeoverSeconds) {
    const left = Math.ceil(situation.takeoverSeconds - situation.secondsWithoutHolder);
    return { refuse: `the lease was held a moment ago; free in ${left} s` };
  }
  return { grant: "new" };
}

function sameKey(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
