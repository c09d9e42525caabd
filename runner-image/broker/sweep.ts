import type { Runner } from "./github";
import { parseRunnerName } from "./runnerNames";

/** Which registrations count as this pool's ghosts. */
export interface GhostRule {
  pool: string;
  /** The runner of this very Pod, never a ghost while its supervisor is connected. */
  ownRunnerId: number | undefined;
  /** Age, by the time in its name, under which a runner may still be starting. */
  ghostSeconds: number;
}

/** The runners that outlived their Pod: of this pool by their name, offline, not busy, and old enough. */
export function findGhosts(runners: Runner[], rule: GhostRule, now = Date.now()): Runner[] {
  return runners.filter((runner) => {
    const name = parseRunnerName(runner.name);
    return (
      name?.pool === rule.pool &&
      runner.status === "offline" &&
      !runner.busy &&
      runner.id !== rule.ownRunnerId &&
      now - name.createdAt >= rule.ghostSeconds * 1000
    );
  });
}
