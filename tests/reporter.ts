import { appendFileSync } from "node:fs";
import { Runner, reporters } from "mocha";

/**
 * Mocha's own report for people, and one line of counts a run in the file named by TEST_COUNTS, which `.ci/run` adds up
 * over the several runs that `npm test` and `npm run test:system` make.
 */
export default class CountingReporter extends reporters.Spec {
  constructor(runner: Runner, options: Mocha.MochaOptions) {
    super(runner, options);
    const file = process.env.TEST_COUNTS;
    if (!file) return;
    runner.once(Runner.constants.EVENT_RUN_END, () => {
      const { passes, failures, pending } = runner.stats ?? { passes: 0, failures: 1, pending: 0 };
      appendFileSync(file, `${passes} ${failures} ${pending}\n`);
    });
  }
}
