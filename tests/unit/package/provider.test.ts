import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import * as barrel from "../../../components";
import { components, PackageProvider } from "../../../package/provider";

const provider = new PackageProvider();

describe("the provider of the package", () => {
  it("has a component for every one of its schema, and the other way round", () => {
    const tokens = Object.keys(components).map((name) => `digdag-runner:index:${name}`);
    assert.deepEqual(Object.keys(JSON.parse(provider.schema).resources).sort(), tokens.sort());
    // Where the schema is derived from.
    for (const [name, component] of Object.entries(components))
      assert.equal((barrel as Record<string, unknown>)[name], component);
  });

  it("names what it has when asked for something else", async () => {
    for (const type of ["digdag-runner:index:RunnerPool", "aws:index:DigdagRunner"])
      await assert.rejects(
        provider.construct("x", type, {}, {}),
        /is not in the package .* DigdagRunner, GitHubRunnerGroup, GitHubSettings/,
      );
  });

  it("tells the engine the path of each wrong input", async () => {
    const inputs = {
      environment: "stg",
      githubRepository: "a b",
      digdagEndpoint: "http://x",
      runnerLabels: [],
    };
    const type = "digdag-runner:index:GitHubSettings";
    await assert.rejects(provider.construct("x", type, inputs, {}), (error: pulumi.InputPropertiesError) => {
      assert.ok(pulumi.InputPropertiesError.isInstance(error));
      const paths = error.errors?.map(({ propertyPath }) => propertyPath);
      assert.deepEqual(paths, ["githubRepository", "digdagEndpoint", "runnerLabels"]);
      assert.equal(error.message, "3 inputs of GitHubSettings cannot be used");
      return true;
    });
  });
});
