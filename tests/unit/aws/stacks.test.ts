import assert from "node:assert/strict";
import { toStack } from "../../../local/aws/stacks";

const yaml = (extra = "") => `config:
  aws:region: ap-northeast-1
  digdag-runner:githubOwner: example-org
  digdag-runner:clusterName: digdag-stg
  digdag-runner:digdagEndpoint: https://digdag.stg.example.com
  digdag-runner:githubTokenParameter: /digdag-runner/stg/github-token
${extra}`;

describe("a stack file read for the emulated account", () => {
  it("names the ALB after the cluster unless it says otherwise", () => {
    assert.equal(toStack("stg", yaml()).loadBalancerName, "digdag-stg");
    assert.equal(toStack("stg", yaml("  digdag-runner:loadBalancerName: other")).loadBalancerName, "other");
  });

  it("has an empty repository for a whole organization", () => {
    assert.equal(toStack("stg", yaml()).repository, "");
  });

  it("names the parameter of an App's key where it names an App, and else that of a token", () => {
    const app = yaml("  digdag-runner:githubAppId: '7'\n  digdag-runner:githubAppParameter: /app");
    const { appId, parameter } = toStack("stg", app);
    assert.deepEqual([appId, parameter], ["7", "/app"]);
    assert.deepEqual(toStack("stg", yaml()).parameter, "/digdag-runner/stg/github-token");
  });

  it("is refused with the stack and the key that it lacks", () => {
    assert.throws(
      () => toStack("stg", "config: {}"),
      /Pulumi\.stg\.yaml does not set digdag-runner:clusterName/,
    );
  });
});
