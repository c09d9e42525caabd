import { join } from "node:path";
import * as aws from "@pulumi/aws";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
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

/** The build context, relative to the project so that the plan is the same on every machine. Its bundles exist already. */
const context = "runner-image";
const contextDirectory = join(__dirname, "..", context);

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

    const repository = new aws.ecr.Repository(
      `${name}-repository`,
      {
        name: `digdag-runner-${args.environment}`,
        imageTagMutability: "IMMUTABLE",
        imageScanningConfiguration: { scanOnPush: true },
        encryptionConfigurations: [{ encryptionType: "AES256" }],
        forceDelete: args.environment !== "prd",
        tags: awsTags(args),
      },
      parent,
    );
    new aws.ecr.LifecyclePolicy(
      `${name}-lifecycle`,
      { repository: repository.name, policy: JSON.stringify(lifecyclePolicy) },
      parent,
    );

    // An invoke's result is plain however sensitive it is (pulumi/pulumi-terraform-bridge#1051), and a resource's inputs
    // are kept in the state.
    const login = pulumi.secret(
      aws.ecr.getAuthorizationTokenOutput({ registryId: repository.registryId }, parent),
    );
    const build = buildArguments(args);
    normalizeModes(contextDirectory);
    const tag = contentTag(contextDirectory, { ...build, PLATFORM: args.platform });
    const image = new docker.Image(
      `${name}-build`,
      {
        imageName: pulumi.interpolate`${repository.repositoryUrl}:${tag}`,
        build: {
          context,
          dockerfile: `${context}/Dockerfile`,
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
