import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ensurePackages } from "../install";
import { cacheDir } from "../lib/paths";
import { type Report, run } from "../lib/run";

const VERSION = "5.2.5";
const INSTALL_SECONDS = 600;

/**
 * The path of moto's server, installed into a virtual environment of the cache directory the first time (about a minute).
 *
 * @throws when Python cannot make a virtual environment, or pip cannot reach a package index
 */
export async function ensureMoto(report?: Report): Promise<string> {
  const directory = join(cacheDir, `moto-${VERSION}`);
  const binary = join(directory, "bin", "moto_server");
  // The last thing the installation makes: its presence means that nothing was interrupted.
  const complete = join(directory, ".complete");
  if (existsSync(complete)) {
    return binary;
  }
  await ensureVirtualEnvironments(report);
  report?.(`installing moto ${VERSION}`);
  mkdirSync(cacheDir, { recursive: true });
  // Its scripts carry the absolute path of the directory, so it cannot be made elsewhere and moved into place.
  rmSync(directory, { recursive: true, force: true });
  await run("python3", ["-m", "venv", directory], { report, timeoutSeconds: INSTALL_SECONDS });
  const pip = ["install", "--quiet", "--disable-pip-version-check", `moto[server]==${VERSION}`];
  await run(join(directory, "bin", "pip"), pip, { report, timeoutSeconds: INSTALL_SECONDS });
  mkdirSync(`${complete}.new`);
  renameSync(`${complete}.new`, complete);
  return binary;
}

/** Debian's python3 makes virtual environments only with a package of its own. */
async function ensureVirtualEnvironments(report: Report = () => {}): Promise<void> {
  const { code } = await run("python3", ["-c", "import ensurepip, venv"], { allowFailure: true });
  if (code === 0) return;
  const { stdout } = await run("python3", ["-c", "import sysconfig; print(sysconfig.get_path('stdlib'))"]);
  await ensurePackages([{ command: join(stdout.trim(), "ensurepip"), debianPackage: "python3-venv" }], {
    report,
  });
}

/** Arguments for {@link ensureMoto}'s binary. It serves on loopback only. */
export function motoArguments(port: number): string[] {
  return ["-H", "127.0.0.1", "-p", String(port)];
}

/** Whether moto answers at `endpoint`. Not asked for its data, which takes seconds once it holds some. */
export async function motoAnswers(endpoint: string): Promise<boolean> {
  try {
    const response = await fetch(`${endpoint}/moto-api/config`, { signal: AbortSignal.timeout(2_000) });
    return response.ok;
  } catch {
    return false;
  }
}
