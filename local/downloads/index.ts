import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { buildRunnerTarball } from "../github/tarball";
import { root, stateDir } from "../lib/paths";
import { portFor } from "../lib/ports";
import { startProcess } from "../lib/processes";
import { withTypeScript } from "../lib/typescript";

/** The end-of-archive record of a zip file without entries: a jar that Java opens and finds no program in. */
const emptyJar = Buffer.concat([Buffer.from([0x50, 0x4b, 0x05, 0x06]), Buffer.alloc(18)]);

/**
 * Makes the stand-ins for what the image build downloads, and serves them.
 * @returns the build arguments that name them
 */
export async function serveDownloads(): Promise<Record<string, string>> {
  const directory = join(stateDir, "downloads");
  mkdirSync(directory, { recursive: true });
  const tarball = await buildRunnerTarball(directory, { version: "2.337.0" });
  writeFileSync(join(directory, "digdag.jar"), emptyJar);
  const port = await portFor("downloads", 5081);
  const url = (name: string) => `http://127.0.0.1:${port}/${name}`;
  await startProcess(
    "downloads",
    process.execPath,
    [...withTypeScript, join(__dirname, "main.ts"), directory, String(port)],
    {
      cwd: root,
      ready: async () => (await fetch(url("digdag.jar"), { method: "HEAD" })).ok,
    },
  );
  return {
    RUNNER_URL: url(basename(tarball.path)),
    RUNNER_SHA256: tarball.sha256,
    DIGDAG_URL: url("digdag.jar"),
    DIGDAG_SHA256: createHash("sha256").update(emptyJar).digest("hex"),
  };
}
