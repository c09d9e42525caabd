import { EXIT, EXIT_MEANING, printable } from "./errors";
import { counted } from "./plan";
import type { Preview, ScheduleView } from "./preview";
import {
  type Context,
  cell,
  changeText,
  failureReport,
  problemBullets,
  problemLines,
  type Report,
  timeText,
} from "./report";

/** The report of `plan`. Its exit code is the one that `apply` would end with. */
export function planReport(preview: Preview, context: Context): Report {
  const refusal = preview.refusal && failureReport(preview.refusal, context.seconds);
  return {
    exitCode: refusal?.exitCode ?? EXIT.ok,
    json: planJson(preview, context),
    text: planText(preview, context),
    errorText: refusal?.errorText ?? "",
    markdown: planMarkdown(preview, context),
    outputs: {
      changed: String(preview.changed),
      "previous-revision": preview.servedRevision ?? "",
      "project-id": preview.projectId ?? "",
    },
    problems: preview.warnings,
    failure: refusal?.failure,
  };
}

function planJson({ refusal, plan, diffs, ...preview }: Preview, { seconds }: Context): object {
  return {
    verdict: "planned",
    ...preview,
    workflows: { ...plan.workflows, changed: diffs },
    refusal: refusal
      ? {
          exitCode: refusal.exitCode,
          meaning: EXIT_MEANING[refusal.exitCode],
          message: refusal.message,
          advice: refusal.advice ?? null,
        }
      : null,
    seconds,
  };
}

function planText(preview: Preview, context: Context): string {
  const lines = [
    headline(preview, context),
    `  archive    ${archiveText(preview)}`,
    `  workflows  ${changeText(preview.plan.workflows) || "no change"}`,
    ...preview.diffs.flatMap(({ workflow, diff }) => [
      `    ${printable(workflow, 80)}`,
      ...diffLines(diff).map((line) => `      ${line}`),
    ]),
    `  schedules  ${changeText(preview.plan.schedules) || "no change"}`,
    ...scheduleLines(preview).map(([sign, text]) => `    ${sign} ${text}`),
    `  files      ${filesText(preview)}`,
    ...fileLines(preview).map(([sign, path]) => `    ${sign} ${printable(path)}`),
    ...problemLines(preview.warnings),
    ...preview.notes.map((note) => `  note: ${printable(note)}`),
  ];
  return `${lines.map((line) => line.trimEnd()).join("\n")}\n`;
}

function planMarkdown(preview: Preview, context: Context): string {
  const { refusal } = preview;
  const stop =
    refusal === undefined
      ? []
      : [
          `> [!CAUTION]\n> apply would refuse this with exit code ${refusal.exitCode}: ${cell(refusal.message)}. ${cell(refusal.advice ?? "")}\n`,
        ];
  const schedules = scheduleLines(preview);
  return [
    `### ${cell(headline(preview, context))}\n`,
    ...stop,
    `- workflows: ${cell(changeText(preview.plan.workflows)) || "no change"}`,
    `- schedules: ${cell(changeText(preview.plan.schedules)) || "no change"}`,
    `- files: ${cell(filesText(preview))}; archive: ${archiveText(preview)}\n`,
    ...(schedules.length === 0
      ? []
      : [
          block(
            "diff",
            schedules.map(([sign, text]) => `${sign === "~" ? "!" : sign} ${text}`),
          ),
        ]),
    ...preview.diffs
      .slice(0, MOST_DIFFS)
      .map(({ workflow, diff }) => details(`changes of ${workflow}`, block("diff", diffLines(diff)))),
    ...(preview.diffs.length > MOST_DIFFS
      ? [`${preview.diffs.length - MOST_DIFFS} more workflows change; the log shows them.\n`]
      : []),
    details(
      `all ${counted(preview.files.length, "file")} of the upload`,
      block(
        "",
        preview.files.map(
          ({ path, bytes }) => `${fileSign(preview, path)} ${printable(path)}  ${bytes} bytes`,
        ),
      ),
    ),
    ...(preview.warnings.length === 0 ? [] : [...problemBullets(preview.warnings), ""]),
    ...preview.notes.map((note) => `> [!NOTE]\n> ${cell(note)}\n`),
  ].join("\n");
}

function headline({ project, servedRevision, changed }: Preview, { endpoint, seconds }: Context): string {
  const where = `${project} at ${endpoint}`;
  if (!changed)
    return `${where}: nothing to do, these bytes are served as revision ${printable(servedRevision ?? "")} (${seconds} s)`;
  const from = servedRevision === null ? "a new project" : `instead of revision ${printable(servedRevision)}`;
  return `${where}: plan of a push, ${from} (${seconds} s)`;
}

function archiveText({ files, archiveBytes, unpackedBytes, limitBytes }: Preview): string {
  const share = Math.ceil((100 * Math.max(archiveBytes, unpackedBytes)) / limitBytes);
  return `${counted(files.length, "file")}, ${archiveBytes} bytes packed, ${unpackedBytes} unpacked: ${share} % of Digdag's limit of ${limitBytes}`;
}

/** `+`, `~`, `-` and what it is. */
function scheduleLines({ schedules }: Preview): [sign: string, text: string][] {
  return [
    ...schedules.added.map((view): [string, string] => ["+", viewText(view)]),
    ...schedules.changed.map(({ before, after }): [string, string] => [
      "~",
      `${viewText(after)}; before: ${before.rule} ${before.timezone}`,
    ]),
    ...schedules.removed.map((view): [string, string] => ["-", viewText(view)]),
  ];
}

function viewText({ workflow, rule, timezone, nextRunTime, disabledAt }: ScheduleView): string {
  const next = disabledAt === null ? `next run ${timeText(nextRunTime, timezone)}` : "disabled";
  return printable(`${workflow}  ${rule}  ${next}`, 300);
}

function filesText({ fileChanges, changed }: Preview): string {
  if (!changed) return "no change";
  if (fileChanges === null) return "not compared";
  const parts = (["added", "changed", "removed"] as const)
    .filter((kind) => fileChanges[kind].length > 0)
    .map((kind) => `${fileChanges[kind].length} ${kind}`);
  return parts.length === 0 ? "the same files, packed by another program" : parts.join(", ");
}

const MOST_LINES = 200;
/** GitHub takes no summary above 1 MiB. */
const MOST_DIFFS = 30;

function fileLines({ fileChanges }: Preview): [sign: string, path: string][] {
  const all = [
    ...(fileChanges?.added ?? []).map((path): [string, string] => ["+", path]),
    ...(fileChanges?.changed ?? []).map((path): [string, string] => ["~", path]),
    ...(fileChanges?.removed ?? []).map((path): [string, string] => ["-", path]),
  ];
  return all.length <= MOST_LINES
    ? all
    : [...all.slice(0, MOST_LINES), ["…", `${all.length - MOST_LINES} more`]];
}

function fileSign({ fileChanges }: Preview, path: string): string {
  if (fileChanges?.added.includes(path)) return "+";
  return fileChanges?.changed.includes(path) ? "~" : " ";
}

function diffLines(diff: string): string[] {
  const lines = diff.split("\n").map((line) => `${line.slice(0, 1)}${safe(line.slice(1))}`);
  return lines.length <= MOST_LINES
    ? lines
    : [...lines.slice(0, MOST_LINES), `… ${lines.length - MOST_LINES} more lines`];
}

/** One line of a definition; its indentation stays. */
function safe(line: string): string {
  const indent = /^ */.exec(line)?.[0] ?? "";
  return indent + printable(line, 300);
}

/** A code block that no line inside can end. */
function block(language: string, lines: readonly string[]): string {
  const shown = lines.length <= 5 * MOST_LINES ? lines : [...lines.slice(0, 5 * MOST_LINES), "…"];
  return `\`\`\`\`${language}\n${shown.map((line) => line.replaceAll("````", "'''' ")).join("\n")}\n\`\`\`\`\n`;
}

function details(summary: string, body: string): string {
  return `<details><summary>${cell(summary)}</summary>\n\n${body}\n</details>\n`;
}
