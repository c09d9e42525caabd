import { type Problem, printable } from "./errors";
import { isWorkflowPath, type Project } from "./project";
import { readSchedule, type Schedule } from "./schedule";
import { checkTasks } from "./tasks";
import { type Config, type Loaded, loadYaml, type Place } from "./yaml";
import { isTimezone } from "./zonedTime";

/** A workflow as its file defines it. */
export interface Workflow {
  name: string;
  file: string;
  /** Digdag's default is UTC. */
  timezone: string;
  /** Absent when the workflow has none. */
  schedule?: Schedule;
  /** As Digdag stores it: includes merged, without `timezone`. */
  config: Config;
}

/** What is known beyond the files. */
export interface Knowledge {
  /** Operators of plugins, which Digdag's own list lacks. */
  operators: readonly string[];
}

/** The workflows of the project, by name, and everything that is wrong or odd about the workflow files. */
export function readWorkflows(
  project: Project,
  knowledge: Knowledge = { operators: [] },
): { workflows: Workflow[]; problems: Problem[] } {
  const files = new Map<string, string>();
  for (const entry of project.entries) {
    if (entry.kind === "file") files.set(entry.path, entry.content.toString("utf8"));
  }
  const links = project.entries.filter(({ kind }) => kind === "link").map((entry) => entry.path);
  const isUploaded = (file: string) =>
    files.has(file) || links.some((link) => file === link || file.startsWith(`${link}/`));
  const names = new Set([...files.keys()].filter(isWorkflowPath).map(workflowName));
  const problems: Problem[] = [];
  const workflows: Workflow[] = [];
  for (const file of files.keys()) {
    if (!file.endsWith(".dig")) continue;
    const loaded = loadYaml(file, files);
    problems.push(...loaded.problems);
    if (loaded.config === undefined) continue;
    const surroundings = { isUploaded, workflows: names, operators: knowledge.operators };
    problems.push(...checkTasks(file, loaded, loaded.config, surroundings));
    // Below the top level, .dig files are fragments for `call>` and `!include`: they need no name of their own.
    if (!isWorkflowPath(file)) continue;
    const described = describe(file, loaded, loaded.config);
    workflows.push(described.workflow);
    problems.push(...described.problems);
  }
  return { workflows, problems: distinct(problems) };
}

const workflowName = (file: string): string => file.slice(0, -".dig".length);

// Keys that Digdag reads from a workflow file (WorkflowFile.java); it refuses a file with others.
const TOP_LEVEL_KEYS = [
  ...["timezone", "schedule", "sla", "_export", "_error", "_check", "_retry", "_parallel", "_secrets"],
];

function describe(file: string, loaded: Loaded, whole: Config): { workflow: Workflow; problems: Problem[] } {
  const { timezone: zone, ...config } = whole;
  const place = (key: string, mapping = whole): Place | { file: string; line: number } =>
    loaded.placeOf(mapping, key) ?? { file, line: 1 };
  const problems: Problem[] = [];
  const name = workflowName(file);
  const fault = nameFault(name);
  if (fault !== undefined)
    problems.push({ file, line: 1, message: `the workflow's name ${fault}; rename the file` });
  const timezone = zone == null ? "UTC" : String(zone);
  for (const problem of timezoneFaults(timezone)) problems.push({ ...place("timezone"), ...problem });
  for (const key of Object.keys(whole)) {
    if (key.startsWith("+") || TOP_LEVEL_KEYS.includes(key)) continue;
    const message = `Digdag refuses the key ${printable(key, 80)} here; allowed are +TASK, ${TOP_LEVEL_KEYS.join(", ")}`;
    problems.push({ ...place(key), message, warning: true });
  }
  const workflow: Workflow = { name, file, timezone, config };
  if (config.schedule != null) {
    const { schedule, faults } = readSchedule(config.schedule);
    workflow.schedule = schedule;
    for (const { key, ...problem } of faults) {
      const inside = key === undefined ? undefined : loaded.placeOf(config.schedule as Config, key);
      problems.push({ ...(inside ?? place("schedule")), ...problem });
    }
  }
  return { workflow, problems };
}

function timezoneFaults(timezone: string): { message: string; warning?: boolean }[] {
  const said = printable(timezone, 80);
  if (!isTimezone(timezone))
    return [{ message: `timezone ${said} is unknown; allowed are names such as Asia/Tokyo, and UTC` }];
  // Java's TimeZone, which the scheduler uses, knows GMT+9 and +09:00, and takes this spelling for GMT.
  if (/^UTC?[+-]/.test(timezone)) {
    const message = `timezone ${said} counts as UTC for schedules; write ${said.replace(/^UTC?/, "GMT")} or the name of the zone`;
    return [{ message, warning: true }];
  }
  return [];
}

/** Digdag's rule for names of projects and workflows: what is wrong, or undefined. */
export function nameFault(name: string): string | undefined {
  if (name === "") return "is empty";
  if (name.length > 255) return `has ${name.length} characters; at most 255 are allowed`;
  if (/^[0-9]/.test(name)) return `(${printable(name, 80)}) starts with a digit, which Digdag refuses`;
  if (/^[+^@/\\:*?"<>|]/.test(name))
    return `(${printable(name, 80)}) starts with a symbol that Digdag refuses`;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  if (/[\u0000-\u001f\u007f]/.test(name)) return "holds a control character";
  return undefined;
}

/** Each once, though a file is included by many. */
function distinct(problems: readonly Problem[]): Problem[] {
  const seen = new Map(problems.map((problem) => [JSON.stringify(problem), problem]));
  return [...seen.values()];
}
