import { statSync } from "node:fs";
import { join } from "node:path";
import { sleepSeconds } from "../shared/backoff";
import type { Log } from "../shared/log";
import { tellFailure } from "./githubErrors";
import type { Metrics } from "./metrics";

const LOOK_SECONDS = 6 * 3600;
const DAY_MS = 24 * 3600 * 1000;
/** GitHub refuses a runner about this long after a newer release (docs.github.com, self-hosted runners reference). */
const ALLOWED_DAYS = 30;

export interface RunnerVersionParts {
  /** Where the runner lies in the image. */
  runnerSource: string;
  newestVersion: () => Promise<string | undefined>;
  metrics: Metrics;
  log: Log;
}

/** Tells, before GitHub does, that this image's runner gets too old: by metrics and a warning. */
export class RunnerVersion {
  private ours: string | undefined;
  private told = "";

  constructor(private readonly parts: RunnerVersionParts) {
    const released = releaseTime(parts.runnerSource);
    if (released !== undefined) parts.metrics.runnerReleased(released);
  }

  /** GitHub lists this Pod's runner with this version. */
  seen(version: string): void {
    this.ours = version;
  }

  /** Compares with what GitHub offers, a few times a day, for ever. */
  async follow(): Promise<never> {
    for (;;) {
      await this.compare();
      // Until a runner was online there is nothing to compare.
      await sleepSeconds(this.ours === undefined ? 60 : LOOK_SECONDS);
    }
  }

  private async compare(): Promise<void> {
    const { newestVersion, metrics, log } = this.parts;
    if (this.ours === undefined) return;
    try {
      const newest = await newestVersion();
      const outdated = newest !== undefined && isOlder(this.ours, newest);
      metrics.runnerOutdated.set(outdated ? 1 : 0);
      if (!outdated || this.told === newest) return;
      this.told = newest;
      log.warn(
        { version: this.ours, newest },
        `GitHub offers runner ${newest}; it refuses ${this.ours} about ${ALLOWED_DAYS} days after that release: raise runnerVersion`,
      );
    } catch (error) {
      tellFailure(log, error, "GitHub could not be asked for the newest version of the runner");
    }
  }
}

/** Whether version `ours` (numbers with dots) comes before `newest`. */
export function isOlder(ours: string, newest: string): boolean {
  const [a, b] = [ours, newest].map((version) => version.split(".").map(Number)) as [number[], number[]];
  const at = b.findIndex((number, index) => number !== (a[index] ?? 0));
  return at >= 0 && (a[at] ?? 0) < (b[at] ?? 0);
}

/** When the runner was released, by the date of its program in the archive; undefined when the archive keeps no dates. */
export function releaseTime(runnerSource: string): number | undefined {
  const at = statSync(join(runnerSource, "bin", "Runner.Listener"), { throwIfNoEntry: false })?.mtimeMs;
  return at !== undefined && at > 365 * DAY_MS ? at : undefined;
}
