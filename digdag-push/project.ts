import * as fs from "node:fs";
import * as path from "node:path";
import ignore, { type Ignore } from "ignore";
import { EXIT, messageOf, type Problem, PushError, printable } from "./errors";
import { ARCHIVE_LIMIT } from "./limits";

/** One entry of the archive. */
export type ProjectEntry =
  | { kind: "file"; path: string; executable: boolean; content: Buffer }
  /** `target` is relative to the folder the link is in. */
  | { kind: "link"; path: string; target: string };

/** What would be uploaded, in the order of the archive. */
export interface Project {
  /** Absolute, links resolved. */
  directory: string;
  entries: ProjectEntry[];
  /** Sum of the file sizes in bytes, which Digdag limits like the archive. */
  unpackedBytes: number;
}

/** Files that are workflows: `*.dig` at the top level, and only there. */
export const isWorkflowPath = (file: string): boolean => /^[^/]+\.dig$/.test(file);

/**
 * Reads the project as the official client does: everything under `directory` except names that start with a dot and
 * what `.digdagignore` (gitignore syntax) excludes.
 *
 * @throws PushError (exit code 2) with every fault found: not a project, a link out of it, too large, unreadable.
 */
export function readProject(directory: string): Project {
  const root = openProject(directory);
  const walk = new Walk(root, readIgnoreFile(root));
  walk.visit("");
  const entries = sortByPath(walk.entries);
  checkLinkTargets(walk);
  if (walk.problems.length > 0) throw refusal(directory, walk.problems);
  if (!entries.some((entry) => isWorkflowPath(entry.path))) {
    throw new PushError(EXIT.refused, `.digdagignore excludes every workflow of ${printable(directory)}`, {
      advice:
        "Digdag would accept this push and remove all schedules. Correct .digdagignore so that at least one *.dig file stays.",
    });
  }
  return { directory: root, entries, unpackedBytes: walk.bytes };
}

/** A copy in the byte order of the paths, which no locale or file system changes. */
export function sortByPath(entries: readonly ProjectEntry[]): ProjectEntry[] {
  return entries
    .map((entry) => ({ entry, key: Buffer.from(entry.path) }))
    .sort((a, b) => Buffer.compare(a.key, b.key))
    .map(({ entry }) => entry);
}

function refusal(directory: string, problems: Problem[]): PushError {
  problems.sort((a, b) => ((a.file ?? "") < (b.file ?? "") ? -1 : 1));
  const noun = problems.length === 1 ? "one problem" : `${problems.length} problems`;
  return new PushError(EXIT.refused, `${printable(directory)} cannot be pushed: ${noun}`, { problems });
}

/** Checks that the directory is a project before anything below it is read: it may be `/` by mistake. */
function openProject(directory: string): string {
  let names: string[];
  let root: string;
  try {
    root = fs.realpathSync(directory);
    names = fs.readdirSync(root);
  } catch (error) {
    throw new PushError(EXIT.refused, `the project directory cannot be read: ${messageOf(error)}`, {
      advice: "Give the folder that holds the project's *.dig files: --directory DIR.",
    });
  }
  if (!names.some((name) => isWorkflowPath(name) && !name.startsWith("."))) {
    throw new PushError(EXIT.refused, `${printable(directory)} has no *.dig file at its top level`, {
      advice:
        "Digdag would accept this push and remove every workflow and schedule of the project. " +
        "Give the folder that holds the *.dig files: --directory DIR.",
    });
  }
  return root;
}

/** As git on Linux and Digdag's own client tell `A` from `a`. */
const caseSensitive = (): Ignore => ignore({ ignorecase: false });

function readIgnoreFile(root: string): Ignore {
  const file = path.join(root, ".digdagignore");
  try {
    return caseSensitive().add(fs.readFileSync(file, "utf8"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return caseSensitive();
    throw new PushError(EXIT.refused, `.digdagignore cannot be read: ${messageOf(error)}`);
  }
}

class Walk {
  readonly entries: ProjectEntry[] = [];
  readonly folders = new Set<string>();
  readonly problems: Problem[] = [];
  bytes = 0;

  constructor(
    readonly root: string,
    private readonly ignored: Ignore,
  ) {}

  visit(folder: string): void {
    for (const item of this.list(folder)) {
      const file = folder === "" ? item.name : `${folder}/${item.name}`;
      if (item.name.startsWith(".")) continue;
      if (this.ignored.ignores(item.isDirectory() ? `${file}/` : file)) continue;
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
      if (/[\u0000-\u001f\u007f]/.test(item.name)) {
        this.problems.push({
          message: `the name ${JSON.stringify(file)} holds a control character; rename it`,
        });
      } else {
        this.add(file, item);
      }
    }
  }

  private list(folder: string): fs.Dirent[] {
    try {
      return fs.readdirSync(path.join(this.root, folder), { withFileTypes: true });
    } catch (error) {
      this.problems.push({ file: folder, message: `cannot be read: ${messageOf(error)}` });
      return [];
    }
  }

  private add(file: string, item: fs.Dirent): void {
    if (item.isDirectory()) {
      this.folders.add(file);
      this.visit(file);
    } else if (item.isSymbolicLink()) {
      this.addLink(file);
    } else if (item.isFile()) {
      this.addFile(file);
    } else {
      this.problems.push({
        file,
        message: "is neither a file, a folder nor a link; remove it or exclude it in .digdagignore",
      });
    }
  }

  private addFile(file: string): void {
    const full = path.join(this.root, file);
    try {
      const { size, mode } = fs.statSync(full);
      const wasTooLarge = this.bytes > ARCHIVE_LIMIT;
      this.bytes += size;
      if (this.bytes > ARCHIVE_LIMIT) {
        // Said once, at the first file beyond the limit; the rest is counted but not read.
        if (!wasTooLarge) this.problems.push(tooLarge(file, size));
        return;
      }
      this.entries.push({
        kind: "file",
        path: file,
        executable: (mode & 0o100) !== 0,
        content: fs.readFileSync(full),
      });
    } catch (error) {
      this.problems.push({ file, message: `cannot be read: ${messageOf(error)}` });
    }
  }

  private addLink(file: string): void {
    const full = path.join(this.root, file);
    const target = fs.readlinkSync(full);
    const pointsAt = path.resolve(path.dirname(full), target);
    let real: string;
    try {
      real = fs.realpathSync(full);
    } catch {
      this.problems.push({ file, message: `is a link to ${printable(target)}, which does not exist` });
      return;
    }
    if (!isInside(this.root, pointsAt) || !isInside(this.root, real)) {
      this.problems.push({
        file,
        message: `is a link to ${printable(target)}, outside the project; Digdag would not find it: copy the file into the project`,
      });
    } else if (isWorkflowPath(file) && fs.statSync(full).isFile()) {
      // The server reads definitions from the archive without following links, so a linked workflow would be empty.
      this.addFile(file);
    } else {
      this.entries.push({
        kind: "link",
        path: file,
        target: path.relative(path.dirname(full), pointsAt) || ".",
      });
    }
  }
}

function tooLarge(file: string, size: number): Problem {
  return {
    file,
    message:
      `with this file (${size} bytes) the project exceeds Digdag's limit of ${ARCHIVE_LIMIT} bytes; ` +
      "exclude what workflows do not need in .digdagignore (.gitignore is not read)",
  };
}

/** A link is of use only when what it points at is uploaded too. */
function checkLinkTargets(walk: Walk): void {
  const uploaded = new Set([...walk.folders, ...walk.entries.map((entry) => entry.path), ""]);
  for (const entry of walk.entries) {
    if (entry.kind !== "link") continue;
    const target = path.posix.normalize(path.posix.join(path.posix.dirname(entry.path), entry.target));
    if (uploaded.has(target === "." ? "" : target) || throughLinkedFolder(walk, target)) continue;
    walk.problems.push({
      file: entry.path,
      message: `is a link to ${printable(target)}, which is not part of the upload (a dotfile, or excluded by .digdagignore)`,
    });
  }
}

function throughLinkedFolder(walk: Walk, target: string): boolean {
  return walk.entries.some((entry) => entry.kind === "link" && target.startsWith(`${entry.path}/`));
}

function isInside(root: string, target: string): boolean {
  const relative = path.relative(root, target);
  return relative !== ".." && !relative.startsWith(`..${path.sep}`) && !path.isAbsolute(relative);
}
