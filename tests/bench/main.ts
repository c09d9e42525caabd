/** The command line of the benchmarks; see `usage`. */
import { parseArgs } from "node:util";
import { benchProgram, reportFile } from "./program";

const usage = `usage: npm run bench -- program [--rounds N] [--no-unit-tests]

Measures on this machine, which should do nothing else:
  pulumi preview -s prd, against an emulated AWS account and provider stand-ins, in turns, with empty stacks:
    of this program, of one that does nothing, and of one that loads the SDK alone;
    of this program with type checks, as Pulumi runs TypeScript by default: in a fresh checkout, and with nothing changed since;
  the loading of the program's modules, by npm package;
  npm run test:unit.

  --rounds N        runs of each (default 5), after one that is not counted
  --no-unit-tests   without the last

The exit code is 1 when the preview takes more than 1.5 times that of the empty program, or more than a third of that with type
checks in a fresh checkout. The report is ${reportFile}.`;

async function main(): Promise<void> {
  const options = {
    rounds: { type: "string", default: "5" },
    "no-unit-tests": { type: "boolean", default: false },
  } as const;
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const rounds = Number(values.rounds);
  if (positionals.join() !== "program" || !Number.isInteger(rounds) || rounds < 1) {
    console.error(usage);
    process.exitCode = 2;
    return;
  }
  const reached = await benchProgram({ rounds, unitTests: !values["no-unit-tests"] });
  if (!reached) process.exitCode = 1;
}

main().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
