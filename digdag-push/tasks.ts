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

  visit(task: Config): void {
    const keys = Object.keys(task);
    const operators = keys.filter((key) => key.endsWith(">"));
    const subtasks = keys.filter((key) => key.startsWith("+"));
    for (const key of operators) this.operator(task, key);
    const [operator] = operators;
    if (operator !== undefined && subtasks.length > 0) {
      const message = `is a task inside a task with ${printable(operator, 40)}; Digdag allows one or the other`;
      this.problem(task, subtasks[0] ?? operator, message);
    }
    if (operators[1] !== undefined)
      this.problem(
        task,
        operators[1],
        `is a second operator of the same task, after ${printable(operator ?? "", 40)}`,
      );
    for (const key of keys) {
      const value = task[key];
      if (isConfig(value) && (key.startsWith("+") || CONTAINERS.includes(key))) this.visit(value);
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
