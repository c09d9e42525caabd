import * as path from "node:path";
import { type Problem, printable } from "./errors";
import { nearest, OPERATORS } from "./operators";
import { type Config, isConfig, type Loaded } from "./yaml";

/** What a task may refer to. */
export interface Surroundings {
  /** Whether a path is part of the upload, be it behind a link. */
  isUploaded(file: string): boolean;
  /** Names of the project's workflows. */
  workflows: ReadonlySet<string>;
  /** Operators of plugins. */
  operators: readonly string[];
}

// Mappings with tasks in them that are not tasks of their own name.
const CONTAINERS = ["_do", "_else_do", "_error", "_check", "sla"];

// What a task without an operator may have (WorkflowCompiler.java); with another key no session starts.
const GROUP_KEYS = [
  ...["_parallel", "_background", "_after", "_error", "_check", "_retry", "_export", "_secrets"],
  ...["timezone", "schedule", "sla", "_disable"],
];

/** Checks every task of a file: known operators, and the files and workflows they name. */
export function checkTasks(file: string, loaded: Loaded, config: Config, around: Surroundings): Problem[] {
  const check = new TaskCheck(file, loaded, around, JSON.stringify(config));
  check.visit(config);
  return check.problems;
}

class TaskCheck {
  readonly problems: Problem[] = [];
  private readonly hasPlugins: boolean;
  private readonly movesFolder: boolean;

  constructor(
    private readonly file: string,
    private readonly loaded: Loaded,
    private readonly around: Surroundings,
    text: string,
  ) {
    this.hasPlugins = text.includes('"plugin":');
    this.movesFolder = text.includes('"_workdir":');
  }

  /** @param kind only of tasks it is known which keys they may have */
  visit(task: Config, kind: "task" | "whole file" = "whole file"): void {
    if (task._disable === true) return;
    const keys = Object.keys(task);
    const operators = keys.filter((key) => key.endsWith(">"));
    const [operator, second] = operators;
    const [subtask] = keys.filter((key) => key.startsWith("+"));
    for (const key of operators) this.operator(task, key);
    if (operator !== undefined && subtask !== undefined) {
      const message = `is a task inside a task with ${printable(operator, 40)}; Digdag allows one or the other`;
      this.problem(task, subtask, message);
    }
    if (operator !== undefined && second !== undefined)
      this.problem(task, second, `is a second operator of the same task, after ${printable(operator, 40)}`);
    if (kind === "task" && operator === undefined && task._type === undefined) this.groupKeys(task);
    for (const key of keys) {
      const value = task[key];
      if (!isConfig(value)) continue;
      if (key === "sla") this.visit(value);
      else if (key.startsWith("+") || CONTAINERS.includes(key)) this.visit(value, "task");
    }
  }

  private groupKeys(task: Config): void {
    for (const key of Object.keys(task)) {
      if (key.startsWith("+") || GROUP_KEYS.includes(key)) continue;
      const operator = OPERATORS.has(key) || this.around.operators.includes(key) ? `${key}>` : undefined;
      const meant = operator ?? nearest(key, GROUP_KEYS);
      const hint = meant === undefined ? "is an operator with > missing?" : `${meant} is meant?`;
      const message = `${printable(key, 60)} is no key of a task without an operator: ${hint}`;
      this.problem(task, key, message, operator === undefined && key.startsWith("_"));
    }
  }

  private operator(task: Config, key: string): void {
    const name = key.slice(0, -1);
    const value = task[key] ?? null;
    if (!OPERATORS.has(name) && !this.around.operators.includes(name)) {
      const meant = nearest(name, [...OPERATORS, ...this.around.operators]);
      const hint = meant === undefined ? "" : `: ${meant}> is meant?`;
      const message = `${printable(key, 60)} is no operator of Digdag${hint} (an operator of a plugin is allowed with --operator NAME)`;
      this.problem(task, key, message, this.hasPlugins);
    }
    if (typeof value !== "string" || value.includes("${") || value.includes("\n")) return;
    const missing = this.missing(task, name, value.trim());
    if (missing !== undefined) this.problem(task, key, missing, true);
  }

  /** What the operator's file or workflow lacks; Digdag finds out when the task runs. */
  private missing(task: Config, name: string, value: string): string | undefined {
    switch (name) {
      case "require": {
        const elsewhere = ["project_id", "project_name"].some((key) => task[key] !== undefined);
        if (elsewhere || this.around.workflows.has(value)) return undefined;
        const meant = nearest(value, this.around.workflows);
        return `require> names the workflow ${printable(value, 80)}, which the project does not have${meant ? `; ${printable(meant, 80)} is meant?` : ""}`;
      }
      case "call":
        return this.lacks(value.endsWith(".dig") ? value : `${value}.dig`, "call>");
      case "embulk":
        return this.lacks(value, "embulk>");
      case "td":
      case "pg":
      case "redshift":
      case "bq":
        return /^\S+\.sql$/.test(value) ? this.lacks(value, `${name}>`) : undefined;
      case "mail":
        return /^\S+\.(txt|html?|md)$/.test(value) ? this.lacks(value, "mail>") : undefined;
      case "sh": {
        const script = /^(?:\.\/)?([\w.-]+(?:\/[\w.-]+)*\.(?:sh|py|rb|pl))(?=\s|$)/.exec(value)?.[1];
        return script?.includes("/") ? this.lacks(script, "sh>") : undefined;
      }
      default:
        return undefined;
    }
  }

  private lacks(file: string, operator: string): string | undefined {
    if (this.movesFolder || path.posix.isAbsolute(file)) return undefined;
    const places = ["", path.posix.dirname(this.file)].map((folder) => path.posix.join(folder, file));
    if (places.some((place) => this.around.isUploaded(place))) return undefined;
    return `${operator} names ${printable(file, 120)}, which is not part of the upload`;
  }

  private problem(task: Config, key: string, message: string, warning = false): void {
    const place = this.loaded.placeOf(task, key) ?? { file: this.file, line: 1 };
    this.problems.push({ ...place, message, ...(warning && { warning }) });
  }
}
