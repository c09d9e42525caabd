import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { type Command, sdkEntryPoint } from "./program";

/** What the engine says about a plug-in that is written as a program. */
export interface PluginRequest {
  /** `analyzer` for a policy pack, `resource` for a package. */
  kind: string;
  /** Directory of `PulumiPolicy.yaml` or `PulumiPlugin.yaml`. */
  directory: string;
  /** What the engine passes to every plug-in, its own address first. */
  args: string[];
  /** The whole environment, as `NAME=VALUE`. */
  environment: string[];
}

/**
 * The Node.js command that serves a policy pack or a package the way Pulumi's own language host does: through the entry
 * point that its own SDK brings for it. @throws Error when it has no `@pulumi/pulumi`, and for other kinds
 */
export function pluginCommand({ kind, directory, args, environment }: PluginRequest): Command {
  const env = Object.fromEntries(environment.map((pair) => splitOnce(pair, "=")));
  if (kind === "analyzer")
    return { args: [sdkEntryPoint(directory, "run-policy-pack"), ...args, directory], env };
  if (kind === "resource") return { args: [sdkEntryPoint(directory, "run-plugin"), directory, ...args], env };
  throw new Error(`plug-ins of the kind ${kind} cannot be run here`);
}

/** `NAME=VALUE` in two; the value may hold further signs. */
function splitOnce(text: string, sign: string): [string, string] {
  const at = text.indexOf(sign);
  return [text.slice(0, at), text.slice(at + sign.length)];
}

/** The generator that is built beside the engine (local/engine/pulumi-cli/generate-sdk). */
const generator = "pulumi-generate-sdk-nodejs";

/** Writes the SDK of a package for Node.js. @param loader address at which the engine answers for other packages' schemas */
export async function generateSdk(schema: string, directory: string, loader: string): Promise<void> {
  const child = spawn(generator, [directory, loader], { stdio: ["pipe", "ignore", "pipe"] });
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text) => {
    errors += text;
  });
  const ended = once(child, "close");
  child.stdin.on("error", () => {}); // a generator that ended early says why itself
  child.stdin.end(schema);
  const [code] = await ended;
  if (code !== 0) throw new Error(`${generator} failed with exit code ${code}: ${errors.trim()}`);
}

/**
 * Makes generated SDKs dependencies of a program. @param packages their directories, relative to the program's
 * @returns how to import them
 */
export function linkPackages(programDirectory: string, packages: string[]): string {
  const manifestFile = join(programDirectory, "package.json");
  const manifest = JSON.parse(readFileSync(manifestFile, "utf8"));
  const names = packages.map((path) => {
    const { name } = JSON.parse(readFileSync(join(programDirectory, path, "package.json"), "utf8"));
    manifest.dependencies = { ...manifest.dependencies, [name]: `file:${path}` };
    return { name, variable: basename(path).replace(/-(.)/g, (_, letter: string) => letter.toUpperCase()) };
  });
  writeFileSync(manifestFile, `${JSON.stringify(manifest, undefined, 2)}\n`);
  const imports = names.map(({ name, variable }) => `  import * as ${variable} from "${name}";`);
  return ["You can import the SDK in your program with:", "", ...imports, ""].join("\n");
}
