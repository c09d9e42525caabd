import { parseArgs } from "node:util";
import { type Environment, readAuthorization } from "./credentials";
import { EXIT, messageOf, PushError, printable } from "./errors";
import { COMMANDS, type CommandName, FLAGS, type FlagName, flagsOf } from "./flags";
import { DEFAULT_TIMEOUT_SECONDS } from "./limits";
import { proxyFor } from "./proxy";
import { nameFault } from "./workflows";

/** How Digdag is reached. */
export interface Connection {
  endpoint: URL;
  /** Milliseconds for the whole command. */
  timeout: number;
  /** Value of the Authorization header. */
  authorization?: string;
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
  | { kind: "run"; markdown?: string; options: () => Options };

/**
 * Reads the command line; without a command it is `apply`. The options are completed from the environment when
 * `options()` is called.
 *
 * @throws PushError (exit code 2), from `options()` with every problem at once
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
  return { kind: "run", markdown: values.markdown, options: () => complete(command, values, env) };
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

function complete(command: CommandName, values: Values, env: Environment): Options {
  const reading = new Reading(command);
  const files = {
    directory: values.directory ?? ".",
    operators: values.operator ?? [],
    strict: values.strict ?? false,
  };
  const named = values.project ?? env.DIGDAG_PROJECT ?? "";
  const project = () => reading.take(() => readProjectName(named));
  const connection = (): Connection => ({
    endpoint: reading.take(() => {
      const endpoint = readEndpoint(values.endpoint ?? env.DIGDAG_ENDPOINT ?? "");
      proxyFor(endpoint, env);
      return endpoint;
    }),
    proxyFor: (url) => proxyFor(url, env),
    timeout: reading.take(() => readTimeout(values.timeout)),
    authorization: reading.take(() => readAuthorization(env)),
    egressAddressUrl: env.EGRESS_ADDRESS_URL,
  });
  const allowRemove = values["allow-remove"] ?? [];
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

/** GitHub's run and attempt; elsewhere the time. */
function runName({ GITHUB_RUN_ID: id, GITHUB_RUN_ATTEMPT: attempt }: Environment): string {
  if (id) return `${id}-${attempt || 1}`;
  return new Date().toISOString().replace(/[-:]|\.\d+/g, "");
}

function readOfficialCli(text = "auto"): CheckOptions["officialCli"] {
  if (text === "auto" || text === "always" || text === "never") return text;
  throw new Error(`--official-cli ${quoted(text)} is invalid: auto, always or never`);
}

function readProjectName(name: string): string {
  if (name === "") throw new Error("no project name: give --project NAME or set DIGDAG_PROJECT");
  const fault = nameFault(name);
  if (fault !== undefined) throw new Error(`the project name ${fault}`);
  return name;
}

function readEndpoint(text: string): URL {
  if (text === "") throw new Error("no endpoint: give --endpoint URL or set DIGDAG_ENDPOINT");
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.username || url?.password) {
    throw new Error(
      "the endpoint holds credentials; use DIGDAG_USER with DIGDAG_PASSWORD instead (the value is not shown)",
    );
  }
  if (url === undefined || !["http:", "https:"].includes(url.protocol) || url.hostname === "") {
    throw new Error(
      `the endpoint ${JSON.stringify(printable(text, 80))} is not a URL such as https://digdag.example.com`,
    );
  }
  if (url.pathname !== "/" || url.search !== "" || url.hash !== "") {
    throw new Error(
      `the endpoint ${printable(url.origin + url.pathname, 80)} has a path; Digdag serves /api at the root of its host: ${url.origin}`,
    );
  }
  return url;
}

function readRevision(text: string, optional = false): string {
  if (text === "" && optional) return text;
  if (text === "")
    throw new Error('no revision: set GITHUB_SHA (GitHub does) or give --revision "$(git rev-parse HEAD)"');
  if (!/^[A-Za-z0-9][A-Za-z0-9._:+@-]{0,254}$/.test(text)) {
    throw new Error(
      `the revision ${JSON.stringify(printable(text, 80))} is invalid: letters, digits and . _ : + @ - are allowed, at most 255, a letter or digit first`,
    );
  }
  return text;
}

function readTimeout(text = String(DEFAULT_TIMEOUT_SECONDS)): number {
  const seconds = Number(text);
  if (!/^\d+$/.test(text) || seconds < 1 || seconds > 3600) {
    throw new Error(
      `--timeout ${JSON.stringify(printable(text, 40))} is invalid: whole seconds from 1 to 3600`,
    );
  }
  return seconds * 1000;
}
