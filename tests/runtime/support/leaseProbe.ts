import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { lightBeacon } from "../../../runner-image/shared/beacon";
import {
  type BrokerMessage,
  encodeMessage,
  type Hello,
  LineSplitter,
  parseBrokerMessage,
  type SupervisorMessage,
} from "../../../runner-image/shared/lease";
import { until } from "./until";

/** A bare connection to the lease: the test plays the supervisor, or a thief. */
export class LeaseProbe {
  readonly received: BrokerMessage[] = [];
  closed = false;

  private constructor(private readonly socket: Socket) {
    const lines = new LineSplitter();
    socket.setEncoding("utf8");
    socket.on("data", (chunk: string) => {
      this.received.push(...lines.push(chunk).map(parseBrokerMessage));
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      this.closed = true;
    });
  }

  static async connect(path: string, hello: Partial<Hello> = {}): Promise<LeaseProbe> {
    const socket = connect(path);
    await once(socket, "connect");
    const probe = new LeaseProbe(socket);
    probe.send({ type: "hello", beacon: hello.beacon ?? (await lightBeacon()), ...hello });
    return probe;
  }

  /** Connects and cleans up, as a supervisor that just started. */
  static async ready(path: string): Promise<LeaseProbe> {
    const probe = await LeaseProbe.connect(path);
    await probe.message("welcome");
    probe.send({ type: "ready" });
    return probe;
  }

  send(message: SupervisorMessage): void {
    this.socket.write(encodeMessage(message));
  }

  /** Waits for the next message of this type and takes it. */
  async message<T extends BrokerMessage["type"]>(
    type: T,
    milliseconds?: number,
  ): Promise<Extract<BrokerMessage, { type: T }>> {
    return until(
      `message ${type}`,
      () => {
        const index = this.received.findIndex((message) => message.type === type);
        return index >= 0 && (this.received.splice(index, 1)[0] as Extract<BrokerMessage, { type: T }>);
      },
      milliseconds,
    );
  }

  close(): void {
    this.socket.destroy();
  }
}
