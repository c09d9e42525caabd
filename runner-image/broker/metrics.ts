import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { ApiObserver } from "./githubClient";
import { RUNNER_STATES, type RunnerState } from "./runnerState";

/** From a listener that polls again at once to one that waits for a slow GitHub, in seconds. */
const ONLINE_BUCKETS = [1, 2, 3, 5, 8, 13, 21, 34, 60, 120, 300, 600];

/** Everything /metrics shows, under the prefix `digdag_runner_`. */
export class Metrics implements ApiObserver {
  readonly registry = new Registry();
  readonly registrations = this.counter("registrations_total", "Runners registered on GitHub", []);
  readonly jobs = this.counter("jobs_total", "Jobs that ended, by the result the listener printed", [
    "result",
  ]);
  readonly jobEndToOnline = new Histogram({
    name: "digdag_runner_job_end_to_online_seconds",
    help: "From the end of a listener that ran a job until GitHub lists the next runner as online",
    buckets: ONLINE_BUCKETS,
    registers: [this.registry],
  });
  readonly listenerExits = this.counter("listener_exits_total", "Ends of the listener process", ["code"]);
  readonly listenersRetired = this.counter("listeners_retired_total", "Idle listeners ended by the broker", [
    "reason",
  ]);
  readonly supervisorRestarts = this.counter(
    "supervisor_restarts_total",
    "Restarts of the runner container asked for because its supervisor did not answer",
    [],
  );
  readonly ghostsSwept = this.counter("ghosts_swept_total", "Offline runners of this pool deleted", []);
  readonly digdagReachable = this.gauge("digdag_reachable", "1 when the last probe of Digdag went well");
  readonly digdagProbes = this.counter(
    "digdag_probes_total",
    "Probes of Digdag; layer: none, or what failed",
    ["layer"],
  );
  /** Absent until it is known. */
  readonly runnerReleased = this.timestamp("runner_release", "When this image's runner was released");
  readonly runnerOutdated = this.gauge(
    "runner_outdated",
    "1 when GitHub offers a newer runner than this image's",
  );
  private readonly state = new Gauge({
    name: "digdag_runner_state",
    help: "1 for the state of this Pod's runner, as GitHub lists it",
    labelNames: ["state"],
    registers: [this.registry],
  });
  private readonly requests = this.counter("github_requests_total", "Calls to GitHub; status 0: no answer", [
    "route",
    "status",
  ]);
  private readonly remaining = this.gauge("github_rate_limit_remaining", "Calls left in GitHub's window");
  private readonly expiry = this.timestamp("github_token_expiry", "When the token expires");

  constructor() {
    collectDefaultMetrics({ register: this.registry });
    this.runnerState("none");
  }

  runnerState(now: RunnerState): void {
    for (const state of RUNNER_STATES) this.state.set({ state }, state === now ? 1 : 0);
  }

  request(route: string, status: number): void {
    this.requests.inc({ route, status: String(status) });
  }

  rateLimitRemaining(remaining: number): void {
    this.remaining.set(remaining);
  }

  tokenExpires(at: number): void {
    this.expiry(at);
  }

  /** A gauge that does not exist before its first value, since 0 would be a date of long ago. */
  private timestamp(name: string, help: string): (milliseconds: number) => void {
    let gauge: Gauge | undefined;
    return (milliseconds) => {
      gauge ??= this.gauge(`${name}_timestamp_seconds`, help);
      gauge.set(milliseconds / 1000);
    };
  }

  private gauge(name: string, help: string): Gauge {
    return new Gauge({ name: `digdag_runner_${name}`, help, registers: [this.registry] });
  }

  private counter<L extends string>(name: string, help: string, labelNames: L[]): Counter<L> {
    return new Counter({ name: `digdag_runner_${name}`, help, labelNames, registers: [this.registry] });
  }
}
