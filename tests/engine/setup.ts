import { ensureMoto } from "../../local/aws/moto";
import { ensureEngine } from "../../local/engine";
import { bundlePrograms } from "../../runner-image/bundle";

/**
 * What every file of engine tests needs, made once before mocha starts its workers: the engine, the emulated account's
 * program, and the image's programs, which the workers would otherwise write while others read them.
 */
export async function mochaGlobalSetup(): Promise<void> {
  const report = (line: string) => console.error(line);
  await Promise.all([ensureEngine({ report }), ensureMoto(report), bundlePrograms()]);
}
