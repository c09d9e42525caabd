import * as pulumi from "@pulumi/pulumi";
import { readCaCertificates } from "./caCertificates";
import { renderProblems } from "./configProblems";
import { readSchema, readStackLabels } from "./configSchema";
import { type Config, validate } from "./configValidation";
import { refusal } from "./refusal";

/** Exported by the SDK but left out of its declarations. */
const { isConfigSecret: isSecret } = pulumi.runtime as unknown as { isConfigSecret(key: string): boolean };

/**
 * Reads the whole configuration of the current stack.
 * @param projectDir directory of `Pulumi.yaml` and the stack files
 * @throws pulumi.RunError with every problem in one message; nothing is registered by then
 */
export function readConfig(projectDir: string): Config {
  const schema = readSchema(projectDir);
  const stack = pulumi.getStack();
  const values = pulumi.runtime.allConfig();
  const caCertificateFile = values[`${schema.project}:caCertificateFile`];
  const { config, problems } = validate({
    stack,
    schema,
    values,
    secretKeys: new Set(Object.keys(values).filter(isSecret)),
    stackLabels: readStackLabels(projectDir, schema.project),
    gitHubToken: Boolean(process.env.GITHUB_TOKEN),
    ...(caCertificateFile && { caCertificates: readCaCertificates(projectDir, caCertificateFile) }),
  });
  if (problems) throw refusal(renderProblems(stack, problems));
  return config;
}
