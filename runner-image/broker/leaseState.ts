import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The runner registered on GitHub for the present lease. */
export interface RegisteredRunner {
  id: number;
  name: string;
}

/** What a restarted broker must still know. */
export interface LeaseState {
  /** Random; known to this broker and to the memory of the supervisor that holds the lease. Absent before the first lease. */
  key?: string;
  /** Name of the socket that the supervisor holds open while it lives. */
  beacon?: string;
  /** The runner registered last, until GitHub says that it is gone. */
  runner?: RegisteredRunner;
  /** Names whose registration got no answer: GitHub may know them or not. */
  doubtful?: string[];
  /** Runners of containers that have ended, which GitHub still took for busy. */
  leftOver?: RegisteredRunner[];
}

/** Keeps the lease's state in a file of the broker's own volume; job code cannot reach it. */
export class LeaseStateFile {
  private readonly path: string;
  private state: LeaseState;

  /** True when a state file was there but could not be read: then a lease may exist whose key nobody knows. */
  readonly damaged: boolean;

  constructor(directory: string) {
    this.path = join(directory, "lease.json");
    const loaded = load(this.path);
    this.damaged = loaded === undefined;
    this.state = loaded ?? {};
  }

  get current(): Readonly<LeaseState> {
    return this.state;
  }

  /** Changes some of the state, in memory and on disk, whole or not at all; what is undefined is forgotten. */
  update(changes: { [Key in keyof LeaseState]: LeaseState[Key] | undefined }): void {
    const text = JSON.stringify({ ...this.state, ...changes });
    const next = `${this.path}.new`;
    writeFileSync(next, text, { mode: 0o600 });
    renameSync(next, this.path);
    this.state = JSON.parse(text) as LeaseState;
  }
}

function load(path: string): LeaseState | undefined {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw error;
  }
  try {
    return JSON.parse(text) as LeaseState;
  } catch {
    return undefined;
  }
}
