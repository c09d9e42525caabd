import { execFile } from "node:child_process";
import { promisify } from "node:util";

const TRUST = [
  // In a container the checkout often belongs to another user, which git would refuse to read.
  ...["-c", "safe.directory=*"],
  // A folder of a pull request that looks like a repository is none: its configuration could name programs to run.
  ...["-c", "safe.bareRepository=explicit", "-c", "core.fsmonitor=false"],
];

/** What git prints. Throws the error of execFile, with git's exit code as `code`. */
export async function git(directory: string, argv: readonly string[]): Promise<string> {
  const options = { timeout: 20_000, maxBuffer: 64 * 1024 * 1024 };
  return (await promisify(execFile)("git", [...TRUST, "-C", directory, ...argv], options)).stdout;
}

/**
 * Which of the folders differ between a commit and the working tree, ignored files aside; undefined when git does not
 * know the commit.
 *
 * @param groups folders by what they belong to, relative to `directory`
 */
export async function changedSince(
  directory: string,
  commit: string,
  groups: ReadonlyMap<string, readonly string[]>,
): Promise<Set<string> | undefined> {
  try {
    await git(directory, ["cat-file", "-e", `${commit}^{commit}`]);
    const changed = new Set<string>();
    for (const [name, folders] of groups) {
      const paths = folders.map((folder) => `:(literal)${folder}`);
      const compared = await git(directory, ["diff", "--name-only", "-z", commit, "--", ...paths]);
      const fresh = await git(directory, [
        "ls-files",
        "--others",
        "--exclude-standard",
        "-z",
        "--",
        ...paths,
      ]);
      if (compared !== "" || fresh !== "") changed.add(name);
    }
    return changed;
  } catch {
    return undefined;
  }
}
