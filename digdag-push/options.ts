import { parseArgs } from "node:util";
import { type Environment, readAuthorization } from "./credentials";
import { EXIT, messageOf, PushError, printable } from "./errors";
import { DEFAULT_TIMEOUT_SECONDS } from "./limits";
import { nameFault } from "./workflows";

/** One run of `digdag-push apply`. */
export interface Options {
  project: string;
  directory: string;
  endpoint: URL;
  revision: string;
  allowRemove: string[];
  /** Milliseconds for the whole command. */
  timeout: number;
  /** Value of the Authorization header. */
  authorization?: string;
  /** Asked for this machine's address after a failure. */
  egressAddressUrl?: string;
}

const FLAGS = {
  project: { type: "string" },
  directory: { type: "string" },
  endpoint: { type: "string" },
  revision: { type: "string" },
  "allow-remove": { type: "string", multiple: true },
  timeout: { type: "string" },
  json: { type: "boolean" },
  help: { type: "boolean", short: "h" },
  version: { type: "boolean" },
} as const;

/** What the command line asks for. */
export type Command = { kind: "help" } | { kind: "version" } | { kind: "apply"; options: () => Options };

/**
 * Reads the command line. The options of a run are completed from the environment when `options()` is called.
 *
 * @throws PushError (exit code 2), from `options()` with every problem at once
 */
export function parseCommand(argv: readonly string[], env: Environment): Command {
  const { values, positionals } = parseFlags(argv);
  if (values.help) return { kind: "help" };
  if (values.version) return { kind: "version" };
  const [command = "apply", ...rest] = positionals;
  if (command !== "apply" || rest.length > 0) {
    const unexpected = command !== "apply" ? command : rest[0];
    throw usage([
      `unexpected argument ${JSON.stringify(printable(unexpected ?? "", 40))}; the only command is apply, the project is named with --project`,
    ]);
  }
  return { kind: "apply", options: () => complete(values, env) };
}

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

function usage(problems: string[]): PushError {
  return new PushError(
    EXIT.refused,
    problems.length === 1 ? (problems[0] ?? "") : `${problems.length} problems with the options`,
    {
      advice: "`digdag-push --help` explains the options and their environment variables.",
      problems: problems.length === 1 ? [] : problems.map((message) => ({ message })),
    },
  );
}

function complete(values: Values, env: Environment): Options {
  const problems: string[] = [];
  const attempt = <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      problems.push(messageOf(error));
      return undefined;
    }
  };
  const project = attempt(() => readProjectName(values.project ?? env.DIGDAG_PROJECT ?? ""));
  const endpoint = attempt(() => readEndpoint(values.endpoint ?? env.DIGDAG_ENDPOINT ?? ""));
  const revision = attempt(() => readRevision(values.revision ?? env.GITHUB_SHA ?? ""));
  const timeout = attempt(() => readTimeout(values.timeout));
  const authorization = attempt(() => readAuthorization(env));
  if (
    project === undefined ||
    endpoint === undefined ||
    revision === undefined ||
    timeout === undefined ||
    problems.length > 0
  ) {
    throw usage(problems);
  }
  return {
    project,
    endpoint,
    revision,
    timeout,
    authorization,
    directory: values.directory ?? ".",
    allowRemove: values["allow-remove"] ?? [],
    egressAddressUrl: env.EGRESS_ADDRESS_URL,
  };
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

function readRevision(text: string): string {
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
