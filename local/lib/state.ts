import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stateDir } from "./paths";

/** Small facts that later commands need about the running local system. */
export interface LocalState {
  /** Port by the name of what listens there. */
  ports: Record<string, number>;
  /** The Kubernetes context in use instead of a node of our own. */
  context?: string;
  /** Loopback port of each provider stand-in, by provider name. */
  providers?: Record<string, number>;
}

const file = join(stateDir, "state.json");

/** The recorded state; empty when nothing was started yet. */
export function readState(): LocalState {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as LocalState;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return { ports: {} };
    throw new Error(
      `${file} cannot be read (${(error as Error).message}); run \`npm stop\`, then \`npm start\``,
    );
  }
}

/** Changes the given facts and leaves the others. A reader never sees half a file. */
export function updateState(change: Partial<LocalState>): void {
  mkdirSync(stateDir, { recursive: true });
  writeFileSync(`${file}.new`, `${JSON.stringify({ ...readState(), ...change }, null, 2)}\n`);
  renameSync(`${file}.new`, file);
}
