/** The command line of the contract tests; see `usage`. */
import { spawn } from "node:child_process";
import { parseArgs } from "node:util";
import { withTypeScript } from "../../local/lib/typescript";
import { ENDPOINT_VARIABLE, readEndpoint } from "./endpoint";

const usage = `usage: npm run test:contract [-- --endpoint URL]

Checks that a server keeps the part of Digdag's HTTP contract that this project relies on, and that Digdag's own Java client
library gets the same answers from it.

  --endpoint URL   a real Digdag server, such as https://digdag.example.com; without it the stand-in is started and checked.
                   Credentials as for digdag-push: DIGDAG_USER with DIGDAG_PASSWORD or DIGDAG_PASSWORD_FILE, or
                   DIGDAG_AUTHORIZATION_FILE. Needed is a user who may push and delete projects. A company's CA: NODE_EXTRA_CA_CERTS,
                   and for Java JAVA_TOOL_OPTIONS=-Djavax.net.ssl.trustStore=FILE.

On a real server everything happens in projects with random names that begin with contract-, which are deleted in the end.
Their workflows do nothing but echo, should one of their daily schedules come just then.`;

function main(): void {
  const options = { endpoint: { type: "string" }, help: { type: "boolean", short: "h" } } as const;
  const { values } = parseArgs({ options });
  if (values.help) {
    console.log(usage);
    return;
  }
  const endpoint = values.endpoint === undefined ? "" : readEndpoint(values.endpoint);
  const mocha = [require.resolve("mocha/bin/mocha.js"), "tests/contract/**/*.test.ts"];
  const child = spawn(process.execPath, [...withTypeScript, ...mocha], {
    stdio: "inherit",
    env: { ...process.env, [ENDPOINT_VARIABLE]: endpoint },
  });
  child.once("close", (code) => {
    process.exitCode = code ?? 1;
  });
}

try {
  main();
} catch (error) {
  console.error(`${(error as Error).message}\n\n${usage}`);
  process.exitCode = 2;
}
