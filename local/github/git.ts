import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, normalize, resolve } from "node:path";
import { promisify } from "node:util";
import type { Reply } from "./http";

const run = promisify(execFile);
/** Commits are made at fixed times so that the same files give the same SHA on every machine. */
const firstCommitTime = Date.parse("2026-01-01T00:00:00Z") / 1000;

/** Bare repositories in one directory, served as plain files ("dumb" HTTP, which knows no shallow clones). */
export class GitStore {
  private readonly heads = new Map<string, string>();
  private last: Promise<unknown> = Promise.resolve();

  private constructor(private readonly directory: string) {}

  /** Opens the store, with the repositories that an earlier run left there. */
  static async open(directory: string): Promise<GitStore> {
    await mkdir(directory, { recursive: true });
    const store = new GitStore(resolve(directory));
    for (const owner of await readdir(directory))
      for (const entry of await readdir(join(directory, owner))) {
        const name = `${owner}/${entry.replace(/\.git$/, "")}`;
        // A repository whose creation was interrupted has no commit; it is created anew.
        const sha = await store.git(name, ["rev-parse", "--verify", "main"]).catch(() => undefined);
        if (sha) store.heads.set(name.toLowerCase(), sha);
      }
    return store;
  }

  /** The newest commit, or undefined for an unknown repository. */
  head(repository: string): string | undefined {
    return this.heads.get(repository.toLowerCase());
  }

  /**
   * Commits the files of `directory` to `main`, except those its own .gitignore files exclude. It may lie inside another Git
   * repository and may be one itself.
   * @throws Error when the name is not `owner/name` or the directory does not exist
   */
  commit(repository: string, directory: string, message: string): Promise<{ sha: string }> {
    const next = this.last.then(() => this.commitNow(repository, directory, message));
    this.last = next.catch(() => undefined);
    return next;
  }

  private async commitNow(repository: string, directory: string, message: string): Promise<{ sha: string }> {
    if (!/^[\w.-]+\/[\w.-]+$/.test(repository) || repository.includes(".."))
      throw new Error(`A repository is named owner/name; "${repository}" is not.`);
    if (!(await stat(directory).catch(() => undefined))?.isDirectory())
      throw new Error(`There is no directory ${directory} to commit to ${repository}.`);
    const parent = this.head(repository);
    if (!parent) await this.create(repository);
    const scratch = await mkdtemp(join(tmpdir(), "github-stand-in-index-"));
    try {
      const files = { GIT_WORK_TREE: resolve(directory), GIT_INDEX_FILE: join(scratch, "index") };
      await this.git(repository, ["add", "--all", "."], files, directory);
      const tree = await this.git(repository, ["write-tree"], files);
      if (parent && (await this.git(repository, ["rev-parse", `${parent}^{tree}`])) === tree)
        return { sha: parent };
      const count = parent ? Number(await this.git(repository, ["rev-list", "--count", parent])) : 0;
      const parents = parent ? ["-p", parent] : [];
      const date = `${firstCommitTime + count} +0000`;
      const sha = await this.git(repository, ["commit-tree", tree, ...parents, "-m", message], {
        GIT_AUTHOR_DATE: date,
        GIT_COMMITTER_DATE: date,
      });
      await this.git(repository, ["update-ref", "refs/heads/main", sha]);
      await this.git(repository, ["update-server-info"]);
      this.heads.set(repository.toLowerCase(), sha);
      return { sha };
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  }

  private async create(repository: string): Promise<void> {
    const path = this.path(repository);
    await rm(path, { recursive: true, force: true });
    await mkdir(path, { recursive: true });
    await this.git(repository, ["init", "--quiet", "--bare", "--initial-branch=main", path]);
  }

  private path(repository: string): string {
    return join(this.directory, `${repository.toLowerCase()}.git`);
  }

  private async git(
    repository: string,
    args: string[],
    env: NodeJS.ProcessEnv = {},
    cwd?: string,
  ): Promise<string> {
    const { stdout } = await run("git", args, {
      cwd: cwd ?? this.directory,
      maxBuffer: 64 * 1024 * 1024,
      // Nothing of the user's own Git configuration may change a commit.
      env: {
        PATH: process.env.PATH,
        GIT_DIR: this.path(repository),
        GIT_CONFIG_GLOBAL: "/dev/null",
        GIT_CONFIG_SYSTEM: "/dev/null",
        HOME: "/nonexistent",
        GIT_AUTHOR_NAME: "GitHub stand-in",
        GIT_AUTHOR_EMAIL: "github@stand-in.invalid",
        GIT_COMMITTER_NAME: "GitHub stand-in",
        GIT_COMMITTER_EMAIL: "github@stand-in.invalid",
        ...env,
      },
    });
    return stdout.trim();
  }

  /** Serves a file of a repository for `/OWNER/NAME[.git]/FILE`. */
  async serve(path: string): Promise<Reply> {
    const match = /^\/([\w.-]+)\/([\w.-]+?)(?:\.git)?\/(.+)$/.exec(path);
    const repository = `${match?.[1]}/${match?.[2]}`;
    if (!match || this.head(repository) === undefined)
      return { status: 404, body: "Repository not found.\n" };
    const root = this.path(repository);
    const file = normalize(join(root, match[3] as string));
    if (!file.startsWith(`${root}/`) || !existsSync(file) || !(await stat(file)).isFile())
      return { status: 404, body: "Not found.\n" };
    const type = path.endsWith("/info/refs") ? "text/plain; charset=utf-8" : "application/octet-stream";
    return {
      status: 200,
      headers: { "content-type": type, "cache-control": "no-cache" },
      body: await readFile(file),
    };
  }
}
