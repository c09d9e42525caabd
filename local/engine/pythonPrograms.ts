import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ensurePackages } from "../install";
import { cacheDir } from "../lib/paths";
import { type Report, run } from "../lib/run";
import { withLock } from "./lock";

const INSTALL_SECONDS = 600;

/** Python packages that are installed together. */
export interface PythonPackages {
  /** Directory name in the cache; it names the versions, because what is there is not installed again. */
  name: string;
  /** As pip takes them, `moto[server]==5.2.5`. */
  requirements: string[];
}

/**
 * The directory of a virtual environment with the packages, made in the cache the first time. Concurrent callers wait for
 * the one that installs.
 *
 * @throws when Python cannot make a virtual environment, or pip cannot reach a package index
 */
export async function installPython(
  { name, requirements }: PythonPackages,
  report: Report = () => {},
): Promise<string> {
  const directory = join(cacheDir, name);
  // The last thing the installation makes: its presence means that nothing was interrupted.
  const complete = join(directory, ".complete");
  if (existsSync(complete)) return directory;
  await withLock(
    name,
    () => report("waiting for another process that installs the same"),
    async () => {
      if (existsSync(complete)) return;
      await ensureVirtualEnvironments(report);
      report(`installing ${requirements.join(" and ")}`);
      mkdirSync(cacheDir, { recursive: true });
      // Its scripts carry the absolute path of the directory, so it cannot be made elsewhere and moved into place.
      rmSync(directory, { recursive: true, force: true });
      await run("python3", ["-m", "venv", directory], { report, timeoutSeconds: INSTALL_SECONDS });
      const pip = ["install", "--quiet", "--disable-pip-version-check", ...requirements];
      await run(join(directory, "bin", "pip"), pip, { report, timeoutSeconds: INSTALL_SECONDS });
      mkdirSync(`${complete}.new`);
      renameSync(`${complete}.new`, complete);
    },
  );
  return directory;
}

/** Debian's python3 makes virtual environments only with a package of its own. */
async function ensureVirtualEnvironments(report: Report): Promise<void> {
  const { code } = await run("python3", ["-c", "import ensurepip, venv"], { allowFailure: true });
  if (code === 0) return;
  const { stdout } = await run("python3", ["-c", "import sysconfig; print(sysconfig.get_path('stdlib'))"]);
  await ensurePackages([{ command: join(stdout.trim(), "ensurepip"), debianPackage: "python3-venv" }], {
    report,
  });
}
