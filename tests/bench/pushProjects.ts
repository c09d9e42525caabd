import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const pad = (index: number) => String(index).padStart(3, "0");

const workflow = (index: number) => `timezone: Asia/Tokyo

schedule:
  daily>: ${pad(index % 24).slice(1)}:${pad((index * 7) % 60).slice(1)}:00

_export:
  td:
    database: warehouse
  table: events_${pad(index)}

+load:
  td_load>: load/source.yml
  table: \${table}

+report:
  _parallel: true
  +by_day:
    td>: queries/${pad(index)}.sql
    create_table: report_\${table}_by_day
  +by_user:
    if>: \${session_local_time.endsWith('00:00')}
    _do:
      td>: queries/${pad(index)}.sql
      insert_into: report_\${table}_by_user

_error:
  mail>: {data: 'Workflow \${task_name} failed'}
  subject: Failed
  to: [data@example.com]
`;

const query = (index: number) =>
  `SELECT\n${Array.from({ length: 12 }, (_, column) => `  column_${column * index},`).join("\n")}\n  COUNT(*)\nFROM events_${pad(index)}\nGROUP BY 1\n`;

/** Makes a project of that many workflows, each with a schedule, about a kilobyte and a query of its own. */
export function makeProject(directory: string, workflows: number): void {
  mkdirSync(join(directory, "queries"), { recursive: true });
  mkdirSync(join(directory, "load"), { recursive: true });
  writeFileSync(
    join(directory, "load", "source.yml"),
    "in: {type: s3, bucket: example}\nout: {mode: append}\n",
  );
  for (let index = 0; index < workflows; index += 1) {
    writeFileSync(join(directory, `workflow_${pad(index)}.dig`), workflow(index));
    writeFileSync(join(directory, "queries", `${pad(index)}.sql`), query(index));
  }
}

/** Changes one workflow of it, as a commit does. */
export function changeProject(directory: string, change: number): void {
  writeFileSync(join(directory, "workflow_000.dig"), `${workflow(0)}\n# change ${change}\n`);
}
