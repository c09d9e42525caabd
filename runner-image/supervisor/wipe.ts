import type { Dirent } from "node:fs";
import { chmod, lstat, readdir, rename, rmdir, unlink } from "node:fs/promises";

/** Paths are bytes: a job may use names that are no valid text. */
type Path = Buffer;

const SEPARATOR = Buffer.from("/");
/** A job can nest directories deeper than a path can be long; such a directory is moved up before it is emptied. */
const LONGEST_PATH = 2000;

/**
 * Empties directories and keeps the directories themselves, which are mount points. A directory that does not exist is left
 * out. No other process may run: what is removed here must not change meanwhile. Throws when anything is left.
 */
export async function emptyDirectories(directories: string[]): Promise<void> {
  for (const directory of directories) await emptyDirectory(directory);
}

async function emptyDirectory(directory: string): Promise<void> {
  const root = Buffer.from(directory);
  const stats = await lstat(root).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (stats === undefined) return;
  if (!stats.isDirectory()) throw new Error(`${directory} in WORK_DIRS is not a directory`);
  if (stats.uid === process.getuid?.()) await chmod(root, stats.mode | 0o700);

  let moved = 0;
  const moveUp = async (path: Path): Promise<Path> => {
    const target = child(root, Buffer.from(`.wipe-${process.pid}-${Date.now()}-${moved++}`));
    await rename(path, target);
    return target;
  };
  for (;;) {
    const movedBefore = moved;
    for (const entry of await list(root)) await remove(child(root, entry.name), entry.isDirectory(), moveUp);
    if (moved === movedBefore) return;
  }
}

async function remove(
  path: Path,
  isDirectory: boolean,
  moveUp: (path: Path) => Promise<Path>,
): Promise<void> {
  if (!isDirectory) return unlink(path);
  await chmod(path, 0o700);
  if (path.length > LONGEST_PATH) {
    await moveUp(path);
    return;
  }
  for (const entry of await list(path)) await remove(child(path, entry.name), entry.isDirectory(), moveUp);
  await rmdir(path);
}

function child(parent: Path, name: Path): Path {
  return Buffer.concat([parent, SEPARATOR, name]);
}

async function list(path: Path): Promise<Dirent<Buffer>[]> {
  return readdir(path, { encoding: "buffer", withFileTypes: true });
}
