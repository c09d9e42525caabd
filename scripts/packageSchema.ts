import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Analyzer } from "@pulumi/pulumi/provider/experimental/analyzer";
import { generateSchema } from "@pulumi/pulumi/provider/experimental/schema";
import { components } from "../package/provider";

const root = join(__dirname, "..");

/** The committed schema, which the package serves. */
export const schemaFile = join(root, "package", "schema.json");

/**
 * The package's schema as the types and docstrings of the components have it now, by the SDK's own analyzer: the text of
 * package/schema.json. Takes seconds, because the types of the AWS provider are read. @throws Error for a type that no schema can hold
 */
export function packageSchema(): string {
  const { name, version, description } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  // It reads tsconfig.json there, which is all that it takes the directory for.
  const directory = join(root, "package");
  const entryPoint = { main: "../components/index.ts" };
  const analyzer = new Analyzer(directory, name, entryPoint, new Set(Object.keys(components)));
  const { components: found, typeDefinitions, dependencies } = analyzer.analyze();
  const schema = generateSchema(name, version, description, found, typeDefinitions, dependencies);
  return `${JSON.stringify(schema, undefined, 2)}\n`;
}

if (require.main === module) writeFileSync(schemaFile, packageSchema());
