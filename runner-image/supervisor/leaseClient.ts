import { EventEmitter } from "node:events";
import { accessSync, constants } from "node:fs";
import { connect, type Socket } from "node:net";
import { dirname } from "node:path";
import { backoffSeconds } from "../shared/backoff";
import {
  type BrokerMessage,
  type DrainOutcome,
  encodeMessage,
  type JitMessage,
  LineSplitter,
  parseBrokerMessage,
  type RetireMessage,
  type SupervisorMessage,
} from "../shared/lease";
import { type Log, messageOf } from "../shared/log";

const FIRST_RETRY_SECONDS = 0.5;
const LONGEST_RETRY_SECONDS = 5;

type Events = {
  /** The lease is held, for the first time or again. */
  welcome: [];
  jit: [JitMessage];
  drained: [DrainOutcome];
  retire: [RetireMessage];
};

/** The supervisor's end of the lease: connects, comes back with its key when the broker restarts, sends and receives. */
export class LeaseClient extends EventEmitter<Events> {
  /** Runner whose listener runs now, told to the broker on every connection. */
  runnerId: number | undefined;
  private key: string | undefined;
  private socket: Socket | undefined;
  private failures = 0;
  private closed = false;
  private lastRefusal = "";
  /** What could not be sent while no broker was there. */
  private unsent: SupervisorMessage[] = [];

  constructor(
    private readonly path: string,
    private readonly beacon: string,
    private readonly log: Log,
  ) {
    super();
  }

  /**
   * Starts to connect, again and again until it succeeds.
   * Throws when the socket's directory is writable here: a job could put a socket of its own in the broker's place.
   */
  start(): void {
    if (isWritable(dirname(this.path))) {
      throw new Error(
        `${dirname(this.path)} is writable in the runner container, so a job could pose as the broker. ` +
          "Mount the lease volume read-only into this container.",
      );
    }
    this.connect();
  }

  get connected(): boolean {
    return this.socket !== undefined;
  }

  /** Sends now, or as soon as the lease is held again. */
  report(message: SupervisorMessage): void {
    if (this.socket) this.socket.write(encodeMessage(message));
    else this.unsent.push(message);
  }

  /** Sends if the lease is held now. For what is said again on every `welcome`. */
  tell(message: SupervisorMessage): void {
    this.socket?.write(encodeMessage(message));
  }

  /** Ends the connection after everything sent has gone out. */
  async close(): Promise<void> {
    this.closed = true;
    const socket = this.socket;
    if (socket) await new Promise<void>((resolve) => socket.end(resolve));
  }

  private connect(): void {
    const socket = connect(this.path);
    socket.setEncoding("utf8");
    const lines = new LineSplitter();
    socket.on("connect", () => {
      socket.write(
        encodeMessage({
          type: "hello",
          beacon: this.beacon,
          ...(this.key === undefined ? {} : { key: this.key }),
          ...(this.runnerId === undefined ? {} : { runnerId: this.runnerId }),
        }),
      );
    });
    socket.on("data", (chunk: string) => {
      try {
        for (const line of lines.push(chunk)) this.receive(parseBrokerMessage(line), socket);
      } catch (error) {
        this.log.error({ reason: messageOf(error) }, "the broker's answer was not understood");
        socket.destroy();
      }
    });
    socket.on("error", (error) => this.log.debug({ reason: error.message }, "no connection to the broker"));
    socket.on("close", () => this.onClose());
  }

  private onClose(): void {
    if (this.socket && !this.closed) this.log.warn("the connection to the broker is gone; connecting again");
    this.socket = undefined;
    if (this.closed) return;
    this.failures += 1;
    const wait = backoffSeconds(this.failures, FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS);
    setTimeout(() => !this.closed && this.connect(), wait * 1000);
  }

  private receive(message: BrokerMessage, socket: Socket): void {
    switch (message.type) {
      case "welcome":
        this.key = message.key;
        this.socket = socket;
        this.failures = 0;
        this.log.info("the lease is held");
        for (const unsent of this.unsent.splice(0)) this.tell(unsent);
        this.emit("welcome");
        break;
      case "refused":
        if (message.reason !== this.lastRefusal) {
          this.log.warn({ reason: message.reason }, "the broker refuses the lease; trying again");
        }
        this.lastRefusal = message.reason;
        break;
      case "jit":
        this.emit("jit", message);
        break;
      case "drained":
        this.emit("drained", message.outcome);
        break;
      case "retire":
        this.emit("retire", message);
        break;
      case "ping":
        this.tell({ type: "pong" });
        break;
    }
  }
}

function isWritable(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
