import { type Logger, pino } from "pino";

export type Log = Logger;

/** JSON lines on stdout, written at once so that none is lost when the process ends. Level by LOG_LEVEL, default `info`. */
export function createLog(program: string): Log {
  return pino(
    {
      level: process.env.LOG_LEVEL ?? "info",
      base: { program, ...(process.env.POD_NAME ? { pod: process.env.POD_NAME } : {}) },
      formatters: { level: (label) => ({ level: label }) },
      timestamp: pino.stdTimeFunctions.isoTime,
    },
    pino.destination({ dest: 1, sync: true }),
  );
}

/** The message of anything thrown, without the stack and the request that libraries hang on their errors. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === "") return error.errors.map(messageOf).join("; ");
  return error instanceof Error ? error.message : String(error);
}
