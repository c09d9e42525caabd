import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** Debian's client builds with BuildKit; another one on PATH may lack the plugin for it. */
const PREFERRED_CLIENT = "/usr/bin/docker";
const TAIL_LINES = 40;

/** Runs Docker commands against one daemon, with a configuration directory of its own. */
export class DockerCli {
  constructor(private readonly host: string) {}

  /**
   * Runs one command and returns its standard output.
   *
   * @param onLine receives every line that the command prints on standard error, where BuildKit reports progress
   * @throws Error with the last lines of the command when it fails
   */
  async run(
    args: string[],
    options: { onLine?: (line: string) => void; signal?: AbortSignal } = {},
  ): Promise<string> {
    const configuration = mkdtempSync(join(tmpdir(), "docker-stand-in-"));
    try {
      return await this.spawn(args, configuration, options);
    } finally {
      rmSync(configuration, { recursive: true, force: true });
    }
  }

  private async spawn(
    args: string[],
    configuration: string,
    { onLine, signal }: { onLine?: (line: string) => void; signal?: AbortSignal },
  ): Promise<string> {
    const child = spawn(existsSync(PREFERRED_CLIENT) ? PREFERRED_CLIENT : "docker", args, {
      env: {
        PATH: process.env.PATH,
        DOCKER_HOST: this.host,
        DOCKER_CONFIG: configuration,
        DOCKER_BUILDKIT: "1",
        BUILDKIT_PROGRESS: "plain",
      },
      stdio: ["ignore", "pipe", "pipe"],
      signal,
    });
    const output: string[] = [];
    const tail: string[] = [];
    createInterface({ input: child.stdout }).on("line", (line) => output.push(line));
    createInterface({ input: child.stderr }).on("line", (line) => {
      tail.push(line);
      tail.splice(0, tail.length - TAIL_LINES);
      if (line.trim() !== "") {
        onLine?.(line);
      }
    });
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", resolve);
    });
    if (code !== 0) {
      throw new Error(
        `docker ${args[0]} failed (exit code ${code}):\n${[...tail, ...output.slice(-5)].join("\n")}`,
      );
    }
    return output.join("\n");
  }
}
