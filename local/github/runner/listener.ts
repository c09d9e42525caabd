/**
 * Stand-in for GitHub's `Runner.Listener`: same files, same lines on stdout and stderr, same exit codes and signals as
 * actions/runner at 258d6c8 by its source; the protocol to the server is our own (`../protocol.ts`). What the real one writes as an
 * error goes to stderr here too. Nothing here was compared with the real program at run time.
 */
import { realpathSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type JobMessage, type Message, type RunnerFile, type Session, workerExit } from "../protocol";
import { Conflict, Connection, Gone } from "./connection";
import { loadEnvironment, readConfiguration, removeConfiguration, writeConfiguration } from "./files";
import { RunningJob } from "./runningJob";

declare const RUNNER_VERSION: string;

const exit = { success: 0, terminated: 1, retryable: 2, sessionConflict: 5, versionDeprecated: 7 } as const;
const resultNames: Record<number, string> = {
  [workerExit.success]: "Succeeded",
  [workerExit.failure]: "Failed",
  [workerExit.cancelled]: "Canceled",
};

const root = dirname(dirname(realpathSync(process.argv[1] as string)));
const print = (line: string) => process.stdout.write(`${line}\n`);
const printError = (line: string) => process.stderr.write(`${line}\n`);
const stamp = () => `${new Date().toISOString().slice(0, 19).replace("T", " ")}Z`;

class Listener {
  private readonly shutdown = new AbortController();
  private job?: RunningJob;
  private lost = false;

  constructor(
    private readonly runner: RunnerFile,
    private readonly secret: string,
    private readonly connection = new Connection(runner.ServerUrl, secret),
  ) {}

  /** Runs at most one job. @returns the exit code */
  async run(): Promise<number> {
    this.onSignals();
    let session: Session | undefined;
    try {
      session = await this.openSession();
    } catch (error) {
      if (this.shutdown.signal.aborted) return exit.success;
      if (error instanceof Conflict) return exit.sessionConflict;
      if (!(error instanceof Gone)) throw error;
      printError(
        "Failed to create a session. The runner registration has been deleted from the server, please re-configure. Runner registrations are automatically deleted for runners that have not connected to the service recently.",
      );
      return exit.terminated;
    }
    print(`Current runner version: '${RUNNER_VERSION}'`);
    print(`${stamp()}: Listening for Jobs`);
    const ordered = await this.misbehave(session);
    if (ordered !== undefined) return ordered;
    const code = await this.listen(session);
    await this.connection.call("DELETE", "/session", { session: session.sessionId }).catch(() => undefined);
    removeConfiguration(root);
    return code;
  }

  private onSignals(): void {
    const stop = () => {
      if (!this.shutdown.signal.aborted) print("Exiting...");
      this.shutdown.abort();
      this.job?.cancel("shutdown");
    };
    process.on("SIGINT", stop);
    process.on("SIGTERM", () => {
      stop();
      // The .NET unload hook holds the process at most this long and keeps the signal's code.
      process.exitCode = 128 + 15;
      setTimeout(() => process.exit(128 + 15), this.runner.StandInTimings.unload).unref();
    });
  }

  private async openSession(): Promise<Session> {
    const { conflictRetry, conflictLimit, reconnect } = this.runner.StandInTimings;
    let conflicts = 0;
    const { signal } = this.shutdown;
    for (;;) {
      try {
        const session = await this.connection.call("POST", "/session", {
          body: { version: RUNNER_VERSION },
          signal,
        });
        print("\n√ Connected to GitHub\n");
        if (this.lost) this.reconnected();
        return session as Session;
      } catch (error) {
        if (error instanceof Gone || signal.aborted) throw error;
        if (error instanceof Conflict) {
          printError("A session for this runner already exists.");
          conflicts += 1;
          if (conflicts * conflictRetry > conflictLimit) throw error;
        } else this.lostContact(error as Error);
        await sleep(error instanceof Conflict ? conflictRetry : reconnect, undefined, { signal });
      }
    }
  }

  private async misbehave({ behaviour }: Session): Promise<number | undefined> {
    if (behaviour?.type === "exit") return behaviour.code;
    if (behaviour?.type === "deprecated") {
      printError(
        `An error occured: Runner version v${RUNNER_VERSION} is deprecated and cannot receive messages.`,
      );
      const flag = process.env.ACTIONS_RUNNER_RETURN_VERSION_DEPRECATED_EXIT_CODE === "1";
      return flag ? exit.versionDeprecated : exit.terminated;
    }
    if (behaviour?.type === "hang") return this.idleForever();
    if (behaviour?.type === "ignore-interrupt") {
      process.removeAllListeners("SIGINT");
      process.on("SIGINT", () => undefined);
    }
    return undefined;
  }

  private async idleForever(): Promise<number> {
    const alive = setInterval(() => undefined, 60_000);
    await new Promise((resolve) => this.shutdown.signal.addEventListener("abort", resolve));
    clearInterval(alive);
    return exit.success;
  }

  private async listen(session: Session): Promise<number> {
    const over = new AbortController();
    const signal = AbortSignal.any([this.shutdown.signal, over.signal]);
    let finished: Promise<void> | undefined;
    while (!signal.aborted) {
      const message = await this.nextMessage(session, signal);
      if (message === "gone") {
        // A busy runner learns of it from its job instead.
        if (this.job) break;
        print("The runner no longer exists on the server. Cleaning up local configuration.");
        return exit.success;
      }
      if (message?.type === "cancel" && this.job?.id === message.id) this.job.cancel("cancel");
      if (message?.type !== "job") continue;
      // The real one waits for other messages, which never come (actions/runner#4617).
      if (!(await this.acquire(message))) return this.idleForever();
      finished = this.work(message).finally(() => over.abort());
    }
    await finished;
    return exit.success;
  }

  /** @returns undefined when the poll ended without a message */
  private async nextMessage(session: Session, signal: AbortSignal): Promise<Message | "gone" | undefined> {
    try {
      const message = await this.connection.call("GET", "/message", { session: session.sessionId, signal });
      if (this.lost) this.reconnected();
      return message as Message | undefined;
    } catch (error) {
      if (error instanceof Gone) return "gone";
      if (signal.aborted) return undefined;
      this.lostContact(error as Error);
      await sleep(this.runner.StandInTimings.reconnect, undefined, { signal }).catch(() => undefined);
      return undefined;
    }
  }

  private async acquire({ id }: JobMessage): Promise<boolean> {
    for (let left = 3; ; left--) {
      try {
        await this.connection.call("POST", `/jobs/${id}/acquire`);
        return true;
      } catch (error) {
        if (error instanceof Gone || left === 0) return false;
        await sleep(this.runner.StandInTimings.reconnect);
      }
    }
  }

  private async work(message: JobMessage): Promise<void> {
    print(`${stamp()}: Running job: ${message.name}`);
    this.job = new RunningJob(root, this.runner, this.secret, message, this.connection);
    if (this.shutdown.signal.aborted) this.job.cancel("shutdown");
    const code = await this.job.exited;
    print(`${stamp()}: Job ${message.name} completed with result: ${resultNames[code] ?? "Failed"}`);
  }

  private lostContact(error: Error): void {
    if (!this.lost)
      printError(`${stamp()}: Runner connect error: ${error.message}. Retrying until reconnected.`);
    this.lost = true;
  }

  private reconnected(): void {
    print(`${stamp()}: Runner reconnected.`);
    this.lost = false;
  }
}

function argument(name: string): string | undefined {
  const at = process.argv.indexOf(name);
  return at < 0 ? undefined : process.argv[at + 1];
}

async function main(): Promise<number> {
  if (process.argv.includes("--version")) {
    print(RUNNER_VERSION);
    return exit.success;
  }
  printError("Runner.Listener: this is a stand-in, not GitHub's runner.");
  const blob = argument("--jitconfig") ?? process.env.ACTIONS_RUNNER_INPUT_JITCONFIG;
  delete process.env.ACTIONS_RUNNER_INPUT_JITCONFIG;
  loadEnvironment(root, process.env);
  if (blob) {
    try {
      writeConfiguration(root, blob);
    } catch (error) {
      printError((error as Error).message);
      return exit.terminated;
    }
  }
  const configuration = readConfiguration(root);
  if (!configuration) {
    printError("Not configured. Run config.(sh/cmd) to configure the runner.");
    return exit.terminated;
  }
  return new Listener(configuration.runner, configuration.credentials.secret).run();
}

main().then(
  (code) => process.exit(process.exitCode ?? code),
  (error: Error) => {
    printError(`An error occurred: ${error.message}`);
    process.exit(exit.retryable);
  },
);
