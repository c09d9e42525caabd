import type { Operation } from "../standIn";
import { type Build, buildDigest, parseImageName } from "./build";
import { DockerCli } from "./dockerCli";
import { addTag, digestOf } from "./registry";

/** Makes images and knows them again. */
export interface ImageBuilder {
  /** How the builder calls itself in messages. */
  readonly description: string;
  /** Builds and pushes; returns the digest, `sha256:…`. */
  build(build: Build, contextDigest: string, operation: Operation): Promise<string>;
  /** Whether the image that a former build pushed is still there. */
  exists(imageName: string, digest: string): Promise<boolean>;
}

/** Where Docker is and what it uses instead of what nobody can download. */
export interface DockerOptions {
  /** `DOCKER_HOST` of the daemon. */
  host: string;
  /** `127.0.0.1:PORT` of the registry that stands in for ECR. */
  registry: string;
  /** Build arguments that replace the program's own where it sets them. */
  buildArgs: Record<string, string>;
}

/** Builds with the Docker CLI and pushes to a registry on this machine. */
export class DockerBuilder implements ImageBuilder {
  readonly description: string;
  private readonly cli: DockerCli;

  constructor(private readonly options: DockerOptions) {
    this.cli = new DockerCli(options.host);
    this.description = `Docker at ${options.host} and the registry at ${options.registry} instead of ECR`;
  }

  async build(asked: Build, contextDigest: string, operation: Operation): Promise<string> {
    const build = { ...asked, args: { ...asked.args, ...this.replacements(asked.args) } };
    const { registry } = this.options;
    const { repository, tag } = parseImageName(build.imageName);
    const digest = buildDigest(build, contextDigest, await this.baseImageId(build.args.BASE_IMAGE));
    // A registry remembers what the same inputs were built to, because BuildKit's timestamps make every build another digest.
    const inputsTag = `inputs-${digest.slice(0, 32)}`;
    const known = build.push ? await digestOf(registry, repository, inputsTag) : undefined;
    if (known) {
      operation.log(`the same inputs were built before: ${known}`, { status: true });
      await addTag(registry, repository, inputsTag, tag);
      return known;
    }
    const replaced = Object.keys(this.replacements(asked.args));
    operation.log(
      `the docker stand-in builds ${build.imageName} with ${this.description}` +
        (replaced.length > 0 ? `; build arguments of this machine: ${replaced.join(", ")}` : ""),
    );
    const local = `${registry}/${repository}:${inputsTag}`;
    await this.cli.run(buildCommand(build, local), {
      onLine: (line) => operation.log(line, { status: true }),
      signal: operation.cancelled,
    });
    if (!build.push) {
      return this.cli.run(["image", "inspect", "--format", "{{.Id}}", local]);
    }
    await this.cli.run(["push", "--quiet", local], { signal: operation.cancelled });
    await addTag(registry, repository, inputsTag, tag);
    const pushed = await digestOf(registry, repository, inputsTag);
    if (!pushed) {
      throw new Error(`the registry ${registry} lost ${local} right after the push`);
    }
    return pushed;
  }

  async exists(imageName: string, digest: string): Promise<boolean> {
    const { repository } = parseImageName(imageName);
    return (await digestOf(this.options.registry, repository, digest)) !== undefined;
  }

  /** The replacements for those arguments that the program sets. */
  private replacements(args: Record<string, string>): Record<string, string> {
    return Object.fromEntries(Object.entries(this.options.buildArgs).filter(([name]) => name in args));
  }

  /** A base image that was made anew under the same name is another input. */
  private async baseImageId(baseImage: string | undefined): Promise<string> {
    if (!baseImage) {
      return "";
    }
    return this.cli.run(["image", "inspect", "--format", "{{.Id}}", baseImage]).catch(() => baseImage);
  }
}

function buildCommand(build: Build, image: string): string[] {
  return [
    "build",
    "--network=host",
    ...(build.platform ? ["--platform", build.platform] : []),
    ...(build.target ? ["--target", build.target] : []),
    ...Object.entries(build.args).flatMap(([name, value]) => ["--build-arg", `${name}=${value}`]),
    "--tag",
    image,
    "--file",
    build.dockerfile,
    build.context,
  ];
}

/** Builds nothing: the digest is that of the inputs. For tests without a Docker daemon. */
export class MemoryBuilder implements ImageBuilder {
  readonly description = "memory of the stand-in (no Docker daemon was given)";

  async build(build: Build, contextDigest: string, operation: Operation): Promise<string> {
    operation.log(
      `the docker stand-in builds nothing: the digest of ${build.imageName} is that of its inputs`,
    );
    return `sha256:${buildDigest(build, contextDigest, "")}`;
  }

  async exists(): Promise<boolean> {
    return true;
  }
}
