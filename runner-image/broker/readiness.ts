/** What /readyz answers. */
export interface ReadinessReport {
  ready: boolean;
  /** Why, in words a person can act on. */
  reason: string;
  runner?: { id: number; name: string };
}

/** How long one look at GitHub that showed the runner online keeps this Pod ready, in polls. */
const POLLS_A_SIGHT_LASTS = 3;

/** Ready means: GitHub listed this Pod's runner as online or busy a short time ago, and nothing stands in the way of the next one. */
export class Readiness {
  private seenOnlineAt: number | undefined;
  private runner: { id: number; name: string } | undefined;
  private obstacle: string | undefined = "the supervisor has not connected yet";

  constructor(private readonly pollSeconds: number) {}

  /** GitHub lists the runner as online (or busy). */
  online(runner: { id: number; name: string }, now = Date.now()): void {
    this.runner = { id: runner.id, name: runner.name };
    this.seenOnlineAt = now;
  }

  /** What keeps this Pod from having a runner: shown at once. */
  blocked(reason: string): void {
    this.obstacle = reason;
  }

  /** Nothing is in the way any more. */
  clear(): void {
    this.obstacle = undefined;
  }

  report(now = Date.now()): ReadinessReport {
    const runner = this.runner ? { runner: this.runner } : {};
    if (this.obstacle !== undefined) return { ready: false, reason: this.obstacle, ...runner };
    if (this.seenOnlineAt === undefined) {
      return { ready: false, reason: "GitHub has not listed this Pod's runner as online yet" };
    }
    const age = Math.round((now - this.seenOnlineAt) / 1000);
    if (age > this.pollSeconds * POLLS_A_SIGHT_LASTS) {
      return { ready: false, reason: `GitHub last listed the runner as online ${age} s ago`, ...runner };
    }
    return { ready: true, reason: `GitHub listed the runner as online ${age} s ago`, ...runner };
  }
}
