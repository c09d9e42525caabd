import * as path from "node:path";
import {
  type Document,
  isMap,
  isScalar,
  LineCounter,
  type Pair,
  parseDocument,
  type ScalarTag,
  type YAMLMap,
} from "yaml";
import { EXIT, type Problem, PushError, printable } from "./errors";
import { isWorkflowPath, type Project } from "./project";

/** A workflow as its file defines it. */
export interface Workflow {
  name: string;
  /** Digdag's default is UTC. */
  timezone: string;
  /** For people, such as `daily>: 07:00:00`; absent when the workflow has no schedule. */
  schedule?: string;
}

/**
 * The workflows of the project, by name.
 *
 * @throws PushError (exit code 2) with every YAML error, duplicate key, bad name and bad timezone, by file and line.
 */
export function readWorkflows(project: Project): Workflow[] {
  const files = new Map<string, string>();
  for (const entry of project.entries) {
    if (entry.kind === "file") files.set(entry.path, entry.content.toString("utf8"));
  }
  const problems: Problem[] = [];
  const workflows: Workflow[] = [];
  for (const [file, text] of files) {
    if (!file.endsWith(".dig")) continue;
    const source = parse(file, text);
    problems.push(...source.problems);
    // Below the top level, .dig files are fragments for `call>` and `!include`: they need no name of their own.
    if (source.map === undefined || !isWorkflowPath(file)) continue;
    const workflow = describe(file, source.map, files);
    workflows.push(workflow);
    problems.push(...checkWorkflow(file, workflow, source));
  }
  if (problems.length > 0) {
    const noun = problems.length === 1 ? "one error" : `${problems.length} errors`;
    throw new PushError(EXIT.refused, `the workflow files have ${noun}`, { problems });
  }
  return workflows;
}

interface Source {
  map?: YAMLMap;
  lines: LineCounter;
  problems: Problem[];
}

/** Digdag's own tag; its mappings may hold it several times, as the key of a file to merge. */
const INCLUDE = "!include";
const includeTag: ScalarTag = { tag: INCLUDE, resolve: (text) => text };

function parse(file: string, text: string): Source {
  const lines = new LineCounter();
  const document: Document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    merge: true,
    customTags: (tags) => [...tags, includeTag],
    uniqueKeys: (a, b) =>
      isScalar(a) && isScalar(b) && a.tag !== INCLUDE && b.tag !== INCLUDE && a.value === b.value,
  });
  const problems: Problem[] = document.errors.map((error) => ({
    file,
    ...position(lines, error.pos[0]),
    message:
      error.code === "DUPLICATE_KEY" ? `the key ${keyAt(text, error.pos[0])} appears twice` : error.message,
  }));
  const map = isMap(document.contents) ? document.contents : undefined;
  if (map === undefined && problems.length === 0) {
    problems.push({ file, line: 1, message: "is not a mapping; a workflow file needs keys such as +task:" });
  }
  return { map, lines, problems };
}

function position(lines: LineCounter, offset: number): { line: number; column: number } {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}

function keyAt(text: string, offset: number): string {
  return printable(/^[^\s:]*(?=\s*:)|^[^\n:]*/.exec(text.slice(offset))?.[0] ?? "", 80);
}

function describe(file: string, map: YAMLMap, files: ReadonlyMap<string, string>): Workflow {
  const timezone = lookUp(map, "timezone", file, files, new Set([file]));
  return {
    name: file.slice(0, -".dig".length),
    timezone: isScalar(timezone) ? String(timezone.value) : "UTC",
    schedule: scheduleText(lookUp(map, "schedule", file, files, new Set([file]))),
  };
}

/** The value of a top-level key, also where it comes from a file that the mapping includes. */
function lookUp(
  map: YAMLMap,
  key: string,
  file: string,
  files: ReadonlyMap<string, string>,
  seen: Set<string>,
): unknown {
  const own = map.get(key, true);
  if (own !== undefined) return own;
  for (const pair of map.items as Pair[]) {
    if (!isScalar(pair.key) || pair.key.tag !== INCLUDE || !isScalar(pair.value)) continue;
    const included = path.posix.join(path.posix.dirname(file), String(pair.value.value));
    const text = files.get(included);
    if (text === undefined || seen.has(included)) continue;
    const source = parse(included, text);
    const found = source.map && lookUp(source.map, key, included, files, new Set([...seen, included]));
    if (found !== undefined) return found;
  }
  return undefined;
}

function scheduleText(node: unknown): string | undefined {
  if (!isMap(node)) return undefined;
  for (const pair of node.items as Pair[]) {
    const key = isScalar(pair.key) ? String(pair.key.value) : "";
    if (!key.endsWith(">")) continue;
    const value = isScalar(pair.value) ? (pair.value.source ?? String(pair.value.value)) : "";
    return printable(`${key}: ${value}`, 80);
  }
  return "schedule";
}

function checkWorkflow(file: string, workflow: Workflow, source: Source): Problem[] {
  const problems: Problem[] = [];
  const fault = nameFault(workflow.name);
  if (fault !== undefined)
    problems.push({ file, line: 1, message: `the workflow's name ${fault}; rename the file` });
  if (!isTimezone(workflow.timezone)) {
    const node = source.map?.get("timezone", true);
    const at = isScalar(node) && node.range ? position(source.lines, node.range[0]) : { line: 1 };
    problems.push({
      file,
      ...at,
      message: `timezone ${printable(workflow.timezone, 80)} is unknown; allowed are names such as Asia/Tokyo, and UTC`,
    });
  }
  return problems;
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

// Asking costs about a millisecond, and a project's workflows mostly share one zone.
const knownTimezones = new Set(["UTC"]);

/** Whether Java's ZoneId, which Digdag uses, knows the zone: an IANA name, or an offset such as +09:00 or UTC+9. */
export function isTimezone(zone: string): boolean {
  if (knownTimezones.has(zone) || zone === "Z" || /^(UTC|GMT|UT)?[+-]\d{1,2}(:\d{2}){0,2}$/.test(zone))
    return true;
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    knownTimezones.add(zone);
    return true;
  } catch {
    return false;
  }
}
