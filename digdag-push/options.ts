import * as path from "node:path";
import { parseArgs } from "node:util";
import { type Credentials, type Environment, readCredentials } from "./credentials";
import { EXIT, messageOf, PushError, printable } from "./errors";
import { COMMANDS, type CommandName, FLAGS, type FlagName, flagsOf } from "./flags";
import { projectsFile, readTargets, type Target } from "./projectsFile";
import { proxyFor } from "./proxy";
import {
  checkSameEndpoint,
  readEndpoint,
  readOfficialCli,
  readProjectName,
  readRevision,
  readTimeout,
  runName,
} from "./values";

/** How Digdag is reached. */
export interface Connection {
  endpoint: URL;
  /** Milliseconds for the whole command. */
  timeout: number;
  /** Headers that carry credentials. */
  credentials: Credentials;
  /** Asked for this machine's address after a failure. */
  egressAddressUrl?: string;
  /** The proxy for a URL. */
  proxyFor: (url: URL) => URL | undefined;
}

/** How the files are read and judged. */
interface Files {
  directory: string;
  operators: string[];
  strict: boolean;
  /** Files of the upload that this program writes, by path. */
  generated: Record<string, string>;
}

export interface ApplyOptions extends Connection, Files {
  command: "apply" | "plan";
  project: string;
  /** Name of the revision to make; a plan may do without: "". */
  revision: string;
  allowRemove: string[];
  force: boolean;
}

export interface RollbackOptions extends Connection {
  command: "rollback";
  project: string;
  /** Default: the latest revision with other bytes than what is served. */
  to?: string;
  /** Name of the revision to make; default: `to` with an ending of its own. */
  revision?: string;
  /** That ending, such as `123-1`. */
  run: string;
  allowRemove: string[];
}

export interface CheckOptions extends Files {
  command: "check";
  officialCli: "auto" | "always" | "never";
  timeout: number;
}

export interface DoctorOptions extends Connection {
  command: "doctor";
  project?: string;
}

export type Options = ApplyOptions | RollbackOptions | CheckOptions | DoctorOptions;

/** What the command line asks for. */
export type Command =
  | { kind: "help"; command?: CommandName }
  | { kind: "version" }
  | { kind: "run"; markdown?: string; work: () => Work };

/** One project, or those of a projects file. */
export type Work = { options: Options } | { many: ManyProjects };

export interface ManyProjects {
  items: { target: Target; options: Options }[];
  /** How many at a time. */
  parallel: number;
  /** Milliseconds for all of them. */
  timeout: number;
  /** Where the folders of the projects start. */
  root: string;
  changedSince?: string;
}

/**
 * Reads the command line; without a command it is `apply`. The options are completed from the environment when
 * `work()` is called.
 *
 * @throws PushError (exit code 2), from `work()` with every problem at once
 */
export function parseCommand(argv: readonly string[], env: Environment): Command {
  const { values, positionals } = parseFlags(argv);
  const [named, ...rest] = positionals;
  const command = named ?? "apply";
  if (!isCommand(command)) throw usage([`${quoted(command)} is no command; ${commandList()}`]);
  if (rest[0] !== undefined)
    throw usage([`unexpected argument ${quoted(rest[0])}; the project is named with --project`]);
  if (values.help) return { kind: "help", command: named === undefined ? undefined : command };
  if (values.version) return { kind: "version" };
  const foreign = (Object.keys(values) as FlagName[]).filter((flag) => !flagsOf(command).includes(flag));
  if (foreign.length > 0)
    throw usage(
      foreign.map((flag) => `${command} has no option --${flag}`),
      command,
    );
  return { kind: "run", markdown: values.markdown, work: () => readWork(command, values, env) };
}

function readWork(command: CommandName, values: Values, env: Environment): Work {
  const project = values.project ?? (env.DIGDAG_PROJECT || undefined);
  const takesMany = flagsOf(command).includes("config");
  // A check of one directory names no project.
  const isNamed = project !== undefined || (command === "check" && values.directory !== undefined);
  const file = takesMany ? projectsFile(values.config, isNamed ? "" : undefined) : undefined;
  if (file === undefined) return { options: complete(command, values, env) };
  if (values.directory !== undefined)
    throw usage([`--directory does not go with ${printable(file)}, which names the directories`], command);
  const { targets, parallel } = readTargets(file, {
    environment: values.environment ?? (env.DIGDAG_ENVIRONMENT || undefined),
    branch: env.GITHUB_BASE_REF || env.GITHUB_REF_NAME,
    project,
    anyEnvironment: command === "check",
  });
  const items = targets.map((target) => ({ target, options: complete(command, values, env, target) }));
  return {
    many: {
      items,
      parallel,
      timeout: readTimeout(values.timeout),
      root: path.dirname(file),
      changedSince: values["changed-since"],
    },
  };
}

const isCommand = (text: string): text is CommandName => Object.hasOwn(COMMANDS, text);
const commandList = () => `the commands are ${Object.keys(COMMANDS).join(", ")}`;
const quoted = (text: string) => JSON.stringify(printable(text, 40));

type Values = ReturnType<typeof parseFlags>["values"];

function parseFlags(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options: FLAGS, allowPositionals: true, strict: true });
  } catch (error) {
    // Only the first sentence: it names the flag and never its value.
    const said = printable(messageOf(error).split(/[.\n]/)[0] ?? "", 120);
    const secret = argv.some((argument) =>
      /^(-H|--?(basic-auth|user|password|token|header|auth.*))(=|$)/.test(argument),
    );
    throw usage([
      secret ? `${said}; credentials never go on the command line, where every process can read them` : said,
    ]);
  }
}

function usage(problems: string[], command?: CommandName): PushError {
  return new PushError(
    EXIT.refused,
    problems.length === 1 ? (problems[0] ?? "") : `${problems.length} problems with the options`,
    {
      advice: `\`digdag-push ${command === undefined ? "" : `${command} `}--help\` explains the options and their environment variables.`,
      problems: problems.length === 1 ? [] : problems.map((message) => ({ message })),
    },
  );
}

/** Reads values until the end, and then throws all that is wrong with them. */
class Reading {
  private readonly problems: string[] = [];

  constructor(private readonly command: CommandName) {}

  /** The value; after a problem a stand-in that `finish` lets nobody see. */
  take<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      this.problems.push(messageOf(error));
      return undefined as T;
    }
  }

  finish<T>(options: T): T {
    if (this.problems.length > 0) throw usage(this.problems, this.command);
    return options;
  }
}

function complete(command: CommandName, values: Values, env: Environment, target?: Target): Options {
  const reading = new Reading(command);
  const files = {
    directory: target?.directory ?? values.directory ?? ".",
    operators: [...(target?.operators ?? []), ...(values.operator ?? [])],
    strict: values.strict ?? target?.strict ?? false,
    generated: target?.generated ?? {},
  };
  const named = target?.project ?? values.project ?? env.DIGDAG_PROJECT ?? "";
  const project = () => reading.take(() => readProjectName(named));
  const connection = (): Connection => ({
    endpoint: reading.take(() => {
      const endpoint = readEndpoint(values.endpoint ?? (env.DIGDAG_ENDPOINT || target?.endpoint || ""));
      if (target?.endpoint !== undefined) checkSameEndpoint(endpoint, readEndpoint(target.endpoint));
      proxyFor(endpoint, env);
      return endpoint;
    }),
    proxyFor: (url) => proxyFor(url, env),
    timeout: reading.take(() => readTimeout(values.timeout)),
    credentials: reading.take(() => readCredentials(env)),
    egressAddressUrl: env.EGRESS_ADDRESS_URL,
  });
  const allowRemove = [...(target?.allowRemove ?? []), ...(values["allow-remove"] ?? [])];
  switch (command) {
    case "apply":
    case "plan":
      return reading.finish({
        command,
        ...files,
        project: project(),
        ...connection(),
        revision: reading.take(() =>
          readRevision(values.revision ?? env.GITHUB_SHA ?? "", command === "plan"),
        ),
        allowRemove,
        force: values.force ?? false,
      });
    case "rollback":
      return reading.finish({
        command,
        project: project(),
        ...connection(),
        to: values.to,
        revision: reading.take(() =>
          values.revision === undefined ? undefined : readRevision(values.revision),
        ),
        run: runName(env),
        allowRemove,
      });
    case "check":
      return reading.finish({
        command,
        ...files,
        officialCli: reading.take(() => readOfficialCli(values["official-cli"])),
        timeout: reading.take(() => readTimeout(values.timeout)),
      });
    case "doctor":
      return reading.finish({
        command,
        ...connection(),
        project: named === "" ? undefined : project(),
      });
  }
}
