import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { parse, parseDocument } from "yaml";
import { root, stateDir } from "./lib/paths";

/**
 * Where `pulumi` runs in the local system: the checkout's project and stack files, copied, with `main` pointing back at
 * the checkout. Pulumi writes an `encryptionsalt` into the stack files of a file back end, and a stack file in daily use
 * names the KMS key of the real back end: neither may reach the other.
 */
export const projectDir = join(stateDir, "project");

/** Top-level keys of a stack file that belong to the back end and not to the configuration. */
const backEndKeys = ["encryptionsalt", "secretsprovider", "encryptedkey"];

const stackFiles = (directory: string) =>
  readdirSync(directory).filter((file) => /^Pulumi\.[\w-]+\.yaml$/.test(file));

/** Where the local system's Pulumi keeps its state. */
export const backendDir = join(stateDir, "pulumi-backend");

/** Whether a `pulumi` that does not live any more holds the stack: one that was killed leaves its lock behind. */
export function lockedByTheDead(stack: string): boolean {
  const locks = join(backendDir, ".pulumi", "locks");
  if (!existsSync(locks)) return false;
  return readdirSync(locks, { recursive: true, encoding: "utf8" })
    .filter((path) => path.includes(`/${stack}/`) && path.endsWith(".json"))
    .map((path) => JSON.parse(readFileSync(join(locks, path), "utf8")) as { pid: number })
    .some(({ pid }) => !existsSync(`/proc/${pid}`));
}

/** Stack names the checkout has a configuration for. */
export const stackNames = (): string[] => stackFiles(root).map((file) => file.split(".")[1] as string);

/** `text` with the configuration kept and the back end's keys taken from `backEnd`. */
export function withBackEndOf(text: string, backEnd: string): string {
  const document = parseDocument(text);
  const keys = (parse(backEnd) ?? {}) as Record<string, unknown>;
  for (const key of backEndKeys) {
    if (key in keys) document.set(key, keys[key]);
    else document.delete(key);
  }
  return document.toString();
}

function read(file: string): string {
  return existsSync(file) ? readFileSync(file, "utf8") : "";
}

/** Copies the checkout's project and stack files, as they are now, to where `pulumi` runs, and links the policy pack there. */
export function copyProjectIn(directory = projectDir): void {
  mkdirSync(directory, { recursive: true });
  const project = parseDocument(read(join(root, "Pulumi.yaml")));
  project.set("main", join(root, String(project.get("main"))));
  writeFileSync(join(directory, "Pulumi.yaml"), project.toString());
  for (const file of stackFiles(root)) {
    const copy = join(directory, file);
    writeFileSync(copy, withBackEndOf(read(join(root, file)), read(copy)));
  }
  const pack = join(directory, "policy");
  rmSync(pack, { force: true });
  symlinkSync(join(root, "policy"), pack);
}

/** Brings what a command changed in a stack's configuration (`pulumi config set`) back to the checkout. */
export function copyConfigurationOut(): void {
  for (const file of stackFiles(projectDir)) {
    const original = read(join(root, file));
    const changed = withBackEndOf(read(join(projectDir, file)), original);
    if (!isDeepStrictEqual(parse(changed), parse(original))) writeFileSync(join(root, file), changed);
  }
}
