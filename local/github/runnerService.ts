import type { Faults } from "./faults";
import { type Call, credential, json, type Reply } from "./http";
import type { JobQueue } from "./jobs";
import type { Message, Session } from "./protocol";
import type { Registration, RunnerRegistry } from "./registry";
import type { Job } from "./types";

const gone: Reply = { status: 404, json: { message: "The runner registration does not exist." } };
const conflict: Reply = {
  status: 409,
  json: { message: "A session for this runner already exists." },
};
const done: Reply = { status: 204 };

export interface RunnerServiceContext {
  registry: RunnerRegistry;
  jobs: JobQueue;
  faults: Faults;
}

/** The server's half of `protocol.ts`. */
export class RunnerService {
  private readonly losing = new Set<number>();

  constructor(private readonly context: RunnerServiceContext) {}

  answer(call: Call): Reply | Promise<Reply> {
    const runner = this.context.registry.bySecret(credential(call));
    if (!runner) return gone;
    const route = `${call.method} ${call.path.slice("/_runner".length)}`;
    if (route === "POST /session") return this.open(runner, call);
    if (route === "DELETE /session") return this.close(runner, call);
    if (route === "GET /message") return this.message(runner, call);
    const job = /^POST \/jobs\/(\d+)\/(acquire|renew|log|summary|result)$/.exec(route);
    return job ? this.job(runner, Number(job[1]), job[2] as string, call) : gone;
  }

  private open(runner: Registration, call: Call): Reply {
    const { registry, faults } = this.context;
    if (runner.used) return gone;
    if (registry.online(runner)) return conflict;
    const { version } = json(call) as { version: string };
    const behaviour = faults.takeListener(runner.scope);
    if (behaviour?.type === "session-conflict") return conflict;
    const sessionId = registry.openSession(runner, version);
    if (behaviour?.type === "lose-assignment") this.losing.add(runner.id);
    const session: Session = { sessionId, ...(behaviour && { behaviour }) };
    return { status: 200, json: session };
  }

  private close(runner: Registration, call: Call): Reply {
    if (runner.session?.id === call.headers["x-session"]) this.context.registry.closeSession(runner);
    return done;
  }

  private async message(runner: Registration, call: Call): Promise<Reply> {
    const { registry, jobs } = this.context;
    const { session } = runner;
    if (!session || session.id !== call.headers["x-session"]) return gone;
    const polled = registry.poll(runner, session, call.signal);
    jobs.offerPendingCancellation(runner);
    jobs.dispatch();
    const message: Message | "gone" | undefined = await polled;
    if (message === "gone") return gone;
    return message ? { status: 200, json: message } : done;
  }

  private job(runner: Registration, id: number, action: string, call: Call): Reply {
    const { jobs } = this.context;
    if (action === "acquire" && this.losing.delete(runner.id)) {
      jobs.loseAssignment(runner);
      return gone;
    }
    if (!jobs.renew(runner, id)) return gone;
    if (action === "log" || action === "summary") jobs.append(id, action, call.body.toString("utf8"));
    if (action === "result") {
      const { conclusion } = json(call) as { conclusion: NonNullable<Job["conclusion"]> };
      jobs.finish(runner, conclusion);
    }
    return done;
  }
}
