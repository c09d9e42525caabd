import type { Checked } from "./check";
import { printable } from "./errors";
import { ARCHIVE_LIMIT } from "./limits";
import { counted } from "./plan";
import { cell, problemBullets, problemLines, type Report, successReport, timeText } from "./report";
import { firstRun } from "./schedule";
import type { Workflow } from "./workflows";
import { isoInstant } from "./zonedTime";

/** The report of `check`. */
export function checkReport(checked: Checked, directory: string, now: number, seconds: number): Report {
  const { project, workflows, archive, warnings, notes } = checked;
  const schedules = workflows.flatMap((workflow) => scheduleView(workflow, now));
  const headline = `${printable(directory)} can be pushed: ${counted(workflows.length, "workflow")}, ${counted(schedules.length, "schedule")}, ${counted(warnings.length, "warning")}`;
  const size = `${counted(project.entries.length, "file")}, ${archive.bytes.length} bytes packed, ${project.unpackedBytes} unpacked; Digdag takes ${ARCHIVE_LIMIT}`;
  const rows = schedules.map(
    ({ workflow, rule, timezone, firstRunTime }) =>
      `${printable(workflow, 80)}  ${rule}  first run ${timeText(firstRunTime, timezone)}`,
  );
  return successReport({
    json: {
      verdict: "checked",
      workflows: workflows.map(({ name }) => name),
      schedules,
      archiveMd5: archive.md5,
      archiveBytes: archive.bytes.length,
      unpackedBytes: project.unpackedBytes,
      limitBytes: ARCHIVE_LIMIT,
      files: project.entries.map(({ path }) => path),
      warnings,
      notes,
      seconds,
    },
    text: `${[
      headline,
      `  archive    ${size}, md5 ${archive.md5}`,
      ...rows.map((row) => `    ${row}`),
      ...problemLines(warnings),
      ...notes.map((note) => `  note: ${printable(note)}`),
    ].join("\n")}\n`,
    markdown: [
      `### ${cell(headline)}\n`,
      ...rows.map((row) => `- ${cell(row)}`),
      ...problemBullets(warnings),
      `\n${cell(size)}\n`,
      ...notes.map((note) => `${cell(note)}\n`),
    ].join("\n"),
    problems: warnings,
  });
}

function scheduleView({ name, timezone, schedule }: Workflow, now: number) {
  if (schedule === undefined) return [];
  const next = firstRun(schedule, timezone, now);
  const firstRunTime = next === undefined ? null : isoInstant(next.run);
  return [{ workflow: name, rule: schedule.text, timezone, firstRunTime }];
}
