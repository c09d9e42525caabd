import type { PlanResource, Problem, ResourceRule, StackRule } from "../plan";
import { credentialIn } from "../secrets";
import type { Place } from "../values";

/** Properties whose values the providers' SDKs encrypt in the state. */
const secretProperties: Record<string, string[]> = {
  "kubernetes:core/v1:Secret": ["data", "stringData"],
  "kubernetes:core/v1:SecretPatch": ["data", "stringData"],
  "github:index/actionsSecret:ActionsSecret": ["plaintextValue", "value"],
  "github:index/actionsOrganizationSecret:ActionsOrganizationSecret": ["plaintextValue", "value"],
  "github:index/actionsEnvironmentSecret:ActionsEnvironmentSecret": ["plaintextValue", "value"],
};

/** Of other types: properties that their provider, and no user, has named for what they hold. */
const secretName = /secret|token|password|private|pem|credential|appAuth/i;

function mayHold({ type, inputs }: PlanResource, { key }: Place): boolean {
  if (type === "aws:ssm/parameter:Parameter") {
    const kind = inputs.get("type");
    return key.startsWith("value") && (kind.isUnknown || kind.value === "SecureString");
  }
  if (secretProperties[type]) return secretProperties[type].includes(key);
  return !type.startsWith("kubernetes:") && !type.startsWith("digdag-runner:") && secretName.test(key);
}

const problems = (place: Place, allowed: string, remedy: string): Problem[] =>
  place.texts.flatMap(({ text = "", path }) => {
    const what = credentialIn(text);
    return what ? [{ path, seen: `${what} (not shown)`, allowed, remedy }] : [];
  });

const revoke = "Revoke it on GitHub if this was deployed.";

export const noCredentialInTheOpen: ResourceRule = {
  name: "no-credential-in-the-open",
  description: "No GitHub credential is in a property that is shown, or that others than the broker read.",
  resource: (resource) =>
    resource.inputs.properties
      .filter((property) => !mayHold(resource, property))
      .flatMap((property) =>
        problems(
          property,
          "credentials in a Kubernetes Secret, or another property made for secrets",
          `Take it out, and let the program read it from SSM. ${revoke}`,
        ),
      ),
};

export const noCredentialInOutputs: StackRule = {
  name: "no-credential-in-outputs",
  description:
    "No output of the stack or of this product's components is a GitHub credential, encrypted or not.",
  stack: (resources) =>
    resources
      .filter(
        (resource) => resource.type === "pulumi:pulumi:Stack" || resource.type.startsWith("digdag-runner:"),
      )
      .flatMap(({ urn, outputs, inputs }) =>
        problems(
          outputs ?? inputs,
          "outputs without credentials",
          `Remove the output: nobody needs the credential but the broker, which has it as a file. ${revoke}`,
        ).map((problem) => ({ ...problem, urn })),
      ),
};
