import { join } from "node:path";
import { installPython } from "../engine/pythonPrograms";
import type { Report } from "../lib/run";

const VERSION = "5.2.5";

/** The path of moto's server, installed the first time (about a minute). @throws as {@link installPython} does */
export async function ensureMoto(report?: Report): Promise<string> {
  const packages = { name: `moto-${VERSION}`, requirements: [`moto[server]==${VERSION}`] };
  return join(await installPython(packages, report), "bin", "moto_server");
}

/** Arguments for {@link ensureMoto}'s binary. It serves on loopback only. */
export function motoArguments(port: number): string[] {
  return ["-H", "127.0.0.1", "-p", String(port)];
}

/** Whether moto answers at `endpoint`. Not asked for its data, which takes seconds once it holds some. */
export async function motoAnswers(endpoint: string): Promise<boolean> {
  try {
    const response = await fetch(`${endpoint}/moto-api/config`, { signal: AbortSignal.timeout(2_000) });
    return response.ok;
  } catch {
    return false;
  }
}
