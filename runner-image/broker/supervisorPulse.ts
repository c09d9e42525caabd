import { rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { LeaseHolder } from "./leaseServer";

/** In the directory of the lease socket, which the runner container cannot write to: its liveness probe fails while this file is there. */
export const RESTART_FILE = "restart-runner";

const PINGS_IN_TIME = 6;

/**
 * Notices a supervisor that holds the lease and does not answer: it hangs, or a job stopped it with a signal. The kubelet is
 * the one who can end it, and it does when the file says so. Its probe reads a file and asks nobody, so that no trouble of the
 * broker's own ever ends a job.
 */
export class SupervisorPulse {
  private readonly file: string;
  private timer: NodeJS.Timeout | undefined;
  private answeredAt = Date.now();
  private asked = false;

  /**
   * @param silentSeconds without an answer, after which `silent` is called
   * @param silent called again after every further ping that stays without an answer
   */
  constructor(
    leaseSocket: string,
    private readonly silentSeconds: number,
    private readonly silent: (holder: LeaseHolder, seconds: number) => void,
  ) {
    this.file = join(dirname(leaseSocket), RESTART_FILE);
    // A former broker may have left it, and the supervisor it meant may be gone.
    this.restartNoMore();
  }

  /** Seconds since the supervisor answered last. */
  get silentFor(): number {
    return (Date.now() - this.answeredAt) / 1000;
  }

  /** Pings this holder until its connection is gone. */
  start(holder: LeaseHolder): void {
    clearInterval(this.timer);
    this.answered();
    const ping = () => {
      if (this.silentFor >= this.silentSeconds) this.silent(holder, Math.round(this.silentFor));
      holder.send({ type: "ping" });
    };
    const timer = setInterval(ping, (this.silentSeconds * 1000) / PINGS_IN_TIME);
    this.timer = timer;
    holder.gone.addEventListener("abort", () => {
      clearInterval(timer);
      if (this.timer === timer) this.restartNoMore();
    });
  }

  answered(): void {
    this.answeredAt = Date.now();
    this.restartNoMore();
  }

  /**
   * Has the kubelet restart the runner container.
   * @returns false when that was asked for already
   */
  restart(): boolean {
    if (this.asked) return false;
    writeFileSync(this.file, "");
    this.asked = true;
    return true;
  }

  private restartNoMore(): void {
    this.asked = false;
    rmSync(this.file, { force: true });
  }
}
