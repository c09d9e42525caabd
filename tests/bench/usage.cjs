// Preloaded into a measured program: writes what it used into the file named by BENCH_USAGE when it ends.
const { writeFileSync } = require("node:fs");
const file = process.env.BENCH_USAGE;
process.on("exit", () => writeFileSync(file, JSON.stringify(process.resourceUsage())));
