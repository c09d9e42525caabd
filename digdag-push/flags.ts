import { DEFAULT_TIMEOUT_SECONDS } from "./limits";

/** An option of the command line. */
export interface Flag {
  type: "string" | "boolean";
  multiple?: boolean;
  short?: string;
  /** What stands for the value in the help. */
  value?: string;
  help: string;
  /** Used when the option is absent. */
  variable?: string;
}

/** Every option, in the order of the help. */
export const FLAGS = {
  project: { type: "string", value: "NAME", help: "project in Digdag", variable: "DIGDAG_PROJECT" },
  directory: { type: "string", value: "DIR", help: "folder with the *.dig files; default: the current one" },
  config: {
    type: "string",
    value: "FILE",
    help: "file that names several projects; default: digdag-push.yml, where no project is named",
  },
  environment: {
    type: "string",
    value: "NAME",
    help: "environment of that file; default: the one that the branch leads to",
    variable: "DIGDAG_ENVIRONMENT",
  },
  "changed-since": {
    type: "string",
    value: "COMMIT",
    help: "only projects of that file whose folders changed since",
  },
  endpoint: {
    type: "string",
    value: "URL",
    help: "Digdag's address, such as https://digdag.example.com",
    variable: "DIGDAG_ENDPOINT",
  },
  revision: { type: "string", value: "NAME", help: "name of the new revision", variable: "GITHUB_SHA" },
  to: {
    type: "string",
    value: "REVISION",
    help: "revision to go back to; default: the latest one with other bytes than what is served",
  },
  "allow-remove": {
    type: "string",
    multiple: true,
    value: "NAME",
    help: "workflow whose schedule may vanish; repeatable",
  },
  force: { type: "boolean", help: "push even where the served commit is not part of this one" },
  operator: {
    type: "string",
    multiple: true,
    value: "NAME",
    help: "operator of a plugin, not to be taken for a mistake; repeatable",
  },
  strict: { type: "boolean", help: "warnings about the files are errors" },
  "official-cli": {
    type: "string",
    value: "WHEN",
    help: "run `digdag check` as well: auto (where digdag is on PATH), always or never; default: auto",
  },
  markdown: { type: "string", value: "FILE", help: "also write the report there as Markdown, for a comment" },
  timeout: {
    type: "string",
    value: "SECONDS",
    help: `for the whole command, 1 to 3600; default: ${DEFAULT_TIMEOUT_SECONDS}`,
  },
  json: { type: "boolean", help: "result as one JSON object on standard output" },
  help: { type: "boolean", short: "h", help: "explain the command" },
  version: { type: "boolean", help: "print the version" },
} as const satisfies Record<string, Flag>;

export type FlagName = keyof typeof FLAGS;

const EVERYWHERE: readonly FlagName[] = ["markdown", "timeout", "json", "help", "version"];

/** What is said of a command. */
export interface CommandText {
  summary: string;
  about: string;
  flags: readonly FlagName[];
  /** Help of options that mean something else here, and come from no variable. */
  differs?: Partial<Record<FlagName, string>>;
}

const MANY: readonly FlagName[] = ["config", "environment", "changed-since"];
const DEPLOYMENT_FLAGS: readonly FlagName[] = [
  ...([
    "project",
    "directory",
    "endpoint",
    "revision",
    "allow-remove",
    "force",
    "operator",
    "strict",
  ] as const),
  ...MANY,
];

/** The commands: what they do, and their options. */
export const COMMANDS = {
  apply: {
    summary: "make Digdag serve the project, verified (the default command)",
    about:
      "Checks the files, packs them (same bytes for the same commit), compares with what is served, refuses to drop a\n" +
      "schedule or to go back, pushes, and asks Digdag what it serves now.",
    flags: DEPLOYMENT_FLAGS,
  },
  plan: {
    summary: "show what apply would change; sends nothing",
    about: "Ends with the exit code that apply would end with for these files.",
    flags: DEPLOYMENT_FLAGS,
  },
  rollback: {
    summary: "make Digdag serve an earlier revision again, byte by byte",
    about: "Takes the stored archive of a revision, pushes it under a new name (--revision) and verifies it.",
    flags: ["project", "endpoint", "to", "revision", "allow-remove"],
    differs: {
      revision: "name of the new revision; default: that of the old one with -rollback- and the run",
    },
  },
  check: {
    summary: "check the files; needs no server",
    about: "Finds what Digdag refuses, and what it takes without a word and does not do.",
    flags: ["project", "directory", "operator", "strict", "official-cli", ...MANY],
  },
  doctor: {
    summary: "check the way to Digdag, step by step",
    about: "DNS, TCP, TLS, HTTP, version, credentials, database, project: a verdict on each, and what to do.",
    flags: ["project", "endpoint"],
  },
} as const satisfies Record<string, CommandText>;

export type CommandName = keyof typeof COMMANDS;

/** The options of a command. */
export function flagsOf(command: CommandName): FlagName[] {
  return [...COMMANDS[command].flags, ...EVERYWHERE];
}
