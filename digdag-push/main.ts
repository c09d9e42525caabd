import { appendFileSync, writeFileSync } from "node:fs";
import { version } from "../package.json";
import { asPushError, execute, executeMany } from "./commands";
import type { Environment } from "./credentials";
import { EXIT, messageOf, printable } from "./errors";
import { helpText } from "./help";
import { DEFAULT_LIMITS, type Limits } from "./limits";
import { parseCommand, type Work } from "./options";
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
    else return await session.execute(command.work, command.markdown);
    return EXIT.ok;
  } catch (error) {
    return session.deliver(failureReport(asPushError(error), session.seconds));
  }
}

class Session {
  private readonly started = performance.now();
  /** Where the files lie that problems name. */
  private directory = ".";
  private markdownFile?: string;

  constructor(
    private readonly json: boolean,
    private readonly env: Environment,
    private readonly output: Output,
    private readonly limits: Limits,
  ) {}

  async execute(readWork: () => Work, markdownFile?: string): Promise<number> {
    this.markdownFile = markdownFile;
    const work = readWork();
    const limits = this.limits;
    const seconds = () => this.seconds;
    if ("many" in work) {
      const signal = AbortSignal.timeout(work.many.timeout);
      return this.deliver(await executeMany(work.many, { limits, signal, seconds }));
    }
    const { options } = work;
    if ("directory" in options) this.directory = options.directory;
    const signal = AbortSignal.timeout(options.timeout);
    return this.deliver(await execute(options, { limits, signal, seconds }));
  }

  /** Writes the report in every form and returns its exit code. */
  deliver(report: Report): number {
    this.output.out(this.json ? `${JSON.stringify(report.json)}\n` : report.text);
    this.output.error(report.errorText);
    if (this.env.GITHUB_ACTIONS === "true") {
      const workspace = this.env.GITHUB_WORKSPACE || process.cwd();
      this.output.error(annotations(report, this.directory, workspace));
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

  get seconds(): number {
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
