import { constants } from "node:fs";
import { access, cp, symlink } from "node:fs/promises";
import { join } from "node:path";

/**
 * Builds the runner's directory for one job. The listener writes its registration beside its `bin/` and a job may change
 * what lies there, so `bin/` is copied anew each time; `externals/` is only read and linked.
 * @returns the path of the listener
 */
export async function buildRunnerHome(source: string, home: string): Promise<string> {
  await cp(join(source, "bin"), join(home, "bin"), {
    recursive: true,
    mode: constants.COPYFILE_FICLONE,
    verbatimSymlinks: true,
  });
  await symlink(join(source, "externals"), join(home, "externals"));
  const listener = join(home, "bin", "Runner.Listener");
  await access(listener, constants.X_OK);
  return listener;
}
