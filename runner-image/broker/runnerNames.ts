import { randomBytes } from "node:crypto";

/** What a pool may be called. The dot is left out because it separates the parts of a runner's name. */
export const POOL_NAME = /^[A-Za-z0-9-]{1,24}$/;

const MAX_NAME_LENGTH = 64;
const TIME_LENGTH = 7;
const RANDOM_LENGTH = 6;
const LAST_PART = /^[0-9a-z]{13}$/;

/** What a runner's name says: its pool, its Pod and when it was asked for (milliseconds since 1970). */
export interface ParsedRunnerName {
  pool: string;
  pod: string;
  createdAt: number;
}

/**
 * A name nobody used before: `POOL.POD.TIMERANDOM`, at most 64 characters; a long Pod name keeps its end, where its
 * random part is. A name is never used twice: GitHub goes on sending a replaced runner jobs for its former labels.
 */
export function newRunnerName(pool: string, pod: string, now = Date.now()): string {
  const time = Math.floor(now / 1000)
    .toString(36)
    .padStart(TIME_LENGTH, "0");
  const random = BigInt(`0x${randomBytes(8).toString("hex")}`)
    .toString(36)
    .slice(-RANDOM_LENGTH);
  const last = time + random.padStart(RANDOM_LENGTH, "0");
  return `${pool}.${podPart(pool, pod)}.${last}`;
}

/** Reads a name made by newRunnerName; undefined for any other name, also of another pool's scheme. */
export function parseRunnerName(name: string): ParsedRunnerName | undefined {
  const [pool, pod, last, ...more] = name.split(".");
  if (!pool || !pod || !last || more.length > 0 || !LAST_PART.test(last)) return undefined;
  return { pool, pod, createdAt: Number.parseInt(last.slice(0, TIME_LENGTH), 36) * 1000 };
}

function podPart(pool: string, pod: string): string {
  const room = MAX_NAME_LENGTH - pool.length - TIME_LENGTH - RANDOM_LENGTH - 2;
  return pod
    .replace(/[^A-Za-z0-9-]/g, "-")
    .slice(-room)
    .replace(/^-+/, "");
}
