import { existsSync, readFileSync } from "node:fs";
import * as path from "node:path";
import { stringify } from "yaml";
import { EXIT, messageOf, type Problem, PushError, printable } from "./errors";
import { nearest } from "./operators";
import { nameFault } from "./workflows";
import { type Config, isConfig, type Loaded, loadYaml, type Value } from "./yaml";

/** Read when no project is named. */
export const PROJECTS_FILE = "digdag-push.yml";

/** One project of the file, for one environment. */
export interface Target {
  project: string;
  /** As given on a command line. */
  directory: string;
  /** Folders whose change means a deployment, the directory first. */
  folders: string[];
  operators: string[];
  allowRemove: string[];
  strict: boolean;
  /** Default: DIGDAG_ENDPOINT. */
  endpoint?: string;
  /** Files of the upload that are written by this program, by path. */
  generated: Record<string, string>;
}

export interface Targets {
  targets: Target[];
  /** How many are deployed at a time. */
  parallel: number;
  environment?: string;
}

export interface Choice {
  /** Default: the environment that the branch leads to. */
  environment?: string;
  /** Of the push, or the one that a pull request aims at. */
  branch?: string;
  /** Only this project. */
  project?: string;
  /** A check needs no environment: where none is meant, the first one stands for all. */
  anyEnvironment: boolean;
}

/**
 * Reads the file that says which projects there are.
 *
 * @throws PushError (exit code 2) with everything that is wrong with it, by line
 */
export function readTargets(file: string, choice: Choice): Targets {
  const reader = new Reader(file);
  const { whole } = reader;
  const environments = reader.mappings(whole, "environments");
  const environment = chooseEnvironment(reader, environments, choice);
  const settings = environment === undefined ? {} : (environments[environment] ?? {});
  const shared = reader.texts(whole, "operators");
  const strict = reader.flag(whole, "strict");
  const parallel = reader.count(whole, "parallel", 4, 16);
  const projects = reader.mappings(whole, "projects");
  reader.known(whole, ["environments", "operators", "parallel", "projects", "strict"]);
  for (const one of Object.values(environments)) {
    reader.texts(one, "branches");
    reader.known(one, ["branches", "endpoint", "parameters"]);
  }
  const parameters = reader.mapping(settings, "parameters");
  const targets = Object.entries(projects).flatMap(([project, config]): Target[] => {
    const fault = nameFault(project);
    if (fault !== undefined) reader.problem(projects, project, `the project name ${fault}`);
    reader.known(config, ["directory", "also", "operators", "allowRemove", "parametersFile", "environments"]);
    const directory = reader.relative(config, "directory", project);
    const only = reader.texts(config, "environments");
    for (const name of only) {
      if (!Object.hasOwn(environments, name))
        reader.problem(
          config,
          "environments",
          `names ${printable(name, 80)}, which is not among environments`,
        );
    }
    const parametersFile = reader.relative(config, "parametersFile", "");
    const target = {
      project,
      directory: path.join(path.dirname(file), directory),
      folders: [directory, ...reader.texts(config, "also")],
      operators: [...shared, ...reader.texts(config, "operators")],
      allowRemove: reader.texts(config, "allowRemove"),
      strict,
      endpoint: reader.text(settings, "endpoint"),
      generated:
        parametersFile === "" ? {} : { [parametersFile]: stringify(parameters, { sortMapEntries: true }) },
    };
    return only.length === 0 || environment === undefined || only.includes(environment) ? [target] : [];
  });
  reader.finish();
  if (Object.keys(projects).length === 0)
    throw new PushError(EXIT.refused, `${printable(file)} names no project`);
  const chosen =
    choice.project === undefined ? targets : targets.filter(({ project }) => project === choice.project);
  if (choice.project !== undefined && chosen.length === 0) {
    throw new PushError(
      EXIT.refused,
      `${printable(file)} has no project ${choice.project}${environment === undefined ? "" : ` for ${environment}`}`,
      {
        advice: `It has: ${Object.keys(projects)
          .map((name) => printable(name, 80))
          .join(", ")}.`,
      },
    );
  }
  return { targets: chosen, parallel, environment };
}

function chooseEnvironment(
  reader: Reader,
  environments: Record<string, Config>,
  choice: Choice,
): string | undefined {
  const names = Object.keys(environments);
  if (names.length === 0) return choice.environment;
  const list = names.map((name) => printable(name, 80)).join(", ");
  if (choice.environment !== undefined) {
    if (names.includes(choice.environment)) return choice.environment;
    throw new PushError(
      EXIT.refused,
      `there is no environment ${JSON.stringify(printable(choice.environment, 80))}`,
      {
        advice: `${printable(reader.file)} has: ${list}.`,
      },
    );
  }
  const { branch = "" } = choice;
  const matching = names.filter((name) =>
    reader.texts(environments[name] ?? {}, "branches").some((pattern) => branchMatches(pattern, branch)),
  );
  if (matching.length === 1) return matching[0];
  if (choice.anyEnvironment) return matching[0] ?? names[0];
  throw new PushError(
    EXIT.refused,
    `the branch ${JSON.stringify(printable(branch, 80))} leads to ${matching.length === 0 ? "no environment" : `several environments: ${matching.join(", ")}`}`,
    { advice: `Name one of ${list} with --environment, or the branch in ${printable(reader.file)}.` },
  );
}

/** `*` stands for anything but a slash, `**` for anything. */
function branchMatches(pattern: string, branch: string): boolean {
  const escaped = pattern
    .split(/(\*+)/)
    .map((part) =>
      part === "*" ? "[^/]*" : /^\*+$/.test(part) ? ".*" : part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"),
    );
  return new RegExp(`^${escaped.join("")}$`).test(branch);
}

/** Reads values and gathers what is wrong with them. */
class Reader {
  readonly whole: Config;
  private readonly loaded: Loaded;
  private readonly problems: Problem[];

  constructor(readonly file: string) {
    let text: string;
    try {
      text = readFileSync(file, "utf8");
    } catch (error) {
      throw new PushError(EXIT.refused, `the projects file cannot be read: ${messageOf(error)}`);
    }
    this.loaded = loadYaml(file, new Map([[file, text]]));
    this.problems = [...this.loaded.problems];
    this.whole = this.loaded.config ?? {};
    this.finish();
  }

  problem(mapping: Config, key: string, message: string): void {
    this.problems.push({ ...(this.loaded.placeOf(mapping, key) ?? {}), file: this.file, message });
  }

  finish(): void {
    if (this.problems.length === 0) return;
    const noun = this.problems.length === 1 ? "one error" : `${this.problems.length} errors`;
    throw new PushError(EXIT.refused, `${printable(this.file)} has ${noun}`, { problems: this.problems });
  }

  known(mapping: Config, keys: readonly string[]): void {
    for (const key of Object.keys(mapping)) {
      if (keys.includes(key)) continue;
      const meant = nearest(key, keys);
      const hint = meant === undefined ? `allowed are ${keys.join(", ")}` : `${meant} is meant?`;
      this.problem(mapping, key, `${printable(key, 80)} is no key here: ${hint}`);
    }
  }

  mapping(mapping: Config, key: string): Config {
    const value = mapping[key] ?? {};
    if (isConfig(value)) return value;
    this.problem(mapping, key, `${key} must be a mapping`);
    return {};
  }

  mappings(mapping: Config, key: string): Record<string, Config> {
    const value = this.mapping(mapping, key);
    const found: Record<string, Config> = value as Record<string, Config>;
    for (const [name, one] of Object.entries(value)) {
      if (isConfig(one)) continue;
      if (one !== null) this.problem(value, name, `${printable(name, 80)} must be a mapping`);
      found[name] = {};
    }
    return found;
  }

  text(mapping: Config, key: string): string | undefined {
    const value = mapping[key] ?? undefined;
    if (value === undefined || typeof value === "string") return value;
    this.problem(mapping, key, `${key} must be text`);
    return undefined;
  }

  texts(mapping: Config, key: string): string[] {
    const value: Value = mapping[key] ?? [];
    if (Array.isArray(value) && value.every((one): one is string => typeof one === "string")) return value;
    this.problem(mapping, key, `${key} must be a list of names, such as [one, two]`);
    return [];
  }

  flag(mapping: Config, key: string): boolean {
    const value = mapping[key] ?? false;
    if (typeof value === "boolean") return value;
    this.problem(mapping, key, `${key} must be true or false`);
    return false;
  }

  count(mapping: Config, key: string, otherwise: number, most: number): number {
    const value = mapping[key] ?? otherwise;
    if (typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= most) return value;
    this.problem(
      mapping,
      key,
      `${key} is ${JSON.stringify(value)}; whole numbers from 1 to ${most} are allowed`,
    );
    return otherwise;
  }

  /** A path that stays below. */
  relative(mapping: Config, key: string, otherwise: string): string {
    const value = this.text(mapping, key) ?? otherwise;
    const normal = path.posix.normalize(value);
    if (!path.posix.isAbsolute(normal) && normal !== ".." && !normal.startsWith("../"))
      return value === "" ? "" : normal;
    this.problem(mapping, key, `${key} is ${JSON.stringify(printable(value, 120))}; a path inside is needed`);
    return otherwise;
  }
}

/** The projects file that applies: the one that is named, or the usual one where no project is. */
export function projectsFile(named: string | undefined, project: string | undefined): string | undefined {
  if (named !== undefined) return named;
  return project === undefined && existsSync(PROJECTS_FILE) ? PROJECTS_FILE : undefined;
}
