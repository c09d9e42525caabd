import { randomBytes, randomUUID } from "node:crypto";
import type { Clock } from "./clock";
import type { Message } from "./protocol";
import type { Runner, Timings } from "./types";

const ephemeralSweep = 24 * 60 * 60 * 1000;

interface Session {
  id: string;
  version: string;
  /** Set while a poll is held open. */
  deliver?: (message: Message | "gone") => void;
  /** On the machine's monotonic clock, which tests cannot move. */
  lastSeen: number;
}

/** A runner that was registered by a JIT configuration. */
export interface Registration {
  id: number;
  /** `owner/name` of a repository or the name of an organization. */
  scope: string;
  name: string;
  labels: string[];
  groupId: number;
  secret: string;
  /** Server time at which it was last seen online, or created. */
  lastOnline: number;
  version: string | null;
  session?: Session;
  /** The job it runs now. */
  jobId?: number;
  /** It had its one job: it can never open a session again. */
  used: boolean;
}

/** The registrations of all repositories and organizations. Only just-in-time runners exist: each takes one job. */
export class RunnerRegistry {
  private readonly all = new Map<number, Registration>();
  private nextId = 21;

  constructor(
    private readonly clock: Clock,
    private readonly timings: Timings,
  ) {}

  create(scope: string, name: string, labels: string[], groupId: number): Registration {
    const registration: Registration = {
      id: this.nextId++,
      scope,
      name,
      labels,
      groupId,
      secret: randomBytes(32).toString("hex"),
      lastOnline: this.clock.now(),
      version: null,
      used: false,
    };
    this.all.set(registration.id, registration);
    return registration;
  }

  list(scope?: string): Registration[] {
    this.sweep();
    return [...this.all.values()].filter((each) => scope === undefined || sameName(each.scope, scope));
  }

  /** The runners of a repository that got another name. */
  move(from: string, to: string): void {
    for (const each of this.list(from)) each.scope = to;
  }

  find(id: number): Registration | undefined {
    this.sweep();
    return this.all.get(id);
  }

  bySecret(secret: string | undefined): Registration | undefined {
    return this.list().find((each) => each.secret === secret);
  }

  /** The listener, if one is polling, is told at once. */
  remove(registration: Registration): void {
    this.all.delete(registration.id);
    registration.session?.deliver?.("gone");
    registration.session = undefined;
  }

  online({ session }: Registration): boolean {
    return (
      session !== undefined &&
      (session.deliver !== undefined || performance.now() - session.lastSeen < this.timings.sessionGrace)
    );
  }

  openSession(registration: Registration, version: string): string {
    registration.session = { id: randomUUID(), version, lastSeen: performance.now() };
    registration.version = version;
    registration.lastOnline = this.clock.now();
    return registration.session.id;
  }

  closeSession(registration: Registration): void {
    registration.session = undefined;
    registration.lastOnline = this.clock.now();
  }

  /** Holds a poll open until there is a message, the time is over (undefined) or the client goes away (undefined). */
  poll(
    registration: Registration,
    session: Session,
    signal: AbortSignal,
  ): Promise<Message | "gone" | undefined> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve(undefined);
      const end = (message?: Message | "gone") => {
        clearTimeout(timer);
        signal.removeEventListener("abort", abandon);
        if (session.deliver === end) session.deliver = undefined;
        session.lastSeen = performance.now();
        registration.lastOnline = this.clock.now();
        resolve(message);
      };
      const abandon = () => end();
      const timer = setTimeout(abandon, this.timings.poll);
      signal.addEventListener("abort", abandon);
      session.deliver?.("gone");
      session.deliver = end;
    });
  }

  /** The REST shape. */
  describe(registration: Registration): Runner {
    return {
      id: registration.id,
      name: registration.name,
      os: registration.version === null ? "unknown" : "linux",
      status: this.online(registration) ? "online" : "offline",
      busy: registration.jobId !== undefined,
      labels: registration.labels.map((name, index) => ({ id: index + 1, name, type: "custom" })),
      runner_group_id: registration.groupId,
      ephemeral: true,
      version: registration.version,
    };
  }

  private sweep(): void {
    for (const each of this.all.values()) {
      const stale = this.clock.now() - each.lastOnline > ephemeralSweep;
      if (stale && !this.online(each) && each.jobId === undefined) this.all.delete(each.id);
    }
  }
}

/** GitHub compares owners, repositories and labels without regard to case. */
export function sameName(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
