import { createHash } from "node:crypto";
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join, relative } from "node:path";
import ignore from "ignore";

const EXECUTABLE = 0o111;

/**
 * Hexadecimal SHA-256 over what a build reads: every file of the context that `.dockerignore` leaves in (path, whether it is
 * executable, content) and the Dockerfile, wherever that lies.
 */
export function contextDigest(context: string, dockerfile: string): string {
  const hash = createHash("sha256");
  const ignoreFile = join(context, ".dockerignore");
  const patterns = existsSync(ignoreFile) ? readFileSync(ignoreFile, "utf8").split(/\r?\n/) : [];
  const ignored = ignore().add(patterns.flatMap(fromContextRoot));
  const add = (name: string, path: string) => {
    const stat = lstatSync(path);
    const content = stat.isSymbolicLink() ? readlinkSync(path) : readFileSync(path);
    const type = stat.isSymbolicLink() ? "link" : (stat.mode & EXECUTABLE) !== 0 ? "program" : "file";
    hash.update(`${JSON.stringify(name)} ${type} ${createHash("sha256").update(content).digest("hex")}\n`);
  };
  for (const path of filesUnder(context)) {
    const name = relative(context, path).replaceAll("\\", "/");
    if (!ignored.ignores(name)) {
      add(name, path);
    }
  }
  add("Dockerfile", dockerfile);
  return hash.digest("hex");
}

/** Docker's patterns start at the context's root, those of `ignore` match at any depth unless they start with a slash. */
function fromContextRoot(pattern: string): string[] {
  const text = pattern.trim();
  return text === "" || text.startsWith("#") ? [] : [text.replace(/^(!?)\/*/, "$1/")];
}

function filesUnder(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(directory, entry.name);
      return entry.isDirectory() ? filesUnder(path) : entry.isFile() || entry.isSymbolicLink() ? [path] : [];
    });
}
