import type { Report } from "./run";

/** How long a named step took. */
export interface StepTime {
  name: string;
  seconds: number;
}

/** A person hears from a running step at least this often. */
const heartbeatSeconds = 15;

const colours = process.stdout.isTTY && !process.env.NO_COLOR;

/** Text in a colour of ANSI terminals (2 dim, 31 red, 32 green), where standard output is one. */
export const paint = (code: number, text: string) => (colours ? `\u001b[${code}m${text}\u001b[0m` : text);

/**
 * Runs named steps, any number side by side, and tells a person which started, what a long one is doing
 * and how long each took. A step is an ordinary async function; what it depends on it awaits before it is begun.
 */
export class Steps {
  readonly times: StepTime[] = [];

  constructor(private readonly print: (line: string) => void = console.log) {}

  async step<T>(name: string, work: (report: Report) => Promise<T>): Promise<T> {
    const began = Date.now();
    const elapsed = () => (Date.now() - began) / 1000;
    let latest = "";
    let saidStart = false;
    const heartbeat = setInterval(() => {
      saidStart = true;
      const detail = latest ? `: ${latest.slice(0, 100)}` : "";
      this.print(paint(2, `  … ${name}, ${elapsed().toFixed(0)} s${detail}`));
    }, heartbeatSeconds * 1000);
    try {
      const result = await work((line) => {
        latest = line.trim();
        if (!saidStart) {
          saidStart = true;
          this.print(paint(2, `  … ${name}: ${latest.slice(0, 100)}`));
        }
      });
      this.times.push({ name, seconds: Number(elapsed().toFixed(1)) });
      this.print(`${paint(32, "✓")} ${name} ${paint(2, `${elapsed().toFixed(1)} s`)}`);
      return result;
    } catch (error) {
      this.print(`${paint(31, "✗")} ${name} ${paint(2, `${elapsed().toFixed(1)} s`)}`);
      throw error;
    } finally {
      clearInterval(heartbeat);
    }
  }
}

/**
 * Waits for steps that run side by side. One failure is thrown as it is; several become one error, so that
 * none is hidden by the one that happened to come first. No step is left running behind a thrown error.
 */
export async function together<T extends readonly unknown[]>(
  steps: readonly [...{ [K in keyof T]: Promise<T[K]> }],
): Promise<T> {
  const results = await Promise.allSettled(steps);
  const errors = [
    ...new Set(results.flatMap((r) => (r.status === "rejected" ? [(r.reason as Error).message] : []))),
  ];
  if (errors.length > 0) throw new Error(errors.join("\n\n"));
  return results.map((r) => (r as PromiseFulfilledResult<unknown>).value) as unknown as T;
}
