import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { isAbort, sleepSeconds } from "../shared/backoff";
import type { JobIdentity } from "../shared/lease";

/** What the job-started hook writes, in the order of its lines; see launchers/job-started.sh. */
const LINES = ["repository", "workflow", "job", "runId", "runAttempt"] as const;

const LONGEST_FILE = 4096;
const LONGEST_VALUE = 200;
const LOOK_SECONDS = 0.5;
/** The hook is the first thing a job runs, but checking out may be slow on a busy node. */
const LOOKS = 60;

/** Parses the hook's file; undefined when it is not complete. A job can write to it, so nothing in it is believed but its shape. */
export function parseJobIdentity(text: string): JobIdentity | undefined {
  const values = text.split("\n").slice(0, LINES.length);
  if (values.length < LINES.length || values.some((value) => value === "" || value.length > LONGEST_VALUE)) {
    return undefined;
  }
  const fields = LINES.map((name, index) => [name, values[index]]);
  return Object.fromEntries(fields) as JobIdentity;
}

/** Waits for the hook to tell which job runs; undefined when it does not within half a minute, or when aborted. */
export async function readJobIdentity(file: string, signal: AbortSignal): Promise<JobIdentity | undefined> {
  try {
    for (let looks = 0; looks < LOOKS; looks++) {
      const identity = parseJobIdentity(await readStart(file));
      if (identity) return identity;
      await sleepSeconds(LOOK_SECONDS, signal);
    }
  } catch (error) {
    if (!isAbort(error)) throw error;
  }
  return undefined;
}

/** The file's first bytes: a job may have put anything in its place, of any size. */
async function readStart(file: string): Promise<string> {
  // A pipe in the file's place must not be waited for, nor a link be followed to what only the supervisor can read.
  const flags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW;
  const handle = await open(file, flags).catch(() => undefined);
  if (!handle) return "";
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(LONGEST_FILE), 0, LONGEST_FILE, 0);
    return buffer.toString("utf8", 0, bytesRead);
  } catch {
    return "";
  } finally {
    await handle.close();
  }
}
