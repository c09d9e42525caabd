import { appendFileSync } from "node:fs";
import { version } from "../package.json";
import { NetworkError } from "./advice";
import { type ApplyResult, apply } from "./apply";
import type { Environment } from "./credentials";
import { DigdagApi } from "./digdagApi";
import { egressAddress } from "./egress";
import { EXIT, messageOf, PushError, printable } from "./errors";
import { helpText } from "./help";
import { RequestFailure } from "./http";
import { DEFAULT_LIMITS, type Limits } from "./limits";
import { type Options, parseCommand } from "./options";
import * as report from "./report";

/** Where a run writes. */
export interface Output {
  out(text: string): void;
  error(text: string): void;
}

/**
 * Runs the command.
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
    else if (command.kind === "help") output.out(helpText());
    else await session.apply(command.options);
    return EXIT.ok;
  } catch (error) {
    return session.fail(error);
  }
}

class Session {
  private readonly started = performance.now();
  private options?: Options;

  constructor(
    private readonly json: boolean,
    private readonly env: Environment,
    private readonly output: Output,
    private readonly limits: Limits,
  ) {}

  async apply(readOptions: () => Options): Promise<void> {
    const options = readOptions();
    this.options = options;
    const result = await this.deploy(options);
    const context = { endpoint: options.endpoint.origin, seconds: this.seconds };
    this.output.out(
      this.json
        ? `${JSON.stringify(report.resultJson(result, context))}\n`
        : report.resultText(result, context),
    );
    this.append("GITHUB_STEP_SUMMARY", () => report.resultSummary(result, context));
    this.append("GITHUB_OUTPUT", () => report.githubOutputs(result));
  }

  /** Reports the failure in every form and returns its exit code. */
  fail(thrown: unknown): number {
    const error =
      thrown instanceof PushError
        ? thrown
        : new PushError(EXIT.failed, `unexpected error: ${printable(messageOf(thrown))}`);
    if (this.json) this.output.out(`${JSON.stringify(report.failureJson(error, this.seconds))}\n`);
    this.output.error(report.failureText(error));
    if (this.env.GITHUB_ACTIONS === "true") {
      const workspace = this.env.GITHUB_WORKSPACE || process.cwd();
      this.output.error(report.annotations(error, this.options?.directory ?? ".", workspace));
    }
    this.append("GITHUB_STEP_SUMMARY", () => report.failureSummary(error));
    return error.exitCode;
  }

  private async deploy(options: Options): Promise<ApplyResult> {
    const { endpoint, authorization } = options;
    const deadline = AbortSignal.timeout(options.timeout);
    const api = new DigdagApi({
      endpoint,
      authorization,
      limits: this.limits,
      signal: deadline,
      userAgent: `digdag-push/${version}`,
    });
    try {
      return await apply(options, api);
    } catch (error) {
      if (!(error instanceof RequestFailure)) throw error;
      throw new NetworkError(
        error,
        endpoint,
        await egressAddress(options.egressAddressUrl, this.limits.egress),
      );
    } finally {
      api.close();
    }
  }

  private get seconds(): number {
    return Math.round(performance.now() - this.started) / 1000;
  }

  /** A summary or output that cannot be written must not turn a served push into a failed job. */
  private append(variable: "GITHUB_STEP_SUMMARY" | "GITHUB_OUTPUT", text: () => string): void {
    const file = this.env[variable];
    if (!file) return;
    try {
      appendFileSync(file, text());
    } catch (error) {
      this.output.error(`digdag-push: ${variable} cannot be written: ${printable(messageOf(error))}\n`);
    }
  }
}
