import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { DigdagRunner } from "../components/digdagRunner";
import { GitHubRunnerGroup } from "../components/githubRunnerGroup";
import { GitHubSettings } from "../components/githubSettings";
import { WrongInputs } from "../components/wrongInputs";

/** What other programs can make, which is what `index.ts` makes itself. package/schema.json says how. */
export const components = { DigdagRunner, GitHubRunnerGroup, GitHubSettings };

/** What the schema says of inputs is not kept by every language: each component checks its own. */
type Component = new (
  name: string,
  args: never,
  opts: pulumi.ComponentResourceOptions,
) => pulumi.ComponentResource;

/**
 * Makes components for the engine, on behalf of a program in any language. The schema is a committed file: to derive it from the
 * types takes as long as to check them, and the SDK's own host for components does so in every preview of every program.
 */
export class PackageProvider implements pulumi.provider.Provider {
  readonly schema = readFileSync(join(__dirname, "schema.json"), "utf8");
  readonly version: string = JSON.parse(this.schema).version;

  /** @throws Error for a type that is not in the package; pulumi.InputPropertiesError for wrong inputs */
  async construct(
    name: string,
    type: string,
    inputs: pulumi.Inputs,
    options: pulumi.ComponentResourceOptions,
  ): Promise<pulumi.provider.ConstructResult> {
    const resource = JSON.parse(this.schema).resources[type];
    const Component = (components as Record<string, Component>)[type.split(":").at(-1) ?? ""];
    if (resource === undefined || Component === undefined)
      throw new Error(
        `${type} is not in the package digdag-runner; it has ${Object.keys(components).join(", ")}`,
      );
    const made = makeComponent(() => new Component(name, inputs as never, options));
    const outputs = Object.keys(resource.properties).map((key) => [key, made[key as keyof typeof made]]);
    return { urn: made.urn, state: Object.fromEntries(outputs) };
  }
}

function makeComponent<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw error instanceof WrongInputs ? error.forEngine() : error;
  }
}

/** Serves the package until the engine ends it. @param args the engine's own, its address among them */
export const serve = (args: string[]): Promise<void> => pulumi.provider.main(new PackageProvider(), args);
