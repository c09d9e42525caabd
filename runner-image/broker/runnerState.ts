import type { Runner } from "./github";

/**
 * `none`: nothing is registered. `starting`: registered, never online yet. `idle`, `busy`: online. `offline`: was online.
 * `missing`: GitHub does not know the runner, although its listener runs.
 */
export const RUNNER_STATES = ["none", "starting", "idle", "busy", "offline", "missing"] as const;

export type RunnerState = (typeof RUNNER_STATES)[number];

/** The state of a registered runner from GitHub's answer about it. */
export function runnerState(seen: Runner | undefined, wasOnline: boolean): RunnerState {
  if (seen === undefined) return "missing";
  if (seen.busy) return "busy";
  if (seen.status === "online") return "idle";
  return wasOnline ? "offline" : "starting";
}

/** Seconds after which a listener counts as a ghost process: it runs, but gets no job. */
export interface GhostLimits {
  /** GitHub does not know its runner. A listener that has just done its job needs a moment to end. */
  missingSeconds: number;
  /** GitHub lists its runner as offline. */
  offlineSeconds: number;
}

/**
 * Why the listener of a runner should be replaced after so long in one state; undefined when it should not. "Listening for
 * Jobs" on its output is no proof of life (actions/runner#4617: a lost assignment; a stale session looks the same).
 */
export function reasonToReplace(
  state: RunnerState,
  seconds: number,
  limits: GhostLimits,
): "missing" | "offline" | undefined {
  if (state === "missing") return seconds >= limits.missingSeconds ? "missing" : undefined;
  const silent = state === "offline" || state === "starting";
  return silent && seconds >= limits.offlineSeconds ? "offline" : undefined;
}
