import * as path from "node:path";
import { NetworkError } from "./advice";
import { EXIT, EXIT_MEANING, type ExitCode, type Problem, type PushError, printable } from "./errors";
import type { Change } from "./plan";
import { localText } from "./zonedTime";

/** Where a run took place, for people. */
export interface Context {
  /** Absent when no server was asked. */
  endpoint?: string;
  seconds: number;
}

/** What a command has to say, in every form. */
export interface Report {
  exitCode: ExitCode;
  /** For `--json`. */
  json: object;
  /** For a log. */
  text: string;
  /** For a log, of what went wrong. */
  errorText: string;
  /** Markdown, for GitHub's job summary and comments. */
  markdown: string;
  /** For GITHUB_OUTPUT. */
  outputs: Record<string, string>;
  /** Faults by file, and the sentence that sums them up. */
  problems: readonly Problem[];
  failure?: string;
}

/** The report of a command that failed. */
export function failureReport(error: PushError, seconds: number): Report {
  return {
    exitCode: error.exitCode,
    json: failureJson(error, seconds),
    text: "",
    errorText: failureText(error),
    markdown: failureMarkdown(error),
    outputs: {},
    problems: error.problems,
    failure: failureSentence(error),
  };
}

/** The parts of a report that a success has, too. */
export function successReport(parts: Pick<Report, "json" | "text" | "markdown"> & Partial<Report>): Report {
  return { exitCode: EXIT.ok, errorText: "", outputs: {}, problems: [], ...parts };
}

const failureSentence = (error: PushError) => [error.message, error.advice].filter(Boolean).join(". ");

function failureJson(error: PushError, seconds: number): object {
  const network = error instanceof NetworkError ? error : undefined;
  return {
    verdict: "failed",
    exitCode: error.exitCode,
    meaning: EXIT_MEANING[error.exitCode],
    message: error.message,
    advice: error.advice ?? null,
    problems: error.problems,
    ...(network && {
      layer: network.failure.layer,
      endpoint: network.endpoint.origin,
      egressAddress: "address" in network.egress ? network.egress.address : null,
    }),
    seconds,
  };
}

/** The failure for a log. */
export function failureText(error: PushError): string {
  const problems = problemLines(error.problems);
  const advice = error.advice === undefined ? [] : [`  ${error.advice}`];
  return `${[`digdag-push: ${error.message}`, ...problems, ...advice].join("\n")}\n`;
}

export function failureMarkdown(error: PushError): string {
  const problems = problemBullets(error.problems);
  return [
    `### digdag-push failed: ${cell(error.message)}\n`,
    ...(problems.length === 0 ? [] : [...problems, ""]),
    ...(error.advice === undefined ? [] : [`${cell(error.advice)}\n`]),
    `Exit code ${error.exitCode}: ${EXIT_MEANING[error.exitCode]}.\n`,
  ].join("\n");
}

/** Problems for a log, a line each. */
export function problemLines(problems: readonly Problem[]): string[] {
  return problems.map(
    (problem) =>
      `  ${problem.warning ? "warning: " : ""}${problemPlace(problem)}${printable(problem.message, 400)}`,
  );
}

/** Problems as items of a Markdown list. */
export function problemBullets(problems: readonly Problem[]): string[] {
  return problems.map(
    (problem) => `- ${problem.warning ? "warning: " : ""}${cell(problemPlace(problem) + problem.message)}`,
  );
}

/**
 * GitHub workflow commands that mark the faulty lines in a pull request.
 *
 * @param directory the project, and `workspace` the repository's root: annotations name files from there
 */
export function annotations({ problems, failure }: Report, directory: string, workspace: string): string {
  const marks = problems
    .filter((problem) => problem.file !== undefined)
    .map((problem) => {
      const file = path.relative(workspace, path.resolve(directory, problem.file ?? ""));
      const place = [
        `file=${property(file)}`,
        problem.line && `line=${problem.line}`,
        problem.column && `col=${problem.column}`,
      ];
      return `::${problem.warning ? "warning" : "error"} ${place.filter(Boolean).join(",")}::${data(problem.message)}\n`;
    });
  const whole = failure === undefined ? [] : [`::error title=digdag-push::${data(failure)}\n`];
  return [...marks, ...whole].join("");
}

/** Lines for GITHUB_OUTPUT. */
export function githubOutputs(outputs: Report["outputs"]): string {
  return Object.entries(outputs)
    .map(([name, value]) => `${name}=${printable(value, 100_000)}\n`)
    .join("");
}

/** `(added: a; changed: b; removed: c)`, or nothing. */
export function changeText({ added, changed, removed }: Change): string {
  const list = (names: string[]) => names.map((name) => printable(name, 80)).join(", ");
  const parts = [
    added.length > 0 && `added: ${list(added)}`,
    changed.length > 0 && `changed: ${list(changed)}`,
    removed.length > 0 && `removed: ${list(removed)}`,
  ].filter(Boolean);
  return parts.length === 0 ? "" : `(${parts.join("; ")})`;
}

/** `2026-12-01 07:00 Asia/Tokyo` for an ISO instant. */
export function timeText(instant: string | null, zone: string): string {
  const time = Date.parse(instant ?? "");
  return Number.isNaN(time) ? "not known" : localText(time, zone);
}

/** A Markdown table. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

function problemPlace({ file, line, column }: Problem): string {
  if (file === undefined) return "";
  return `${printable(file)}${line === undefined ? "" : `:${line}`}${column === undefined ? "" : `:${column}`}: `;
}

/** Text inside Markdown: no table cell, HTML or formatting of its own. */
export function cell(text: string): string {
  return printable(text, 500).replace(/[\\|<>[\]*_`]/g, "\\$&");
}

const data = (text: string): string => printable(text, 1000).replaceAll("%", "%25");
const property = (text: string): string => data(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
