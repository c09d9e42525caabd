import * as grpc from "@grpc/grpc-js";
import { EngineClient } from "@pulumi/pulumi/proto/engine_grpc_pb";
import { LogRequest, LogSeverity } from "@pulumi/pulumi/proto/engine_pb";
import type { ConfiguredProvider, Session } from "./standIn";

const LOG_DEADLINE_MS = 5_000;

/** One connection of an engine: every provider instance of every command opens its own. */
export class EngineSession implements Session {
  /** Set by `configure`; operations before it are refused. */
  provider: ConfiguredProvider | undefined;
  private readonly abort = new AbortController();
  private readonly engine: EngineClient;
  private sequence: Promise<void> = Promise.resolve();

  constructor(
    engineAddress: string,
    private readonly say: (line: string) => void,
  ) {
    this.engine = new EngineClient(engineAddress, grpc.credentials.createInsecure());
  }

  get cancelled(): AbortSignal {
    return this.abort.signal;
  }

  cancel(): void {
    this.abort.abort(new Error("the command was cancelled"));
  }

  close(): void {
    this.engine.close();
  }

  log: Session["log"] = (message, options = {}) => {
    this.say(message);
    const request = new LogRequest();
    request.setSeverity(options.level === "warning" ? LogSeverity.WARNING : LogSeverity.INFO);
    request.setMessage(message);
    request.setUrn(options.urn ?? "");
    request.setEphemeral(options.status ?? false);
    // One after another, so that lines arrive in order. A lost line is no reason to fail an operation.
    this.sequence = this.sequence.then(() => this.send(request));
  };

  /** Resolves when every line so far was handed to the engine. */
  flushed(): Promise<void> {
    return this.sequence;
  }

  private send(request: LogRequest): Promise<void> {
    return new Promise((resolve) => {
      this.engine.log(request, new grpc.Metadata(), { deadline: Date.now() + LOG_DEADLINE_MS }, () =>
        resolve(),
      );
    });
  }
}

const SESSION_LIMIT = 256;

/**
 * The open connections, by the engine's side of the socket. Configuration belongs to a connection, because commands of
 * several stacks use the same stand-in at the same time.
 */
export class Sessions {
  private readonly byPeer = new Map<string, EngineSession>();

  /** @param say receives every line that is also shown to the person who runs the command */
  constructor(
    private readonly label: string,
    private readonly say: (line: string) => void,
  ) {}

  open(peer: string, engineAddress: string): EngineSession {
    this.byPeer.get(peer)?.close();
    this.byPeer.delete(peer);
    const oldest = this.byPeer.size >= SESSION_LIMIT ? this.byPeer.keys().next().value : undefined;
    if (oldest !== undefined) {
      this.byPeer.get(oldest)?.close();
      this.byPeer.delete(oldest);
    }
    const session = new EngineSession(engineAddress, this.say);
    this.byPeer.set(peer, session);
    return session;
  }

  get(peer: string): EngineSession {
    const session = this.byPeer.get(peer);
    if (!session) {
      throw new Error(`the ${this.label} does not know this connection; run the command again`);
    }
    return session;
  }

  closeAll(): void {
    for (const session of this.byPeer.values()) {
      session.close();
    }
    this.byPeer.clear();
  }
}
