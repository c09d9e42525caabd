/** `npx tsx tests/faults/theft/main.ts [--only REGEX] [--short] [--pools N]`: the theft campaign alone. */
import { parseArgs } from "node:util";
import { theftCommand } from "./command";

const { values } = parseArgs({
  options: { only: { type: "string" }, short: { type: "boolean" }, pools: { type: "string" } },
});

theftCommand({
  ...(values.only !== undefined && { only: new RegExp(values.only, "i") }),
  ...(values.short && { short: true }),
  ...(values.pools !== undefined && { pools: Number(values.pools) }),
  report: (line) => console.log(line),
}).then(
  (code) => process.exit(code),
  (error: Error) => {
    console.error(error.message);
    process.exit(1);
  },
);
