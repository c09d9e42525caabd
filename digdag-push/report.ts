import * as path from "node:path";
import { NetworkError } from "./advice";
import type { ApplyResult } from "./apply";
import { EXIT_MEANING, type Problem, type PushError, printable } from "./errors";
import { type Change, counted } from "./plan";

/** Where a run took place, for people. */
export interface Context {
  endpoint: string;
  seconds: number;
}

/** What `--json` prints. */
export function resultJson(result: ApplyResult, context: Context): object {
  const zones = timezones(result);
  return {
    verdict: result.verdict,
    project: result.project,
    projectId: result.projectId,
    revision: result.revision,
    previousRevision: result.previousRevision,
    archiveMd5: result.archiveMd5,
    workflows: result.workflows.map(({ name }) => name),
    schedules: result.schedules.map((schedule) => ({
      workflow: schedule.workflow.name,
      id: schedule.id,
      nextRunTime: schedule.nextRunTime,
      nextScheduleTime: schedule.nextScheduleTime,
      timezone: zones.get(schedule.workflow.name) ?? "UTC",
      disabledAt: schedule.disabledAt,
    })),
    plan: result.plan,
    notes: result.notes,
    seconds: context.seconds,
  };
}

/** What `--json` prints when the command fails. */
export function failureJson(error: PushError, seconds: number): object {
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

/** The result for a log. */
export function resultText(result: ApplyResult, context: Context): string {
  const lines = [
    headline(result, context),
    `  archive    ${counted(result.files, "file")}, ${result.archiveBytes} bytes, md5 ${result.archiveMd5}`,
    `  workflows  ${result.workflows.length} ${changeText(result.plan.workflows)}`,
    `  schedules  ${result.schedules.length} ${changeText(result.plan.schedules)}`,
    ...scheduleRows(result).map(([name, rule, next]) => `    ${name}  ${rule}  next run ${next}`),
    ...result.notes.map((note) => `  note: ${printable(note)}`),
  ];
  return `${lines.map((line) => line.trimEnd()).join("\n")}\n`;
}

/** The failure for a log. */
export function failureText(error: PushError): string {
  const problems = error.problems.map(
    (problem) => `  ${problemPlace(problem)}${printable(problem.message, 400)}`,
  );
  const advice = error.advice === undefined ? [] : [`  ${error.advice}`];
  return `${[`digdag-push: ${error.message}`, ...problems, ...advice].join("\n")}\n`;
}

/** The result as Markdown, for GitHub's job summary. */
export function resultSummary(result: ApplyResult, context: Context): string {
  const rows = scheduleRows(result).map((row) => `| ${row.map(cell).join(" | ")} |`);
  const notes = result.notes.map((note) => `> [!NOTE]\n> ${cell(note)}\n`);
  return [
    `### ${cell(headline(result, context))}\n`,
    "| | |\n| --- | --- |",
    `| project | ${cell(result.project)} (id ${cell(result.projectId)}) |`,
    `| revision | \`${result.revision}\` (before: ${result.previousRevision === null ? "none, the project is new" : `\`${cell(result.previousRevision)}\``}) |`,
    `| workflows | ${result.workflows.length} ${cell(changeText(result.plan.workflows))} |`,
    `| archive | ${counted(result.files, "file")}, ${result.archiveBytes} bytes, md5 \`${result.archiveMd5}\` |`,
    "",
    ...(rows.length === 0
      ? ["No workflow has a schedule.\n"]
      : ["| schedule | rule | next run |\n| --- | --- | --- |", ...rows, ""]),
    ...notes,
  ].join("\n");
}

/** The failure as Markdown, for GitHub's job summary. */
export function failureSummary(error: PushError): string {
  const problems = error.problems.map((problem) => `- ${cell(problemPlace(problem) + problem.message)}`);
  return [
    `### digdag-push failed: ${cell(error.message)}\n`,
    ...(problems.length === 0 ? [] : [...problems, ""]),
    ...(error.advice === undefined ? [] : [`${cell(error.advice)}\n`]),
    `Exit code ${error.exitCode}: ${EXIT_MEANING[error.exitCode]}.\n`,
  ].join("\n");
}

/** Lines for GITHUB_OUTPUT. */
export function githubOutputs(result: ApplyResult): string {
  const outputs = {
    revision: result.revision,
    "previous-revision": result.previousRevision ?? "",
    "project-id": result.projectId,
    changed: String(result.verdict === "pushed"),
  };
  return Object.entries(outputs)
    .map(([name, value]) => `${name}=${printable(value)}\n`)
    .join("");
}

/**
 * GitHub workflow commands that mark the faulty lines in a pull request.
 *
 * @param directory the project, and `workspace` the repository's root: annotations name files from there
 */
export function annotations(error: PushError, directory: string, workspace: string): string {
  const marks = error.problems
    .filter((problem) => problem.file !== undefined)
    .map((problem) => {
      const file = path.relative(workspace, path.resolve(directory, problem.file ?? ""));
      const place = [
        `file=${property(file)}`,
        problem.line && `line=${problem.line}`,
        problem.column && `col=${problem.column}`,
      ];
      return `::error ${place.filter(Boolean).join(",")}::${data(problem.message)}`;
    });
  return `${[...marks, `::error title=digdag-push::${data([error.message, error.advice].filter(Boolean).join(". "))}`].join("\n")}\n`;
}

function headline(result: ApplyResult, { endpoint, seconds }: Context): string {
  const what =
    result.verdict === "unchanged"
      ? `unchanged: Digdag already serves these bytes as revision ${printable(result.revision)}`
      : `pushed and verified: ${printable(result.previousRevision ?? "new project")} -> ${result.revision}`;
  return `${result.project} at ${endpoint} ${what} (${seconds} s)`;
}

function changeText({ added, removed }: Change): string {
  const list = (names: string[]) => names.map((name) => printable(name, 80)).join(", ");
  const parts = [
    added.length > 0 && `added: ${list(added)}`,
    removed.length > 0 && `removed: ${list(removed)}`,
  ].filter(Boolean);
  return parts.length === 0 ? "" : `(${parts.join("; ")})`;
}

function timezones(result: ApplyResult): Map<string, string> {
  return new Map(result.workflows.map((workflow) => [workflow.name, workflow.timezone]));
}

function scheduleRows(result: ApplyResult): [name: string, rule: string, next: string][] {
  const zones = timezones(result);
  return result.schedules.map((schedule) => {
    const { name } = schedule.workflow;
    const rule = result.workflows.find((workflow) => workflow.name === name)?.schedule ?? "";
    const next =
      schedule.disabledAt === null
        ? localTime(schedule.nextRunTime, zones.get(name) ?? "UTC")
        : "none: disabled";
    return [printable(name, 80), rule, next];
  });
}

/** `2026-12-01 07:00 Asia/Tokyo`; the instant itself where the zone is not one this machine knows. */
function localTime(instant: string, zone: string): string {
  try {
    const time = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short", timeStyle: "short" });
    return `${time.format(new Date(instant))} ${zone}`;
  } catch {
    return printable(instant);
  }
}

function problemPlace({ file, line, column }: Problem): string {
  if (file === undefined) return "";
  return `${printable(file)}${line === undefined ? "" : `:${line}`}${column === undefined ? "" : `:${column}`}: `;
}

/** Text inside Markdown: no table cell, HTML or formatting of its own. */
function cell(text: string): string {
  return printable(text, 500).replace(/[\\|<>[\]*_`]/g, "\\$&");
}

const data = (text: string): string => printable(text, 1000).replaceAll("%", "%25");
const property = (text: string): string => data(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
