import * as path from "node:path";
import { EXIT, EXIT_MEANING, printable } from "./errors";
import { counted } from "./plan";
import { cell, type Report, table } from "./report";

/** A project and what came of it. */
export interface Part {
  project: string;
  directory: string;
  report: Report;
}

/** Does the work for each item, at most `limit` at a time; results in the order of the items. */
export async function inParallel<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const queue = items.entries();
  const lane = async () => {
    for (const [index, item] of queue) results[index] = await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, lane));
  return results;
}

/**
 * One report of several projects. Its exit code is that of the first one that failed.
 *
 * @param skipped projects that did not change
 */
export function manyReport(
  parts: readonly Part[],
  skipped: readonly string[],
  notes: readonly string[],
  seconds: number,
): Report {
  const failed = parts.filter(({ report }) => report.exitCode !== EXIT.ok);
  const exitCode = failed[0]?.report.exitCode ?? EXIT.ok;
  const headline = `${counted(parts.length, "project")}: ${parts.length - failed.length} well, ${failed.length} failed, ${skipped.length} unchanged since (${seconds} s)`;
  const verdict = ({ report }: Part) => (report.json as { verdict?: string }).verdict ?? "";
  const changed = parts.some(({ report }) => report.outputs.changed === "true");
  const results = parts.map((part) => ({
    project: part.project,
    verdict: verdict(part),
    exitCode: part.report.exitCode,
    revision: part.report.outputs.revision ?? null,
  }));
  const rows = [
    ...parts.map((part) => [cell(part.project), verdict(part), cell(EXIT_MEANING[part.report.exitCode])]),
    ...skipped.map((project) => [cell(project), "skipped", "no change since the given commit"]),
  ];
  return {
    exitCode,
    json: {
      verdict: exitCode === EXIT.ok ? "done" : "failed",
      exitCode,
      projects: parts.map(({ project, report }) => ({ project, ...report.json })),
      skipped,
      notes,
      seconds,
    },
    text: [
      ...parts.map(({ report }) => report.text),
      `${headline}\n`,
      ...notes.map((note) => `  note: ${printable(note)}\n`),
    ]
      .filter((text) => text !== "")
      .join("\n"),
    errorText: parts
      .map(({ project, report }) => (report.errorText === "" ? "" : `${project}: ${report.errorText}`))
      .join(""),
    markdown: [
      `## ${cell(headline)}\n`,
      table(["project", "verdict", "meaning"], rows),
      "",
      ...notes.map((note) => `> [!NOTE]\n> ${cell(note)}\n`),
      ...parts.map(({ report }) => report.markdown),
    ].join("\n"),
    outputs: { changed: String(changed), projects: JSON.stringify(results) },
    problems: parts.flatMap(({ directory, report }) =>
      report.problems.map((problem) =>
        problem.file === undefined ? problem : { ...problem, file: path.join(directory, problem.file) },
      ),
    ),
    ...(failed.length > 0 && {
      failure: failed.map(({ project, report }) => `${project}: ${report.failure ?? ""}`).join(" | "),
    }),
  };
}
