import {
  imageByDigest,
  previewBuildsNothing,
  repositoryKeepsItsImages,
} from "../../../../policy/rules/image";
import type { Draft } from "../draft";
import type { RuleCases } from "../ruleCases";

export const imageCases: RuleCases[] = [
  {
    rule: imageByDigest,
    accepts: [
      {
        what: "another Deployment by tag",
        change: (draft) =>
          draft.add("kubernetes:apps/v1:Deployment", {
            spec: { template: { spec: { containers: [{ name: "c", image: "nginx:1" }] } } },
          }),
      },
    ],
    refuses: [
      ...[
        "repository:1.2",
        "repository",
        `repository@sha256:${"ab".repeat(31)}`,
        `repository:tag@sha256:`,
      ].map((image) => ({
        what: `the image ${image}`,
        change: (draft: Draft) => {
          draft.runner.image = image;
        },
        says: /^spec\.template\.spec\.containers\[0\]\.image is "repository.*Allowed: REPOSITORY@sha256:DIGEST/,
      })),
      {
        what: "a sidecar by tag",
        change: (draft) => draft.pod.initContainers.push({ name: "proxy", image: "proxy:latest" }),
        says: /initContainers\[1\]\.image is "proxy:latest"/,
      },
      {
        what: "a base image by tag",
        change: (draft) => {
          draft.inputs("Image").build.args.BASE_IMAGE = "debian:bookworm-slim";
        },
        says: /^build\.args\.BASE_IMAGE is "debian:bookworm-slim"/,
      },
    ],
  },
  {
    rule: repositoryKeepsItsImages,
    accepts: [
      {
        what: "another repository with tags that move",
        change: (draft) => draft.add("aws:ecr/repository:Repository", { imageTagMutability: "MUTABLE" }),
      },
    ],
    refuses: [
      {
        what: "tags that move",
        change: (draft) => {
          draft.inputs("Repository").imageTagMutability = "MUTABLE";
        },
        says: /^imageTagMutability is "MUTABLE"/,
      },
      {
        what: "images that nobody scans",
        change: (draft) => {
          delete draft.inputs("Repository").imageScanningConfiguration;
        },
        says: /^imageScanningConfiguration\.scanOnPush is not set/,
      },
    ],
  },
  {
    rule: previewBuildsNothing,
    accepts: [
      {
        what: "another image that is built",
        change: (draft) => draft.add("docker:index/image:Image", { buildOnPreview: true }),
      },
    ],
    refuses: [true, undefined].map((value) => ({
      what: `buildOnPreview ${value}`,
      change: (draft) => {
        draft.inputs("Image").buildOnPreview = value;
      },
      says: /^buildOnPreview is (true|not set)\. Allowed: false/,
    })),
  },
];
