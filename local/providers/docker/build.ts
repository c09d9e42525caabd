import { createHash } from "node:crypto";
import { join, resolve } from "node:path";
import { InputError, isObject, requiredString, type Values } from "../standIn";

/** One image build, as the program asks for it. */
export interface Build {
  /** Name with tag, such as `123456789012.dkr.ecr.eu-west-1.amazonaws.com/runner:1`. */
  imageName: string;
  /** Absolute paths, and the same as the program wrote them. */
  context: string;
  contextAsGiven: string;
  dockerfile: string;
  dockerfileAsGiven: string;
  args: Record<string, string>;
  platform: string | undefined;
  target: string | undefined;
  push: boolean;
}

/** Reads the inputs of `docker.Image`; relative paths start from the program's directory. */
export function readBuild(inputs: Values, programDirectory: string): Build {
  const imageName = requiredString(inputs, "imageName");
  const build = isObject(inputs.build) ? inputs.build : {};
  const text = (key: string) => (typeof build[key] === "string" ? (build[key] as string) : undefined);
  const contextAsGiven = text("context") ?? ".";
  const dockerfileAsGiven = text("dockerfile") ?? join(contextAsGiven, "Dockerfile");
  return {
    imageName,
    context: resolve(programDirectory, contextAsGiven),
    contextAsGiven,
    dockerfile: resolve(programDirectory, dockerfileAsGiven),
    dockerfileAsGiven,
    args: isObject(build.args) ? (build.args as Record<string, string>) : {},
    platform: text("platform"),
    target: text("target"),
    push: inputs.skipPush !== true,
  };
}

/** The parts of an image name. */
export interface ImageName {
  /** Registry host; `docker.io` when the name has none. */
  server: string;
  repository: string;
  tag: string;
}

/** @throws InputError when the name carries a digest, which nobody can choose */
export function parseImageName(name: string): ImageName {
  if (name.includes("@")) {
    throw new InputError(
      "imageName",
      `"${name}" names a digest; an image is built for a repository and a tag`,
    );
  }
  const [first = "", ...rest] = name.split("/");
  const hasServer = rest.length > 0 && /[.:]|^localhost$/.test(first);
  const path = hasServer ? rest.join("/") : name;
  const [repository = "", tag = "latest"] = path.split(":");
  return { server: hasServer ? first : "docker.io", repository, tag };
}

/** Identifies everything an image is made of, so that the same inputs are built only once. */
export function buildDigest(build: Build, contextDigest: string, base: string): string {
  const { args, platform, target } = build;
  const sorted = Object.entries(args).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash("sha256")
    .update(JSON.stringify([contextDigest, sorted, platform, target, base]))
    .digest("hex");
}
