import { setTimeout as delay } from "node:timers/promises";

/**
 * Seconds to wait after the `failures`-th failure in a row (1, 2, ...): `base` doubling up to `cap`, of which a random half is
 * taken off so that the Pods of a pool do not come back all at once.
 */
export function backoffSeconds(failures: number, base: number, cap: number, random = Math.random): number {
  const full = Math.min(cap, base * 2 ** Math.min(failures - 1, 30));
  return full * (1 - random() / 2);
}

/** Waits; rejects with an AbortError as soon as `signal` aborts. */
export async function sleepSeconds(seconds: number, signal?: AbortSignal): Promise<void> {
  await delay(seconds * 1000, undefined, signal ? { signal } : {});
}

/** True for the error that an aborted or timed out wait rejects with. */
export function isAbort(error: unknown): boolean {
  return error instanceof Error && (error.name === "AbortError" || error.name === "TimeoutError");
}
