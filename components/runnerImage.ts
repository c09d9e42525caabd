import { join, relative } from "node:path";
import * as ecr from "@pulumi/aws/ecr";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { bundlePrograms } from "../runner-image/bundle";
import { awsTags, type Owner } from "./identity";
import { contentTag, normalizeModes } from "./imageContext";
import type { Platform } from "./labels";

/** Everything that decides what is in the image. */
export interface ImageBuildArgs {
  /** Base image with its digest. */
  baseImage: string;
  /** In PEM form: what the image trusts beside Debian's own. */
  caCertificates: string[];
  platform: Platform;
  runnerVersion: string;
  runnerUrl: string;
  runnerSha256: string;
  digdagVersion: string;
  digdagUrl: string;
  digdagSha256: string;
}

export interface RunnerImageArgs extends ImageBuildArgs, Owner {}

const contextDirectory = join(__dirname, "..", "runner-image");

/** The build context as the Docker provider looks for it, from the program's directory, so that the plan is the same on every machine. */
const context = () => relative(process.cwd(), contextDirectory);

/** One bundling is enough for all images of a program, however many environments it has. */
let bundled: Promise<string[]> | undefined;

/** The tag for an image of these inputs, once the programs in it are bundled. */
async function tagOf(inputs: Record<string, string>): Promise<string> {
  bundled ??= bundlePrograms();
  await bundled;
  normalizeModes(contextDirectory);
  return contentTag(contextDirectory, inputs);
}

/** The Dockerfile's build arguments. */
export function buildArguments(args: ImageBuildArgs): Record<string, string> {
  return {
    BASE_IMAGE: args.baseImage,
    CA_CERTIFICATES: Buffer.from(args.caCertificates.join("")).toString("base64"),
    RUNNER_VERSION: args.runnerVersion,
    RUNNER_URL: args.runnerUrl,
    RUNNER_SHA256: args.runnerSha256,
    DIGDAG_VERSION: args.digdagVersion,
    DIGDAG_URL: args.digdagUrl,
    DIGDAG_SHA256: args.digdagSha256,
  };
}

/**
 * `REPOSITORY@sha256:DIGEST` from what the Docker provider reports, with whatever tag it carries left out.
 * @throws Error when there is no digest, because a tag alone must never reach the cluster
 */
export function digestReference(repositoryUrl: string, repoDigest: string): string {
  const digest = /@(sha256:[0-9a-f]{64})$/.exec(repoDigest)?.[1];
  if (!digest) {
    throw new Error(
      `the push of the image reported ${JSON.stringify(repoDigest)}, not NAME@sha256:DIGEST; was it pushed?`,
    );
  }
  return `${repositoryUrl}@${digest}`;
}

/** Old images only cost money; this many are enough to go back to. */
const lifecyclePolicy = {
  rules: [
    {
      rulePriority: 1,
      description: "Keep the 30 newest images",
      selection: { tagStatus: "any", countType: "imageCountMoreThan", countNumber: 30 },
      action: { type: "expire" },
    },
  ],
};

/** An ECR repository and the runner's image in it. */
export class RunnerImage extends pulumi.ComponentResource {
  /** `REPOSITORY@sha256:DIGEST`. */
  public readonly reference: pulumi.Output<string>;

  constructor(name: string, args: RunnerImageArgs, opts?: pulumi.ComponentResourceOptions) {
    super("digdag-runner:index:RunnerImage", name, {}, opts);
    const parent = { parent: this };

    const repository = new ecr.Repository(
      `${name}-repository`,
      {
        name: `digdag-runner-${args.environment}`,
        imageTagMutability: "IMMUTABLE",
        imageScanningConfiguration: { scanOnPush: true },
        encryptionConfigurations: [{ encryptionType: "AES256" }],
        forceDelete: args.environment !== "prd",
        tags: awsTags(args),
      },
      // What prd ran is what it can go back to.
      { ...parent, protect: args.environment === "prd" },
    );
    new ecr.LifecyclePolicy(
      `${name}-lifecycle`,
      { repository: repository.name, policy: JSON.stringify(lifecyclePolicy) },
      parent,
    );

    // An invoke's result is plain however sensitive it is (pulumi/pulumi-terraform-bridge#1051), and a resource's inputs
    // are kept in the state.
    const login = pulumi.secret(
      ecr.getAuthorizationTokenOutput({ registryId: repository.registryId }, parent),
    );
    const build = buildArguments(args);
    const tag = pulumi.output(tagOf({ ...build, PLATFORM: args.platform }));
    const image = new docker.Image(
      `${name}-build`,
      {
        imageName: pulumi.interpolate`${repository.repositoryUrl}:${tag}`,
        build: {
          context: context(),
          dockerfile: join(context(), "Dockerfile"),
          platform: args.platform,
          args: build,
          builderVersion: docker.BuilderVersion.BuilderBuildKit,
        },
        // A preview of a pull request must not run that pull request's Dockerfile beside our credentials.
        buildOnPreview: false,
        registry: {
          server: repository.repositoryUrl,
          username: pulumi.unsecret(login.userName),
          password: login.password,
        },
      },
      parent,
    );
    this.reference = pulumi
      .all([repository.repositoryUrl, image.repoDigest])
      .apply(([repositoryUrl, repoDigest]) => digestReference(repositoryUrl, repoDigest));
    this.registerOutputs({ reference: this.reference });
  }
}
