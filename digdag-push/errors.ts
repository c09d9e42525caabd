/** The exit codes of `digdag-push`, stable for scripts; `--help` and the README list them. */
export const EXIT = {
  ok: 0,
  failed: 1,
  refused: 2,
  unreachable: 3,
  brake: 4,
  superseded: 5,
  backward: 6,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** What each exit code says about the server. */
export const EXIT_MEANING: Readonly<Record<ExitCode, string>> = {
  0: "Digdag serves this project: pushed and verified, or the same bytes were served already",
  1: "Digdag refused the push, or what it serves afterwards could not be verified",
  2: "wrong usage or a project that must not be pushed; nothing was sent",
  3: "Digdag could not be reached, or did not answer as Digdag does; nothing was changed",
  4: "a schedule would vanish, or was taken away by a push that came in between",
  5: "another revision is the one served; this one is known to Digdag but not current",
  6: "the served commit is not part of the one to push; nothing was sent",
};

/** A fault in one file of the project, or in the whole project when there is no file. */
export interface Problem {
  /** Path inside the project, with `/`. */
  file?: string;
  /** From 1. */
  line?: number;
  /** From 1. */
  column?: number;
  message: string;
  /** Worth knowing, and no reason to stop; default is an error. */
  warning?: boolean;
}

/** Ends the command: what happened, which exit code says so, and what to do about it. */
export class PushError extends Error {
  /** What to do; absent when the message says it. */
  readonly advice?: string;
  /** Faults by file, for annotations. */
  readonly problems: readonly Problem[];

  constructor(
    readonly exitCode: ExitCode,
    message: string,
    details: { advice?: string; problems?: readonly Problem[]; cause?: unknown } = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.advice = details.advice;
    this.problems = details.problems ?? [];
  }
}

/**
 * Text from elsewhere (a server, a file name) made fit for a log: one line, no control characters, so that it can
 * neither break the layout nor start a GitHub workflow command.
 *
 * @param limit longest result, in characters
 */
export function printable(text: string, limit = 300): string {
  const oneLine = text
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed
    .replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, " ")
    .trim();
  return oneLine.length > limit ? `${oneLine.slice(0, limit)}…` : oneLine;
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
