import { execFile } from "node:child_process";
import { EXIT, messageOf, type Problem, PushError, printable } from "./errors";
import type { CheckOptions } from "./options";
import { type Prepared, prepare } from "./prepare";

/** Everything that can be said of a project without a server. */
export interface Checked extends Prepared {
  notes: string[];
}

/**
 * Checks the files, and has the official client check them as well where it is present.
 *
 * @throws PushError (exit code 2)
 */
export async function check(options: CheckOptions): Promise<Checked> {
  const prepared = await prepare(options);
  return { ...prepared, notes: await officialCheck(options, prepared) };
}

async function officialCheck(options: CheckOptions, { project }: Prepared): Promise<string[]> {
  if (options.officialCli === "never") return [];
  const ran = await run("digdag", ["check", "--project", project.directory], options.timeout);
  if (ran.exitCode === 0) return ["The official client finds no fault either (digdag check)."];
  if (ran.exitCode === "absent") {
    if (options.officialCli === "auto") return [];
    throw new PushError(EXIT.refused, "there is no digdag on PATH", {
      advice: "Install the official client, or leave --official-cli at auto.",
    });
  }
  const found = officialProblems(ran.output);
  if (found.length > 0)
    throw new PushError(EXIT.refused, "the official client refuses the project (digdag check)", {
      problems: found,
    });
  const said = `digdag check ended with ${ran.exitCode}: ${printable(ran.output.trim().split("\n").at(-1) ?? "", 200)}`;
  if (options.officialCli === "auto") return [`The official client could not be used: ${said}`];
  throw new PushError(EXIT.refused, said, { advice: "Run `digdag check` by hand and see what it lacks." });
}

/**
 * The faults in what `digdag check` prints, such as `in 'reader', line 3, column 1`. The path it names is one of its own
 * making, so the base name alone says which file it is.
 */
export function officialProblems(output: string): Problem[] {
  if (!/Validating \w+ failed|error:/i.test(output)) return [];
  const file = /([^\s/'"]+\.dig)\b/.exec(output)?.[1];
  const [, line, column] = /line (\d+), column (\d+)/.exec(output) ?? [];
  const reason = output
    .split("\n")
    .map((one) => one.trim())
    .find((one) => one !== "" && !/^(at |\d{4}-\d\d-\d\d|Digdag v)/.test(one));
  if (file === undefined && !output.includes("Validating")) return [];
  return [
    {
      ...(file !== undefined && { file }),
      ...(line !== undefined && { line: Number(line), column: Number(column) }),
      message: printable(reason ?? "digdag check refuses it", 300),
    },
  ];
}

function run(
  program: string,
  argv: readonly string[],
  timeout: number,
): Promise<{ exitCode: number | string; output: string }> {
  return new Promise((resolve) => {
    execFile(program, argv, { timeout, maxBuffer: 4 * 1024 * 1024 }, (error, stdout, stderr) => {
      const code = (error as NodeJS.ErrnoException | null)?.code;
      const exitCode = error === null ? 0 : code === "ENOENT" ? "absent" : (code ?? messageOf(error));
      resolve({ exitCode, output: `${stdout}\n${stderr}` });
    });
  });
}
