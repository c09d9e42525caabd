import { copyFileSync, linkSync, mkdirSync, realpathSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import * as sdk from "@pulumi/pulumi/version";
import { findCommand } from "../install";
import { cacheDir, stateDir } from "../lib/paths";
import { type Report, run } from "../lib/run";
import { withTypeScript } from "../lib/typescript";
import { type GoModule, goBuild, isBuilt, quickBuild } from "./goBuild";
import { withLock } from "./lock";

/** The version that is built: the one nearest to the SDK's that the Go module proxy and its checksums have complete. */
const version = "3.255.0";

/** Time for a whole download; a machine without internet is told apart long before. */
const downloadSeconds = 300;

const probeSeconds = 8;

/** The engine and its language host side by side, as the official ones are: the engine warns of any other place. */
const assembled = join(stateDir, "engine");

/** Makes the SDK of a package for Node.js, which Pulumi's own language host has built in. */
const sdkGenerator = "pulumi-generate-sdk-nodejs";

const cli: GoModule = {
  name: "pulumi",
  directory: join(__dirname, "pulumi-cli"),
  programs: { pulumi: "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi", [sdkGenerator]: "./generate-sdk" },
  flags: [
    ...quickBuild,
    `-ldflags=-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v${version}`,
  ],
};

/** Keeps a `pulumi` away from the person's own Pulumi directory. */
const engineEnvironment = (): NodeJS.ProcessEnv => ({
  ...process.env,
  PULUMI_HOME: join(stateDir, "pulumi-home"),
  PULUMI_SKIP_UPDATE_CHECK: "true",
});

/** Says what a `pulumi` binary calls itself, or throws when it does not run. */
async function versionOf(pulumi: string): Promise<string> {
  const { stdout } = await run(pulumi, ["version"], {
    env: engineEnvironment(),
    timeoutSeconds: 60,
  });
  return stdout.trim();
}

const runs = (pulumi: string): Promise<boolean> =>
  versionOf(pulumi).then(
    () => true,
    () => false,
  );

/** Directory of an official engine on PATH, which has its language host beside it. */
async function installedEngine(report: Report): Promise<string | undefined> {
  const pulumi = findCommand("pulumi");
  if (!pulumi) return undefined;
  const directory = [dirname(pulumi), dirname(realpathSync(pulumi))].find((candidate) =>
    findCommand(join(candidate, "pulumi-language-nodejs")),
  );
  if (!directory) {
    report(`${pulumi} is not used: there is no pulumi-language-nodejs beside it`);
    return undefined;
  }
  report(`pulumi ${await versionOf(pulumi)} on PATH`);
  return directory;
}

async function downloadedEngine(report: Report): Promise<string | undefined> {
  const root = join(cacheDir, "pulumi", `official-${sdk.version}`);
  const directory = join(root, "bin");
  const pulumi = join(directory, "pulumi");
  if (await runs(pulumi)) return directory;
  if (await isBuilt(cli)) return undefined; // it was not possible before, and trying again takes its time
  try {
    rmSync(root, { recursive: true, force: true }); // what an interrupted download left
    await fetch("https://get.pulumi.com/install.sh", {
      method: "HEAD",
      signal: AbortSignal.timeout(probeSeconds * 1000),
    });
    report(`downloading pulumi ${sdk.version}`);
    // A process of its own under timeout(1), which ends all that the installer started: the API itself cannot.
    const script = join(__dirname, "download.ts");
    const node = [process.execPath, ...withTypeScript, script, root];
    await run("timeout", ["--kill-after=5", String(downloadSeconds), ...node], {
      env: engineEnvironment(),
      report,
    });
    await versionOf(pulumi);
    return directory;
  } catch (error) {
    const { message, cause } = error as Error;
    const reason = cause instanceof Error ? `${message} (${cause.message})` : message;
    report(`the official pulumi could not be downloaded: ${reason.split("\n").at(-1)}`);
    return undefined;
  }
}

/** Puts a file in its place in one step, since a command may be starting from there. */
function place(name: string, make: (path: string) => void): void {
  const unfinished = join(assembled, `${name}.${process.pid}`);
  rmSync(unfinished, { force: true });
  make(unfinished);
  renameSync(unfinished, join(assembled, name));
  rmSync(unfinished, { force: true }); // rename(2) leaves it when it is the same file as the one in place
}

function assemble(directory: string): string {
  mkdirSync(assembled, { recursive: true });
  for (const program of Object.keys(cli.programs)) {
    place(program, (path) => {
      try {
        linkSync(join(directory, program), path); // the engine looks beside its own resolved path: a symbolic link would not do
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EXDEV") throw error;
        copyFileSync(join(directory, program), path);
      }
    });
  }
  const languageHost = "pulumi-language-nodejs";
  place(languageHost, (path) => symlinkSync(join(__dirname, "language-host", languageHost), path));
  return assembled;
}

async function builtEngine(report: Report): Promise<string> {
  const directory = await goBuild(cli, { report });
  const built = await versionOf(join(directory, "pulumi"));
  if (built !== `v${version}`)
    throw new Error(`the pulumi built in ${directory} says it is ${built}, not v${version}`);
  return assemble(directory);
}

/**
 * Finds or makes a Pulumi engine with a language host for Node.js: the one on PATH, else the official download,
 * else one built from its Go module, each only where the one before is impossible. Nothing is written to the
 * person's own Pulumi directory.
 * @returns directories to put first on PATH, in this order
 */
export async function ensureEngine({ report }: { report: Report }): Promise<{ path: string[] }> {
  const waiting = () => report("waiting for another process that looks for the engine");
  const download = () => withLock("pulumi-download", waiting, () => downloadedEngine(report));
  const official = (await installedEngine(report)) ?? (await download());
  return { path: [official ?? (await builtEngine(report))] };
}
