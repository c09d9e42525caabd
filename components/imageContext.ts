import { createHash } from "node:crypto";
import { chmodSync, existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, posix } from "node:path";
import ignore from "ignore";

/**
 * The files that Docker sends to the builder, relative to `directory` and sorted: all but what `.dockerignore` excludes,
 * and the Dockerfile in any case.
 * Docker's patterns start at the root of the context, those of `ignore` match anywhere unless they start with a slash.
 */
export function contextFiles(directory: string): string[] {
  const ignoreFile = join(directory, ".dockerignore");
  const patterns = existsSync(ignoreFile) ? readFileSync(ignoreFile, "utf8").split(/\r?\n/) : [];
  const excluded = ignore().add(
    patterns
      .map((pattern) => pattern.trim())
      .filter((pattern) => pattern !== "" && !pattern.startsWith("#"))
      .map((pattern) => pattern.replace(/^(!?)\/*/, "$1/")),
  );
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => posix.relative(directory, posix.join(entry.parentPath, entry.name)))
    .filter((file) => file === "Dockerfile" || !excluded.ignores(file))
    .sort();
}

/**
 * Gives the context's files the modes that Git knows, 0644 or 0755: the Docker provider hashes every bit, so two checkouts
 * with different umasks would otherwise build the same tag twice, and a registry with immutable tags refuses the second.
 */
export function normalizeModes(directory: string): void {
  for (const file of contextFiles(directory)) {
    const path = join(directory, file);
    const mode = statSync(path).mode & 0o777;
    const wanted = mode & 0o111 ? 0o755 : 0o644;
    if (mode !== wanted) chmodSync(path, wanted);
  }
}

/**
 * A tag that stands for everything an image is built from: the context's files with their modes, and the arguments.
 * Tags in the registry are immutable, so the same tag must mean the same inputs and other inputs another tag.
 * @returns 20 hexadecimal digits
 */
export function contentTag(directory: string, inputs: Record<string, string>): string {
  const hash = createHash("sha256");
  const add = (part: string | Buffer) => hash.update(`${part.length}:`).update(part);
  for (const key of Object.keys(inputs).sort()) {
    add(key);
    add(Buffer.from(inputs[key] ?? ""));
  }
  for (const file of contextFiles(directory)) {
    const path = join(directory, file);
    add(file);
    add(statSync(path).mode & 0o111 ? "executable" : "plain");
    add(readFileSync(path));
  }
  return hash.digest("hex").slice(0, 20);
}
