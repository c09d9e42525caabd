import { realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

/** What the engine says about a run of a program. */
export interface RunRequest {
  /** Directory of `Pulumi.yaml`. */
  rootDirectory: string;
  /** Directory of the program: `main` of `Pulumi.yaml`, or the root directory. */
  programDirectory: string;
  /** File of the program within its directory; `.` for the one that its package.json names. */
  entryPoint: string;
  /** `runtime.options` of `Pulumi.yaml`. */
  options: Record<string, unknown>;
  workingDirectory: string;
  organization: string;
  project: string;
  stack: string;
  dryRun: boolean;
  parallel: number;
  monitorAddress: string;
  args: string[];
  /** Configuration values by full key; secret ones are in plain text, as the program sees them. */
  config: Record<string, string>;
  configSecretKeys: string[];
}

/** A command and its environment. */
export interface Command {
  args: string[];
  env: Record<string, string>;
}

/** Values of `nodeargs`, which may be quoted as in a shell. */
export function splitArguments(text: string): string[] {
  const words = text.match(/(?:[^\s"']+|"[^"]*"|'[^']*')+/g) ?? [];
  return words.map((word) =>
    word.replace(/"([^"]*)"|'([^']*)'/g, (_, double, single) => double ?? single ?? ""),
  );
}

/**
 * The Node.js command that runs a program the way Pulumi's own language host does: through the entry point that the
 * program's own SDK brings for it, in a process of its own.
 * @throws Error when the program's directory has no `@pulumi/pulumi`
 */
export function programCommand(request: RunRequest, engineAddress: string): Command {
  const runner = sdkEntryPoint(request.programDirectory, "run");
  const { nodeargs, typescript, tsconfig } = request.options;
  const flags: Record<string, string> = {
    monitor: request.monitorAddress,
    engine: engineAddress,
    organization: request.organization,
    project: request.project,
    "root-directory": request.rootDirectory,
    stack: request.stack,
    pwd: request.workingDirectory,
    parallel: String(request.parallel),
  };
  return {
    args: [
      ...(typeof nodeargs === "string" ? splitArguments(nodeargs) : []),
      runner,
      ...Object.entries(flags).map(([name, value]) => `--${name}=${value}`),
      ...(request.dryRun ? ["--dry-run"] : []),
      request.entryPoint,
      ...request.args,
    ],
    env: {
      PULUMI_NODEJS_TYPESCRIPT: String(typescript !== false),
      ...(typeof tsconfig === "string" && { PULUMI_NODEJS_TSCONFIG_PATH: tsconfig }),
      PULUMI_CONFIG: JSON.stringify(request.config),
      PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(request.configSecretKeys),
    },
  };
}

/**
 * The program `name` that a directory's own SDK brings for language hosts.
 * @throws Error when neither the directory nor one above it has `@pulumi/pulumi`
 */
export function sdkEntryPoint(directory: string, name: string): string {
  try {
    // As Node.js does for a program's own modules, from where the directory really is.
    return createRequire(join(realpathSync(directory), "package.json")).resolve(`@pulumi/pulumi/cmd/${name}`);
  } catch {
    throw new Error(`${directory} has no @pulumi/pulumi; run npm ci (or npm install) first`);
  }
}

/** The exit code with which the SDK says that it has already told the person what went wrong. */
const alreadyReported = 32;

/** How the engine is told about the end of a program: nothing when it ended well. */
export function programResult(
  code: number | null,
  signal: string | null,
): { error?: string; bail?: boolean } {
  if (code === 0) return {};
  if (code === alreadyReported) return { bail: true };
  return {
    error: signal ? `Program was ended by ${signal}` : `Program exited with non-zero exit code: ${code}`,
  };
}
