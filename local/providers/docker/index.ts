import { existsSync } from "node:fs";
import {
  InputError,
  isObject,
  notKnown,
  type Operation,
  type ProviderStandIn,
  type ResourceKind,
  UNKNOWN,
  type Values,
} from "../standIn";
import { parseImageName, readBuild } from "./build";
import { DockerBuilder, type DockerOptions, type ImageBuilder, MemoryBuilder } from "./builder";
import { contextDigest } from "./context";

/**
 * Stand-in for the `docker` provider plugin: `docker.Image` only.
 *
 * @param programDirectory what the program's relative paths start from; a real plugin is started there by the engine
 * @param options absent: nothing is built
 */
export function dockerStandIn(programDirectory: string, options?: DockerOptions): ProviderStandIn {
  const builder = options ? new DockerBuilder(options) : new MemoryBuilder();
  return {
    name: "docker",
    version: "5.2.0",
    async configure() {
      const image = imageKind(builder, programDirectory);
      return {
        resource(type) {
          if (type !== "docker:index/image:Image") {
            throw notKnown("docker", `the resource type ${type}`);
          }
          return image;
        },
        async invoke(token) {
          throw notKnown("docker", `the function ${token}`);
        },
      };
    },
  };
}

function imageKind(builder: ImageBuilder, programDirectory: string): ResourceKind {
  async function buildAndDescribe(inputs: Values, operation: Operation): Promise<Values> {
    const build = readBuild(inputs, programDirectory);
    const { server, repository } = parseImageName(build.imageName);
    const digest = await builder.build(build, digestIn(inputs) ?? "", operation);
    const outputs = {
      imageName: build.imageName,
      baseImageName: build.imageName,
      registryServer: server,
      context: build.contextAsGiven,
      dockerfile: build.dockerfileAsGiven,
      platform: build.platform,
    };
    return build.push ? { ...outputs, repoDigest: `${server}/${repository}@${digest}` } : outputs;
  }

  return {
    computed: ["repoDigest", "baseImageName", "registryServer", "context", "dockerfile", "platform"],
    recomputed: ["repoDigest"],
    check(inputs) {
      if (containsUnknown(inputs.build)) {
        return inputs;
      }
      const { context, dockerfile } = readBuild(inputs, programDirectory);
      for (const [property, path] of [
        ["context", context],
        ["dockerfile", dockerfile],
      ] as const) {
        if (!existsSync(path)) {
          throw new InputError(`build.${property}`, `${path} does not exist`);
        }
      }
      // The real provider records the digest under this name too, so that a changed file is a changed input.
      const build = {
        ...(isObject(inputs.build) ? inputs.build : {}),
        contextDigest: contextDigest(context, dockerfile),
      };
      return { ...inputs, build };
    },
    // A new login is no new image.
    ignores: (path) => path.startsWith("registry"),
    replaces: () => false,
    async create(inputs, operation) {
      const outputs = await buildAndDescribe(inputs, operation);
      return { id: String(outputs.repoDigest ?? outputs.imageName), outputs };
    },
    async read(id, inputs, state) {
      const digest = String(state.repoDigest ?? "").split("@")[1];
      const exists = digest === undefined || (await builder.exists(String(state.imageName), digest));
      return exists
        ? { outputs: state, inputs: Object.keys(inputs).length > 0 ? inputs : { imageName: id } }
        : undefined;
    },
    update: (_id, inputs, _state, operation) => buildAndDescribe(inputs, operation),
    async delete() {
      // The real provider leaves the image in its registry as well.
    },
  };
}

function digestIn(inputs: Values): string | undefined {
  return isObject(inputs.build) ? (inputs.build.contextDigest as string | undefined) : undefined;
}

function containsUnknown(value: unknown): boolean {
  return JSON.stringify(value ?? null).includes(UNKNOWN);
}
