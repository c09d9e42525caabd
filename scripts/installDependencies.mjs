// Runs before `npm start`, `npm test` and the like, so that they work as the first command in a fresh clone.
// Plain JavaScript without imports from node_modules: it is what fills node_modules.
import { spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";

const installed = "node_modules/.package-lock.json";
const stale =
  !existsSync(installed) ||
  statSync("package-lock.json").mtimeMs > statSync(installed).mtimeMs ||
  statSync("package.json").mtimeMs > statSync(installed).mtimeMs;

if (stale) {
  console.log("Installing the npm packages of package-lock.json (about a minute) …");
  const { status } = spawnSync("npm", ["ci", "--no-progress", "--loglevel=error"], { stdio: "inherit" });
  if (status !== 0) {
    console.error("`npm ci` failed; see its message above. Is the npm registry reachable (`npm ping`)?");
    process.exit(1);
  }
}
