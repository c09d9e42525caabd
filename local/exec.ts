import { spawn } from "node:child_process";
import { constants } from "node:os";
import { ensureEngine } from "./engine";
import { environment } from "./environment";
import { copyConfigurationOut, copyProjectIn } from "./project";

/**
 * Runs a command in the local system's environment, with this terminal, and passes its exit code on.
 * @throws Error when the command does not exist
 */
export async function exec(command: string, args: string[]): Promise<number> {
  const engine = await ensureEngine({ report: (line) => console.error(line) });
  copyProjectIn();
  try {
    return await new Promise((resolve, reject) => {
      const child = spawn(command, args, { stdio: "inherit", env: environment(engine.path) });
      // Ctrl-C reaches the command by itself; this process waits for how it ends.
      process.on("SIGINT", () => {});
      child.once("error", (error) => reject(new Error(`${command} could not be started: ${error.message}`)));
      child.once("exit", (code, signal) =>
        resolve(code ?? 128 + constants.signals[signal as NodeJS.Signals]),
      );
    });
  } finally {
    copyConfigurationOut();
  }
}
