/**
 * `npm run image:size -- [IMAGE] [--json]`: what an image in the Docker daemon consists of, by layer and by directory.
 * Without a name it is the newest runner image: of the local system's daemon where that runs and DOCKER_HOST is not set.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { extract } from "tar-stream";
import { dockerEnvironment } from "../local/docker/daemon";
import { stateDir } from "../local/lib/paths";
import { run } from "../local/lib/run";

/** A layer that is not empty. */
export interface Layer {
  bytes: number;
  /** The Dockerfile's instruction, on one line. */
  instruction: string;
}

/** A directory with everything below it. */
export interface Directory {
  /** Absolute. */
  path: string;
  bytes: number;
}

/** Reads `docker history --human=false --no-trunc --format '{{json .}}'`, whose newest layer comes first. */
export function parseHistory(text: string): Layer[] {
  return text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { Size: string; CreatedBy: string })
    .map(({ Size, CreatedBy }) => ({ bytes: Number(Size), instruction: instruction(CreatedBy) }))
    .filter(({ bytes }) => bytes > 0)
    .reverse();
}

/** An instruction as it stands in the Dockerfile: without the shell and the values of build arguments. */
function instruction(createdBy: string): string {
  const text = createdBy
    .replace(/^RUN \|\d+ .*? \/bin\/sh -c /s, "RUN ")
    .replace(/^(RUN )?\/bin\/sh -c (#\(nop\) *)?/, "$1")
    .replace(/ # buildkit$/, "")
    .replace(/\s+/g, " ")
    .trim();
  return text || "(imported)";
}

/** Adds up the files of a `docker export`. A file with several names counts once. */
export async function directorySizes(archive: NodeJS.ReadableStream): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  const reader = extract();
  reader.on("entry", ({ name, size }, content, next) => {
    const parts = name.replace(/^(\.?\/)+/, "").split("/");
    for (let depth = 0; depth < parts.length; depth++) {
      const path = `/${parts.slice(0, depth).join("/")}`;
      sizes.set(path, (sizes.get(path) ?? 0) + (size ?? 0));
    }
    content.on("end", next).resume();
  });
  await pipeline(archive, reader);
  return sizes;
}

/**
 * The `count` biggest directories. One that is little more than another one inside it says nothing of its own and is left out.
 */
export function biggest(sizes: Map<string, number>, count: number): Directory[] {
  const bySize = [...sizes].map(([path, bytes]) => ({ path, bytes })).sort((a, b) => b.bytes - a.bytes);
  const inside = (path: string) => (path === "/" ? path : `${path}/`);
  return bySize
    .filter(
      ({ path, bytes }, index) =>
        !bySize.slice(index + 1).some((one) => one.path.startsWith(inside(path)) && one.bytes > 0.9 * bytes),
    )
    .slice(0, count);
}

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`.padStart(9);
const row = (bytes: number, text: string) =>
  `${megabytes(bytes)}  ${text.length > 110 ? `${text.slice(0, 109)}…` : text}`;

/** Both tables, for a person. */
export function render(image: string, layers: Layer[], directories: Directory[]): string {
  const total = layers.reduce((sum, { bytes }) => sum + bytes, 0);
  return [
    `${image}: ${megabytes(total).trim()}, uncompressed`,
    "",
    "layers, from the base image up",
    ...layers.map(({ bytes, instruction }) => row(bytes, instruction)),
    "",
    "biggest directories",
    ...directories.map(({ bytes, path }) => row(bytes, path)),
  ].join("\n");
}

function environment(): NodeJS.ProcessEnv {
  const local = !process.env.DOCKER_HOST && existsSync(join(stateDir, "run", "docker.sock"));
  return local ? dockerEnvironment() : process.env;
}

async function newestImage(env: NodeJS.ProcessEnv): Promise<string> {
  const filter = "label=org.opencontainers.image.title=digdag-runner";
  const { stdout } = await run("docker", ["images", "--quiet", "--filter", filter], { env });
  const [image] = stdout.split("\n");
  if (!image)
    throw new Error(
      "the Docker daemon holds no runner image: `npm start` or `pulumi up` builds one, or name an image",
    );
  return image;
}

/** The sizes of an image's directories, by way of a container that is never started. */
async function exportedSizes(image: string, env: NodeJS.ProcessEnv): Promise<Map<string, number>> {
  const container = (await run("docker", ["create", image], { env })).stdout.trim();
  try {
    const child = spawn("docker", ["export", container], { env, stdio: ["ignore", "pipe", "inherit"] });
    const ended = once(child, "close");
    const sizes = await directorySizes(child.stdout);
    const [code] = await ended;
    if (code !== 0) throw new Error(`docker export of ${image} ended with code ${code}`);
    return sizes;
  } finally {
    await run("docker", ["rm", container], { env });
  }
}

async function main(args: string[]): Promise<void> {
  const env = environment();
  const image = args.find((arg) => !arg.startsWith("-")) ?? (await newestImage(env));
  const format = ["--human=false", "--no-trunc", "--format", "{{json .}}"];
  const { stdout } = await run("docker", ["history", ...format, image], { env });
  const layers = parseHistory(stdout);
  const directories = biggest(await exportedSizes(image, env), 25);
  console.log(
    args.includes("--json")
      ? JSON.stringify({ image, layers, directories }, null, 2)
      : render(image, layers, directories),
  );
}

if (require.main === module) {
  main(process.argv.slice(2)).catch((error: Error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
}
