import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { build } from "esbuild";
import { pack } from "tar-stream";

/** A built tarball. */
export interface RunnerTarball {
  path: string;
  /** Hexadecimal. */
  sha256: string;
}

interface RunnerFile {
  mode: number;
  text: string;
}

// $0 is resolved first: the supervisor may reach bin/ by any path, and externals/ may be a link.
const launcher = (program: string) => `#!/bin/sh
bin=$(dirname "$(readlink -f "$0")")
exec "$bin/../externals/node24/bin/node" --title=${program} "$bin/${program}.js" "$@"
`;

const runScript = `#!/bin/bash
# Stand-in for GitHub's run.sh, with its way of hiding the listener's code.
if [ "$(id -u)" -eq 0 ] && [ -z "$RUNNER_ALLOW_RUNASROOT" ]; then echo "Must not run interactively with sudo"; exit 1; fi
"$(dirname "$(readlink -f "$0")")/bin/Runner.Listener" run $*
code=$?
[ $code -eq 7 ] && exit 7
exit 0
`;

const configScript = `#!/bin/bash
echo "This is a stand-in for GitHub's runner: it knows just-in-time configurations only." >&2
exit 1
`;

/**
 * What the real archive holds beside the programs: a few bytes under the real names, so that what the image leaves out and
 * what it keeps is there to be left out and kept.
 */
const placeholders = [
  "env.sh",
  "run-helper.cmd.template",
  "run-helper.sh.template",
  "safe_sleep.sh",
  "bin/RunnerService.js",
  "bin/actions.runner.plist.template",
  "bin/actions.runner.service.template",
  "bin/checkScripts/downloadCert.js",
  "bin/checkScripts/makeWebRequest.js",
  "bin/darwin.svc.sh.template",
  "bin/hashFiles/index.js",
  "bin/installdependencies.sh",
  "bin/macos-run-invoker.js",
  "bin/runsvc.sh",
  "bin/systemd.svc.sh.template",
  "bin/update.cmd.template",
  "bin/update.sh.template",
  ...["node20", "node24"].flatMap((node) =>
    [
      "CHANGELOG.md",
      "LICENSE",
      "README.md",
      "bin/corepack",
      "bin/npm",
      "bin/npx",
      "include/node/node.h",
      "lib/node_modules/corepack/package.json",
      "lib/node_modules/npm/package.json",
      "share/man/man1/node.1",
    ].map((file) => `externals/${node}/${file}`),
  ),
  "externals/node20_alpine/bin/node",
  "externals/node24_alpine/bin/node",
];

/** When GitHub released the version that the local system names; the real archive's files are about as old. */
const modified = new Date("2026-08-26T00:00:00Z");

/** Bundles one program of `runner/` into a plain script without dependencies. */
async function bundle(program: "listener" | "worker", version: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(__dirname, "runner", `${program}.ts`)],
    bundle: true,
    platform: "node",
    target: "node20",
    format: "cjs",
    write: false,
    absWorkingDir: __dirname,
    define: { RUNNER_VERSION: JSON.stringify(version) },
  });
  return outputFiles[0]?.text ?? "";
}

/** Everything in the tarball but Node, by path. */
export async function runnerFiles(version: string): Promise<Record<string, RunnerFile>> {
  const script = (text: string) => ({ mode: 0o755, text });
  const placeholder = { mode: 0o755, text: "# placeholder of a stand-in\n" };
  return {
    ...Object.fromEntries(placeholders.map((name) => [name, placeholder])),
    "bin/STAND-IN": { mode: 0o644, text: `Stand-in for actions/runner ${version}; not GitHub's program.\n` },
    "bin/Runner.Listener": script(launcher("Runner.Listener")),
    "bin/Runner.Listener.js": { mode: 0o644, text: await bundle("listener", version) },
    "bin/Runner.Worker": script(launcher("Runner.Worker")),
    "bin/Runner.Worker.js": { mode: 0o644, text: await bundle("worker", version) },
    "config.sh": script(configScript),
    "run.sh": script(runScript),
  };
}

/**
 * Builds a stand-in for GitHub's runner tarball, in its layout, with one Node as node20 and node24. The same sources, version
 * and Node give the same bytes; one that exists already is not built again.
 * @param directory where it goes; created when missing
 * @param options version that the listener says it has; path of the Node program, by default the one that runs this
 */
export async function buildRunnerTarball(
  directory: string,
  { version, nodePath = process.execPath }: { version: string; nodePath?: string },
): Promise<RunnerTarball> {
  const files = await runnerFiles(version);
  const node = await readFile(nodePath);
  const key = createHash("sha256")
    .update(JSON.stringify([files, modified]))
    .update(node)
    .digest("hex");
  const arch = process.arch === "arm64" ? "arm64" : "x64";
  const path = join(directory, `actions-runner-linux-${arch}-${version}.tar.gz`);
  const record = `${path}.json`;
  const known = await readFile(record, "utf8").then(JSON.parse, () => undefined);
  if (known?.key === key && (await stat(path).catch(() => undefined))?.size === known.size)
    return { path, sha256: known.sha256 };
  await mkdir(directory, { recursive: true });
  const draft = `${path}.${process.pid}.part`;
  try {
    await write(draft, files, node);
    const sha256 = await digest(draft);
    await rename(draft, path);
    await writeFile(record, JSON.stringify({ key, sha256, size: (await stat(path)).size }));
    return { path, sha256 };
  } finally {
    await rm(draft, { force: true });
  }
}

async function write(path: string, files: Record<string, RunnerFile>, node: Buffer): Promise<void> {
  const archive = pack();
  const written = pipeline(archive, createGzip({ level: 1 }), createWriteStream(path));
  const common = { mtime: modified, uid: 0, gid: 0 };
  for (const name of directoriesOf([...Object.keys(files), "externals/node24/bin/node"]))
    archive.entry({ ...common, name, type: "directory", mode: 0o755 });
  for (const [name, { mode, text }] of Object.entries(files)) archive.entry({ ...common, name, mode }, text);
  archive.entry({ ...common, name: "externals/node24/bin/node", mode: 0o755 }, node);
  const link = { name: "externals/node20/bin/node", linkname: "externals/node24/bin/node" };
  archive.entry({ ...common, ...link, type: "link", mode: 0o755 });
  archive.finalize();
  await written;
}

/** Every directory above the given files, each before those in it. */
function directoriesOf(files: string[]): string[] {
  const directories = files.flatMap((file) =>
    [...file.matchAll(/\//g)].map(({ index }) => file.slice(0, index + 1)),
  );
  return [...new Set(directories)].sort();
}

async function digest(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}
