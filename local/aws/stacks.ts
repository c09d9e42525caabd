import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

const PROJECT = "digdag-runner";

/** What the emulated account and GitHub's stand-in need to know of one stack. */
export interface Stack {
  /** Stack name, which is the environment's name. */
  stack: string;
  clusterName: string;
  /** URL of Digdag, such as `https://digdag.stg.example.com`. */
  digdagEndpoint: string;
  loadBalancerName: string;
  /** Name of the SSM parameter with the GitHub credential. */
  parameter: string;
  /** Of the GitHub App whose private key that is; empty where it is a token. */
  appId: string;
  /** Owner and repository on GitHub; an empty repository stands for the whole organization. */
  owner: string;
  repository: string;
  region: string;
}

/**
 * Reads every `Pulumi.<stack>.yaml` of a directory.
 *
 * @throws when a stack file lacks a key that the emulated account needs
 */
export function readStacks(directory: string): Stack[] {
  return readdirSync(directory)
    .flatMap((file) => /^Pulumi\.([\w-]+)\.yaml$/.exec(file)?.[1] ?? [])
    .sort()
    .map((stack) => toStack(stack, readFileSync(join(directory, `Pulumi.${stack}.yaml`), "utf8")));
}

/** The same for the text of one stack file. */
export function toStack(stack: string, yaml: string): Stack {
  const config = (parse(yaml)?.config ?? {}) as Record<string, unknown>;
  const optional = (key: string) => String(config[`${PROJECT}:${key}`] ?? "");
  const required = (key: string) => {
    const value = optional(key);
    if (value === "") {
      throw new Error(
        `Pulumi.${stack}.yaml does not set ${PROJECT}:${key}, which the emulated account needs`,
      );
    }
    return value;
  };
  const clusterName = required("clusterName");
  return {
    stack,
    clusterName,
    digdagEndpoint: required("digdagEndpoint"),
    loadBalancerName: optional("loadBalancerName") || clusterName,
    parameter: optional("githubAppId")
      ? optional("githubAppParameter") || `/digdag-runner/${stack}/github-app` // where the README has people put it
      : required("githubTokenParameter"),
    appId: optional("githubAppId"),
    owner: required("githubOwner"),
    repository: optional("githubRepository"),
    region: String(config["aws:region"] ?? "ap-northeast-1"),
  };
}
