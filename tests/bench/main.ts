/** The command line of the benchmarks; see `usage`. */
import { parseArgs } from "node:util";
import { benchProgram, reportFile as programReport } from "./program";
import { benchPush, reportFile as pushReport } from "./push";

const usage = `usage: npm run bench -- program [--rounds N] [--no-unit-tests]
       npm run bench -- push [--rounds N] [--node PATH]

Both measure on this machine, which should do nothing else.

program
  pulumi preview -s prd, against an emulated AWS account and provider stand-ins, in turns, with empty stacks:
    of this program, of one that does nothing, and of one that loads the SDK alone;
    of this program with type checks, as Pulumi runs TypeScript by default: in a fresh checkout, and with nothing changed since;
  the loading of the program's modules, by npm package;
  npm run test:unit.
  The exit code is 1 when the preview takes more than 1.5 times that of the empty program, or more than a third of that with
  type checks in a fresh checkout. The report is ${programReport}.

push
  digdag-push as the image has it, a bundle that is run as a process, against the Digdag stand-in in another process: its start
  alone, and the deployment of projects of 20 and 500 workflows that are new, unchanged, or have one changed workflow;
  the official CLI's push, where DIGDAG_JAR names it or digdag is on PATH.
  The exit code is 1 when a changed project of 20 workflows takes more than a tenth of the official CLI's push (of its time as
  once measured, where it is not here), or any run more than 100 MB of memory. The report is ${pushReport}.

  --rounds N        runs of each (default 5), after one that is not counted
  --no-unit-tests   without the last of the program's
  --node PATH       the Node.js that runs digdag-push (default: this one)`;

const benches = ["program", "push"];

async function main(): Promise<void> {
  const options = {
    rounds: { type: "string", default: "5" },
    "no-unit-tests": { type: "boolean", default: false },
    node: { type: "string", default: process.execPath },
  } as const;
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const [bench = "", ...more] = positionals;
  const rounds = Number(values.rounds);
  if (!benches.includes(bench) || more.length > 0 || !Number.isInteger(rounds) || rounds < 1) {
    console.error(usage);
    process.exitCode = 2;
    return;
  }
  const reached = await (bench === "program"
    ? benchProgram({ rounds, unitTests: !values["no-unit-tests"] })
    : benchPush({ rounds, node: values.node }));
  if (!reached) process.exitCode = 1;
}

main().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
