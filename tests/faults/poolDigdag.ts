import { setTimeout as sleep } from "node:timers/promises";
import { type Digdag, type Fault, startDigdag } from "../../local/digdag";
import { bridge } from "../../local/network";

/** How long a probe is held back at most, which the broker waits for. */
const holdMilliseconds = 3000;
const probePath = "/api/version";

/** A Digdag stand-in that one pool of runners has for itself, on the bridge. */
export class PoolDigdag {
  private constructor(private server: Digdag | undefined) {}

  static async start(): Promise<PoolDigdag> {
    return new PoolDigdag(await startDigdag({ host: bridge.address }));
  }

  private get running(): Digdag {
    if (!this.server) throw new Error("the pool's Digdag was stopped");
    return this.server;
  }

  get url(): string {
    return this.running.url;
  }

  /** Requests since the last `forget`. */
  get requests(): Digdag["requests"] {
    return this.running.requests;
  }

  /** A fault that strikes until `clearFaults`. */
  addFault(fault: Fault): void {
    this.running.addFault({ times: Number.POSITIVE_INFINITY, ...fault });
  }

  /** How many requests faults have struck so far. */
  get faultHits(): number {
    return this.running.faultHits();
  }

  clearFaults(): void {
    this.running.clearFaults();
  }

  /** Forgets the requests so far, which else would be kept for ever. */
  forget(): void {
    this.running.requests.length = 0;
  }

  /** Holds the next probe back, and returns while it is held. @throws Error when none comes within `seconds` */
  async holdProbe(seconds: number): Promise<void> {
    const probes = () => this.requests.filter(({ path }) => path === probePath).length;
    const before = probes();
    this.running.addFault({ kind: "delay", milliseconds: holdMilliseconds, path: probePath, times: 1 });
    const deadline = Date.now() + seconds * 1000;
    while (probes() === before) {
      if (Date.now() > deadline) throw new Error(`the broker did not probe Digdag within ${seconds} s`);
      await sleep(20);
    }
  }

  /** Ends the server: connections are refused until the function that it answers is called. */
  async down(): Promise<() => Promise<void>> {
    const { port } = this.running;
    await this.close();
    return async () => {
      this.server = await startDigdag({ host: bridge.address, port });
    };
  }

  async close(): Promise<void> {
    await this.server?.close();
    this.server = undefined;
  }
}
