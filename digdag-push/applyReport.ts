import type { ApplyResult } from "./apply";
import { printable } from "./errors";
import { counted } from "./plan";
import {
  type Context,
  cell,
  changeText,
  problemBullets,
  problemLines,
  type Report,
  successReport,
  table,
  timeText,
} from "./report";

/** The report of a deployment: of `apply` and of `rollback`. */
export function applyReport(result: ApplyResult, context: Context): Report {
  return successReport({
    json: resultJson(result, context),
    text: resultText(result, context),
    markdown: resultMarkdown(result, context),
    problems: result.warnings,
    outputs: {
      revision: result.revision,
      "previous-revision": result.previousRevision ?? "",
      "project-id": result.projectId,
      changed: String(result.verdict !== "unchanged"),
    },
  });
}

function resultJson(result: ApplyResult, { seconds }: Context): object {
  const zones = timezones(result);
  return {
    verdict: result.verdict,
    project: result.project,
    projectId: result.projectId,
    revision: result.revision,
    previousRevision: result.previousRevision,
    ...(result.restored !== undefined && { restored: result.restored }),
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
    warnings: result.warnings,
    notes: result.notes,
    seconds,
  };
}

function resultText(result: ApplyResult, context: Context): string {
  const lines = [
    headline(result, context),
    `  archive    ${archiveText(result)}, md5 ${result.archiveMd5}`,
    `  workflows  ${result.workflows.length} ${changeText(result.plan.workflows)}`,
    `  schedules  ${result.schedules.length} ${changeText(result.plan.schedules)}`,
    ...scheduleRows(result).map(([name, rule, next]) => `    ${name}  ${rule}  next run ${next}`),
    ...problemLines(result.warnings),
    ...result.notes.map((note) => `  note: ${printable(note)}`),
  ];
  return `${lines.map((line) => line.trimEnd()).join("\n")}\n`;
}

function resultMarkdown(result: ApplyResult, context: Context): string {
  const rows = scheduleRows(result).map((row) => row.map(cell));
  const before =
    result.previousRevision === null ? "none, the project is new" : `\`${cell(result.previousRevision)}\``;
  const facts = [
    ["project", `${cell(result.project)} (id ${cell(result.projectId)})`],
    ["revision", `\`${result.revision}\` (before: ${before})`],
    ["workflows", `${result.workflows.length} ${cell(changeText(result.plan.workflows))}`],
    ["archive", `${archiveText(result)}, md5 \`${result.archiveMd5}\``],
  ];
  const notes = result.notes.map((note) => `> [!NOTE]\n> ${cell(note)}\n`);
  return [
    `### ${cell(headline(result, context))}\n`,
    table(["", ""], facts),
    "",
    rows.length === 0 ? "No workflow has a schedule." : table(["schedule", "rule", "next run"], rows),
    "",
    ...(result.warnings.length === 0 ? [] : [...problemBullets(result.warnings), ""]),
    ...notes,
  ].join("\n");
}

function headline(result: ApplyResult, { endpoint, seconds }: Context): string {
  const from = printable(result.previousRevision ?? "new project");
  const what = {
    unchanged: `unchanged: Digdag already serves these bytes as revision ${printable(result.revision)}`,
    pushed: `pushed and verified: ${from} -> ${result.revision}`,
    restored: `rolled back and verified: ${from} -> ${result.revision}, the bytes of ${printable(result.restored ?? "")}`,
  }[result.verdict];
  return `${result.project} at ${endpoint} ${what} (${seconds} s)`;
}

function archiveText({ files, archiveBytes }: ApplyResult): string {
  return `${counted(files, "file")}, ${archiveBytes} bytes`;
}

function timezones(result: ApplyResult): Map<string, string> {
  return new Map(result.workflows.map((workflow) => [workflow.name, workflow.timezone]));
}

function scheduleRows(result: ApplyResult): [name: string, rule: string, next: string][] {
  const zones = timezones(result);
  return result.schedules.map((schedule) => {
    const { name } = schedule.workflow;
    const rule = result.workflows.find((workflow) => workflow.name === name)?.rule ?? "";
    const next =
      schedule.disabledAt === null
        ? timeText(schedule.nextRunTime, zones.get(name) ?? "UTC")
        : "none: disabled";
    return [printable(name, 80), rule, next];
  });
}
