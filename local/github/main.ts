import { readFileSync } from "node:fs";
import { type GitHubOptions, startGitHub } from "./server";

/**
 * The GitHub stand-in as a process: `main.ts OPTIONS.json` (or the path in GITHUB_STAND_IN_OPTIONS). The file holds
 * `GitHubOptions`; `tls` may name files instead: `{"keyFile": …, "certFile": …}`. The first line on standard output is
 * `{"standIn":"github","ready":true,"apiUrl":…,"controlUrl":…}`, then one JSON line per request. SIGINT and SIGTERM end it.
 */
async function main(): Promise<void> {
  const file = process.argv[2] ?? process.env.GITHUB_STAND_IN_OPTIONS;
  if (!file) throw new Error("Name the options file: main.ts OPTIONS.json (or set GITHUB_STAND_IN_OPTIONS).");
  const { tls, ...options } = JSON.parse(readFileSync(file, "utf8")) as GitHubOptions & {
    tls?: { key?: string; cert?: string; keyFile?: string; certFile?: string };
  };
  const print = (line: object) => process.stdout.write(`${JSON.stringify({ standIn: "github", ...line })}\n`);
  const pem = (text?: string, path?: string) => text ?? readFileSync(path ?? "", "utf8");
  const github = await startGitHub({
    ...options,
    ...(tls && { tls: { key: pem(tls.key, tls.keyFile), cert: pem(tls.cert, tls.certFile) } }),
    onRequest: print,
  });
  print({ ready: true, apiUrl: github.apiUrl, controlUrl: github.controlUrl });
  const stop = () => void github.close().then(() => process.exit(0));
  process.once("SIGINT", stop);
  process.once("SIGTERM", stop);
}

main().catch((error: Error) => {
  process.stderr.write(`GitHub stand-in: ${error.message}\n`);
  process.exit(1);
});
