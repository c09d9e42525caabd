import { PulumiCommand } from "@pulumi/pulumi/automation";

// Installs the official Pulumi CLI of the SDK's version: download.ts ROOT. A program of its own, so that it can be ended.
PulumiCommand.install({ root: process.argv[2] }).catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
