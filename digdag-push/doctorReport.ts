import type { Step } from "./doctor";
import { EXIT } from "./errors";
import { type Context, cell, type Report, table } from "./report";

/** The report of `doctor`: exit code 3 where a step failed. */
export function doctorReport(steps: readonly Step[], { endpoint = "", seconds }: Context): Report {
  const failed = steps.find(({ verdict }) => verdict === "failed");
  const headline =
    failed === undefined
      ? `Digdag at ${endpoint} can be used (${seconds} s)`
      : `Digdag at ${endpoint} cannot be used: ${failed.name} (${seconds} s)`;
  const lines = steps.flatMap(({ name, verdict, detail, advice }) => [
    `  ${verdict.padEnd(8)} ${name.padEnd(9)} ${detail}`,
    ...(advice === undefined ? [] : [`${" ".repeat(21)}${advice}`]),
  ]);
  const rows = steps.map(({ name, verdict, detail, advice }) => [
    name,
    verdict,
    cell([detail, advice].filter(Boolean).join(". ")),
  ]);
  return {
    exitCode: failed === undefined ? EXIT.ok : EXIT.unreachable,
    json: { verdict: failed === undefined ? "healthy" : "sick", endpoint, steps, seconds },
    text: `${[headline, ...lines].join("\n")}\n`,
    errorText: "",
    markdown: `### ${cell(headline)}\n\n${table(["step", "verdict", "seen"], rows)}\n`,
    outputs: {},
    problems: [],
    ...(failed !== undefined && {
      failure: [`${failed.name}: ${failed.detail}`, failed.advice].filter(Boolean).join(". "),
    }),
  };
}
