import { appendFileSync, writeFileSync } from "node:fs";
import { version } from "../package.json";
import { execute } from "./commands";
import type { Environment } from "./credentials";
import { EXIT, messageOf, PushError, printable } from "./errors";
import { helpText } from "./help";
import { DEFAULT_LIMITS, type Limits } from "./limits";
import { type Options, parseCommand } from "./options";
import { annotations, failureReport, githubOutputs, type Report } from "./report";

/** Where a run writes. */
export interface Output {
  out(text: string): void;
  error(text: string): void;
}

/**
 * Runs the program.
 *
 * @param argv arguments after the program's name
 * @param limits shorter waits for tests
 * @returns the exit code
 */
export async function run(
  argv: readonly string[],
  env: Environment,
  output: Output,
  limits: Partial<Limits> = {},
): Promise<number> {
  const session = new Session(argv.includes("--json"), env, output, { ...DEFAULT_LIMITS, ...limits });
  try {
    const command = parseCommand(argv, env);
    if (command.kind === "version") output.out(`${version}\n`);
    else if (command.kind === "help") output.out(helpText(command.command));
    else return await session.execute(command.options, command.markdown);
    return EXIT.ok;
  } catch (error) {
    return session.deliver(session.failure(error));
  }
}

class Session {
  private readonly started = performance.now();
  private options?: Options;
  private markdownFile?: string;

  constructor(
    private readonly json: boolean,
    private readonly env: Environment,
    private readonly output: Output,
    private readonly limits: Limits,
  ) {}

  async execute(readOptions: () => Options, markdownFile?: string): Promise<number> {
    this.markdownFile = markdownFile;
    const options = readOptions();
    this.options = options;
    return this.deliver(await execute(options, this.limits, () => this.seconds));
  }

  failure(thrown: unknown): Report {
    const error =
      thrown instanceof PushError
        ? thrown
        : new PushError(EXIT.failed, `unexpected error: ${printable(messageOf(thrown))}`);
    return failureReport(error, this.seconds);
  }

  /** Writes the report in every form and returns its exit code. */
  deliver(report: Report): number {
    this.output.out(this.json ? `${JSON.stringify(report.json)}\n` : report.text);
    this.output.error(report.errorText);
    if (this.env.GITHUB_ACTIONS === "true") {
      const workspace = this.env.GITHUB_WORKSPACE || process.cwd();
      const directory = this.options && "directory" in this.options ? this.options.directory : ".";
      this.output.error(annotations(report, directory, workspace));
    }
    this.write("GITHUB_STEP_SUMMARY", this.env.GITHUB_STEP_SUMMARY, (file) =>
      appendFileSync(file, report.markdown),
    );
    this.write("GITHUB_OUTPUT", report.exitCode === EXIT.ok ? this.env.GITHUB_OUTPUT : undefined, (file) =>
      appendFileSync(file, githubOutputs(report.outputs)),
    );
    this.write("--markdown", this.markdownFile, (file) => writeFileSync(file, report.markdown));
    return report.exitCode;
  }

  private get seconds(): number {
    return Math.round(performance.now() - this.started) / 1000;
  }

  /** A summary or output that cannot be written must not turn a served push into a failed job. */
  private write(name: string, file: string | undefined, write: (file: string) => void): void {
    if (!file) return;
    try {
      write(file);
    } catch (error) {
      this.output.error(`digdag-push: ${name} cannot be written: ${printable(messageOf(error))}\n`);
    }
  }
}
