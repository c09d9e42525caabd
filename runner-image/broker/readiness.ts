/** What /readyz answers. */
export interface ReadinessReport {
  ready: boolean;
  /** Why, in words a person can act on. */
  reason: string;
  runner?: { id: number; name: string };
}

/** Who may stand in the way of the next runner; the first of these that does gives the reason. */
const SOURCES = ["drain", "version", "supervisor", "Digdag", "GitHub"] as const;

export type ObstacleSource = (typeof SOURCES)[number];

/** How long one look at GitHub that showed the runner online keeps this Pod ready, in polls. */
const POLLS_A_SIGHT_LASTS = 3;

/** Ready means: GitHub listed this Pod's runner as online or busy a short time ago, and nothing stands in the way of the next one. */
export class Readiness {
  private seenOnlineAt: number | undefined;
  private runner: { id: number; name: string } | undefined;
  private readonly obstacles = new Map<ObstacleSource, string>([
    ["supervisor", "the supervisor has not connected yet"],
  ]);

  constructor(private readonly pollSeconds: number) {}

  /** GitHub lists the runner as online (or busy). */
  online(runner: { id: number; name: string }, now = Date.now()): void {
    this.runner = { id: runner.id, name: runner.name };
    this.seenOnlineAt = now;
  }

  /** What keeps this Pod from having a runner: shown at once, until the same source is clear. */
  blocked(source: ObstacleSource, reason: string): void {
    this.obstacles.set(source, reason);
  }

  clear(source: ObstacleSource): void {
    this.obstacles.delete(source);
  }

  report(now = Date.now()): ReadinessReport {
    const runner = this.runner ? { runner: this.runner } : {};
    const obstacle = SOURCES.map((source) => this.obstacles.get(source)).find(Boolean);
    if (obstacle !== undefined) return { ready: false, reason: obstacle, ...runner };
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
