import { backoffSeconds, sleepSeconds } from "../shared/backoff";
import type { Log } from "../shared/log";
import { explainProbe, type ProbeResult } from "./digdagProbe";
import type { Metrics } from "./metrics";
import type { Readiness } from "./readiness";

/** Digdag and its load balancer come back sooner than a wrong token is replaced. */
const LONGEST_WAIT_SECONDS = 30;
/** One failed probe may be a restart of Digdag; an idle runner is withdrawn after this many in a row. */
const FAILURES_UNTIL_LOST = 2;

/** What the watch works with. */
export interface DigdagWatchParts {
  settings: { digdagEndpoint: string; retrySeconds: number; probeSeconds: number };
  readiness: Readiness;
  metrics: Metrics;
  log: Log;
  probe: () => Promise<ProbeResult>;
  /** The public address of this Pod in words. */
  egressAddress: () => Promise<string>;
}

/** Keeps runners from jobs that they could not deploy: probes Digdag before a registration and while a runner waits for a job. */
export class DigdagWatch {
  constructor(private readonly parts: DigdagWatchParts) {}

  /** Returns as soon as Digdag can be used; rejects only when aborted. */
  async reachable(signal: AbortSignal): Promise<void> {
    for (let failures = 1; !(await this.probe()); failures++) {
      await sleepSeconds(
        backoffSeconds(failures, this.parts.settings.retrySeconds, LONGEST_WAIT_SECONDS),
        signal,
      );
    }
  }

  /** Probes until aborted, and calls `lost` after each probe that says Digdag cannot be used. Rejects only when aborted. */
  async follow(signal: AbortSignal, lost: () => void): Promise<void> {
    for (let failures = 0; ; ) {
      await sleepSeconds(this.parts.settings.probeSeconds, signal);
      failures = (await this.probe()) ? 0 : failures + 1;
      signal.throwIfAborted();
      if (failures >= FAILURES_UNTIL_LOST) lost();
    }
  }

  /** One probe, told to readiness, metrics and log. */
  private async probe(): Promise<boolean> {
    const { settings, probe, egressAddress, readiness, metrics, log } = this.parts;
    const result = await probe();
    metrics.digdagReachable.set(result.reachable ? 1 : 0);
    metrics.digdagProbes.inc({ layer: result.reachable ? "none" : result.layer });
    if (result.reachable) {
      readiness.clear("Digdag");
      return true;
    }
    const message = explainProbe(settings.digdagEndpoint, result, await egressAddress());
    readiness.blocked("Digdag", message);
    log.error({ layer: result.layer, endpoint: settings.digdagEndpoint }, message);
    return false;
  }
}
