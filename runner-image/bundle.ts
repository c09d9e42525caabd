import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { build } from "esbuild";

const ROOT = join(__dirname, "..");

/** The programs of the image and their entry points, relative to the project. */
const ENTRY_POINTS = {
  broker: "runner-image/broker/main.ts",
  supervisor: "runner-image/supervisor/main.ts",
  "digdag-push": "digdag-push/cli.ts",
} as const;

export type ProgramName = keyof typeof ENTRY_POINTS;

/** What bundlePrograms may be told; both have defaults. */
export interface BundleOptions {
  /** Default: all. */
  programs?: ProgramName[];
  /** Default: runner-image/dist, from where the Dockerfile takes them. */
  outDirectory?: string;
}

/**
 * Bundles each program into one CommonJS file without dependencies, `<outDirectory>/<program>.js`, and returns the paths.
 * The same sources give the same bytes, wherever they lie; a file that would not change is not written. Throws with esbuild's messages.
 */
export async function bundlePrograms(options: BundleOptions = {}): Promise<string[]> {
  const outDirectory = options.outDirectory ?? join(__dirname, "dist");
  const programs = options.programs ?? (Object.keys(ENTRY_POINTS) as ProgramName[]);
  const result = await build({
    absWorkingDir: ROOT,
    entryPoints: programs.map((program) => ({ in: ENTRY_POINTS[program], out: program })),
    outdir: relative(ROOT, outDirectory),
    bundle: true,
    write: false,
    platform: "node",
    target: "node20",
    format: "cjs",
    // Comments would hold the paths of the sources; names are kept, so that a stack trace can be read.
    minifyWhitespace: true,
    legalComments: "none",
    logLevel: "silent",
  });
  mkdirSync(outDirectory, { recursive: true });
  return result.outputFiles.map(({ path, contents }) => {
    const target = join(outDirectory, basename(path));
    if (!isSame(target, contents)) writeFileSync(target, contents);
    return target;
  });
}

function isSame(path: string, contents: Uint8Array): boolean {
  try {
    return readFileSync(path).equals(contents);
  } catch {
    return false;
  }
}
