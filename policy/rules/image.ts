import { isOwn, must, type ResourceRule } from "../plan";
import { aboutPods } from "./pods";

const digest = /@sha256:[0-9a-f]{64}$/;
const hasDigest = (value: unknown) => typeof value === "string" && digest.test(value);

export const imageByDigest: ResourceRule = {
  name: "image-by-digest",
  description: "Runners run an image by its digest, and it is built on one by its digest.",
  resource: (resource) => [
    ...aboutPods(({ containers }) =>
      containers.flatMap(({ at }) =>
        must(
          at.get("image"),
          hasDigest,
          "REPOSITORY@sha256:DIGEST",
          "Use the digest that the push reported: whoever may push can move a tag.",
        ),
      ),
    )(resource),
    ...(isOwn(resource) && resource.type === "docker:index/image:Image"
      ? must(
          resource.inputs.get("build", "args", "BASE_IMAGE"),
          hasDigest,
          "IMAGE@sha256:DIGEST",
          "Set baseImage with its digest.",
        )
      : []),
  ],
};

export const previewBuildsNothing: ResourceRule = {
  name: "preview-builds-nothing",
  description: "A preview builds no image of the runners.",
  resource: (resource) =>
    isOwn(resource) && resource.type === "docker:index/image:Image"
      ? must(
          resource.inputs.get("buildOnPreview"),
          (value) => value === false,
          "false",
          "Set it: a preview of a pull request would run that pull request's Dockerfile beside your credentials.",
        )
      : [],
};

export const repositoryKeepsItsImages: ResourceRule = {
  name: "repository-keeps-its-images",
  description:
    "Tags of the runners' ECR repository cannot be moved, and images are scanned when they are pushed.",
  resource: (resource) =>
    isOwn(resource) && resource.type === "aws:ecr/repository:Repository"
      ? [
          ...must(
            resource.inputs.get("imageTagMutability"),
            (value) => value === "IMMUTABLE",
            '"IMMUTABLE"',
            "Set it, so that a tag always names the same image.",
          ),
          ...must(
            resource.inputs.get("imageScanningConfiguration", "scanOnPush"),
            (value) => value === true,
            "true",
            "Set it.",
          ),
        ]
      : [],
};
