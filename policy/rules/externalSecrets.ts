import { isOwn, kindOf, must, type PlanResource, type Problem, type ResourceRule } from "../plan";
import type { Place, Value } from "../values";

const absentOr = (allowed?: Value) => (value: Value) =>
  value === undefined || value === null || value === allowed;

const inState =
  "Remove it: what is written there is in the state and in the object, and is no secret in either of them.";

/** What the Secret is made of: values that are named, from one place. */
function dataProblems(spec: Place): Problem[] {
  const template = spec.get("target", "template");
  return [
    ...["data", "templateFrom"].flatMap((key) =>
      must(template.get(key), absentOr(), "a template of metadata and type alone", inState),
    ),
    ...must(
      spec.get("dataFrom"),
      absentOr(),
      "keys that are named one by one, in data",
      "Remove it: it copies whatever the store finds into what the broker mounts.",
    ),
    ...spec
      .get("data")
      .items.flatMap((item) => [
        ...must(
          item.get("remoteRef", "key"),
          (key) => typeof key === "string" && key !== "",
          "the name of a parameter",
          "Set it: a value belongs into the parameter.",
        ),
        ...must(
          item.get("sourceRef"),
          absentOr(),
          "the store in secretStoreRef",
          "Remove it: the credential has one source.",
        ),
      ]),
  ];
}

function externalSecretProblems(spec: Place): Problem[] {
  return [
    ...must(
      spec.get("secretStoreRef", "kind"),
      absentOr("SecretStore"),
      '"SecretStore"',
      "Use the store of the runners' namespace: what a store of the whole cluster may read is no matter of one environment.",
    ),
    ...must(
      spec.get("target", "creationPolicy"),
      absentOr("Owner"),
      '"Owner"',
      "Set it, so that the Secret holds nothing else and goes with the ExternalSecret.",
    ),
    ...dataProblems(spec),
  ];
}

function storeProblems(aws: Place): Problem[] {
  return [
    ...must(
      aws.get("service"),
      (service) => service === "ParameterStore",
      '"ParameterStore"',
      "Set it: the credential is an SSM parameter.",
    ),
    ...must(
      aws.get("auth", "secretRef"),
      absentOr(),
      "a service account with a role, or the operator's own",
      "Remove it: an access key is one more secret in the cluster, and one that does not end.",
    ),
    ...must(
      aws.get("auth", "jwt", "serviceAccountRef", "namespace"),
      absentOr(),
      "a service account of the store's own namespace",
      "Remove it: the role is for this environment alone.",
    ),
  ];
}

const unwanted = ({ inputs }: PlanResource): Problem[] =>
  must(
    inputs.get("kind"),
    () => false,
    "an ExternalSecret and a SecretStore in the runners' namespace",
    "Remove it: it reaches beyond the namespace, or takes the credential out of the cluster.",
  );

export const credentialComesByReference: ResourceRule = {
  name: "credential-comes-by-reference",
  description:
    "With `externalSecrets` the credential is named and never written down, and read by a store of the runners' namespace without an access key.",
  resource: (resource) => {
    if (!isOwn(resource)) return [];
    const spec = resource.inputs.get("spec");
    switch (kindOf(resource)) {
      case "ExternalSecret":
        return externalSecretProblems(spec);
      case "SecretStore":
        return storeProblems(spec.get("provider", "aws"));
      case "ClusterExternalSecret":
      case "ClusterSecretStore":
      case "PushSecret":
        return unwanted(resource);
      default:
        return [];
    }
  },
};
