import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";
import type { ApiObserver } from "./githubClient";

/** Everything /metrics shows, under the prefix `digdag_runner_`. */
export class Metrics implements ApiObserver {
  readonly registry = new Registry();
  readonly online = this.gauge("online", "1 while GitHub lists this Pod's runner as online");
  readonly busy = this.gauge("busy", "1 while GitHub lists this Pod's runner as busy");
  readonly registrations = this.counter("registrations_total", "Runners registered on GitHub", []);
  readonly jobs = this.counter("jobs_total", "Jobs that ended, by the result the listener printed", [
    "result",
  ]);
  readonly listenerExits = this.counter("listener_exits_total", "Ends of the listener process", ["code"]);
  readonly ghostsSwept = this.counter("ghosts_swept_total", "Offline runners of this pool deleted", []);
  readonly digdagReachable = this.gauge("digdag_reachable", "1 when the last probe of Digdag went well");
  readonly digdagProbeFailures = this.counter("digdag_probe_failures_total", "Failed probes", ["layer"]);
  private readonly requests = this.counter("github_requests_total", "Calls to GitHub; status 0: no answer", [
    "route",
    "status",
  ]);
  private readonly remaining = this.gauge("github_rate_limit_remaining", "Calls left in GitHub's window");
  private readonly expiry = this.gauge("github_token_expiry_timestamp_seconds", "When the token expires");

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }

  request(route: string, status: number): void {
    this.requests.inc({ route, status: String(status) });
  }

  rateLimitRemaining(remaining: number): void {
    this.remaining.set(remaining);
  }

  tokenExpires(at: number): void {
    this.expiry.set(at / 1000);
  }

  private gauge(name: string, help: string): Gauge {
    return new Gauge({ name: `digdag_runner_${name}`, help, registers: [this.registry] });
  }

  private counter<L extends string>(name: string, help: string, labelNames: L[]): Counter<L> {
    return new Counter({ name: `digdag_runner_${name}`, help, labelNames, registers: [this.registry] });
  }
}
