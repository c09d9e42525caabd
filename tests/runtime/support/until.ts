import { setTimeout as sleep } from "node:timers/promises";

/** Polls until `look` gives something other than undefined or false; throws with `what` after the deadline. */
export async function until<T>(
  what: string | (() => string),
  look: () => T | undefined | false | Promise<T | undefined | false>,
  milliseconds = 10_000,
): Promise<T> {
  const deadline = performance.now() + milliseconds;
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== false) return seen;
    if (performance.now() > deadline)
      throw new Error(`not within ${milliseconds} ms: ${typeof what === "string" ? what : what()}`);
    await sleep(25);
  }
}
