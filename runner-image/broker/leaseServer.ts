import { randomBytes } from "node:crypto";
import { EventEmitter } from "node:events";
import { chmodSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { beaconIsLit } from "../shared/beacon";
import {
  type BrokerMessage,
  encodeMessage,
  type Hello,
  LineSplitter,
  parseSupervisorMessage,
  type SupervisorMessage,
} from "../shared/lease";
import { type Log, messageOf } from "../shared/log";
import { decideLease, type LeaseSituation } from "./leaseDecision";
import type { LeaseStateFile } from "./leaseState";

const HELLO_TIMEOUT_MS = 5000;
const MAX_CONNECTIONS = 16;

/** The connection of the supervisor that holds the lease. */
export interface LeaseHolder {
  /** Runner whose listener the supervisor said it runs when it connected. */
  readonly runnerId: number | undefined;
  /** It showed the key of the lease it held before. Otherwise its container, and every process in it, is new. */
  readonly resumed: boolean;
  /** Aborts when the connection is gone. */
  readonly gone: AbortSignal;
  send(message: BrokerMessage): void;
}

type Events = {
  held: [LeaseHolder];
  message: [Exclude<SupervisorMessage, Hello>, LeaseHolder];
  lost: [LeaseHolder];
};

/** The broker's end of the lease: one socket, one holder. Emits `held`, `message` and `lost`. */
export class LeaseServer extends EventEmitter<Events> {
  private readonly server: Server;
  private holder: Socket | undefined;
  private withoutHolderSince = Date.now();

  constructor(
    private readonly path: string,
    private readonly takeoverSeconds: number,
    private readonly state: LeaseStateFile,
    private readonly log: Log,
  ) {
    super();
    this.server = createServer((socket) => this.greet(socket));
    this.server.maxConnections = MAX_CONNECTIONS;
  }

  get isHeld(): boolean {
    return this.holder !== undefined;
  }

  async listen(): Promise<void> {
    rmSync(this.path, { force: true });
    await new Promise<void>((resolve, reject) => {
      this.server.once("error", reject);
      this.server.listen(this.path, resolve);
    });
    // The supervisor reaches the socket through the group; nobody else does.
    chmodSync(this.path, 0o660);
  }

  close(): void {
    this.server.close();
    this.holder?.destroy();
  }

  private greet(socket: Socket): void {
    socket.setEncoding("utf8");
    socket.on("error", () => socket.destroy());
    const lines = new LineSplitter();
    const timer = setTimeout(() => socket.destroy(), HELLO_TIMEOUT_MS);
    socket.once("close", () => clearTimeout(timer));
    let receive = (message: SupervisorMessage): void => {
      if (message.type !== "hello") return void socket.destroy();
      clearTimeout(timer);
      receive = () => socket.destroy();
      void this.answer(socket, message).then((accepted) => {
        if (accepted) receive = accepted;
      });
    };
    socket.on("data", (chunk: string) => {
      try {
        for (const line of lines.push(chunk)) receive(parseSupervisorMessage(line));
      } catch (error) {
        this.log.warn({ reason: messageOf(error) }, "a connection to the lease was closed");
        socket.destroy();
      }
    });
  }

  private async answer(
    socket: Socket,
    hello: Hello,
  ): Promise<((message: SupervisorMessage) => void) | undefined> {
    const { beacon } = this.state.current;
    const formerSupervisorLives =
      !this.holder && hello.key === undefined && beacon !== undefined && (await beaconIsLit(beacon));
    const decision = decideLease(hello.key, this.situation(formerSupervisorLives));
    if (socket.destroyed) return undefined;
    if ("refuse" in decision) {
      this.log.warn({ reason: decision.refuse, keyShown: hello.key !== undefined }, "a lease was refused");
      // A half-open connection would count against the limit until its peer closes it.
      socket.end(encodeMessage({ type: "refused", reason: decision.refuse }), () => socket.destroy());
      return undefined;
    }
    return this.grant(socket, hello, decision.grant);
  }

  private situation(formerSupervisorLives: boolean): LeaseSituation {
    return {
      held: this.isHeld,
      key: this.state.current.key,
      keyLost: this.state.damaged && this.state.current.key === undefined,
      formerSupervisorLives,
      secondsWithoutHolder: (Date.now() - this.withoutHolderSince) / 1000,
      takeoverSeconds: this.takeoverSeconds,
    };
  }

  private grant(socket: Socket, hello: Hello, kind: "new" | "resumed"): (message: SupervisorMessage) => void {
    const former = this.state.current;
    const key = kind === "resumed" && former.key ? former.key : randomBytes(32).toString("hex");
    this.state.update({ key, beacon: hello.beacon });
    this.holder = socket;
    const gone = new AbortController();
    const holder: LeaseHolder = {
      runnerId: hello.runnerId,
      resumed: kind === "resumed",
      gone: gone.signal,
      send: (message) => void (socket.writable && socket.write(encodeMessage(message))),
    };
    socket.once("close", () => {
      this.holder = undefined;
      this.withoutHolderSince = Date.now();
      gone.abort();
      this.log.info("the supervisor's connection is gone");
      this.emit("lost", holder);
    });
    this.log.info({ lease: kind, runnerId: hello.runnerId }, "a supervisor holds the lease");
    holder.send({ type: "welcome", key });
    this.emit("held", holder);
    return (message) => {
      if (message.type === "hello") return void socket.destroy();
      this.emit("message", message, holder);
    };
  }
}
