import {
  isOwn,
  kindOf,
  must,
  ownNamespaces,
  ownObjects,
  type Problem,
  type ResourceRule,
  type StackRule,
} from "../plan";
import type { Place } from "../values";

const isAlone = (list: Place, only: string) =>
  list.items.every((item) => item.isUnknown || item.value === only) && list.items.length === 1;

/** What a Role of the runners may allow: deleting Pods, which the admission policy narrows to the Pod itself. */
function ruleProblems(rule: Place): Problem[] {
  if (rule.isUnknown || ["verbs", "resources", "apiGroups"].some((key) => rule.get(key).isUnknown)) return [];
  return must(
    rule,
    () =>
      isAlone(rule.get("verbs"), "delete") &&
      isAlone(rule.get("resources"), "pods") &&
      isAlone(rule.get("apiGroups"), "") &&
      !rule.get("nonResourceURLs").isSet,
    'the verb "delete" on "pods" of the API group "" alone',
    "Remove the rest: job code runs beside the broker's token.",
  );
}

export const permissionsAreNarrow: ResourceRule = {
  name: "permissions-are-narrow",
  description:
    "A Role of the runners allows to delete Pods and nothing else, and the policy that limits it to their own is enforced.",
  resource: (resource) => {
    if (!isOwn(resource)) return [];
    const { inputs } = resource;
    switch (kindOf(resource)) {
      case "Role":
        return inputs.get("rules").items.flatMap(ruleProblems);
      case "ClusterRole":
      case "ClusterRoleBinding":
        return [
          {
            path: "",
            seen: `a ${kindOf(resource)}`,
            allowed: "a Role and a RoleBinding in the runners' namespace",
            remedy: "Remove it: runners need no right beyond their own Pod.",
          },
        ];
      case "ValidatingAdmissionPolicy":
        return must(
          inputs.get("spec", "failurePolicy"),
          (value) => value === "Fail" || value === undefined || value === null,
          '"Fail"',
          "Set it: otherwise what cannot be checked is allowed.",
        );
      case "ValidatingAdmissionPolicyBinding":
        return must(
          inputs.get("spec", "validationActions"),
          (actions) => Array.isArray(actions) && actions.includes("Deny"),
          'a list with "Deny"',
          'Add "Deny": otherwise a runner may delete any Pod of its namespace.',
        );
      default:
        return [];
    }
  },
};

/** Whether a binding's subject is a runner, by itself or in a group of service accounts. */
function isRunner(subject: Place, accounts: Set<string>, namespaces: Set<string>): boolean {
  const name = subject.get("name").text ?? "";
  if (subject.get("kind").value === "ServiceAccount") {
    return accounts.has(`${subject.get("namespace").text}/${name}`);
  }
  if (subject.get("kind").value === "User") {
    return accounts.has(name.replace(/^system:serviceaccount:([^:]+):/, "$1/"));
  }
  return (
    [...namespaces].some((namespace) => name === `system:serviceaccounts:${namespace}`) ||
    name === "system:serviceaccounts"
  );
}

const bindingKinds = ["RoleBinding", "ClusterRoleBinding"];
const podIdentity = "aws:eks/podIdentityAssociation:PodIdentityAssociation";

export const permissionsStayNarrow: StackRule = {
  name: "permissions-stay-narrow",
  description:
    "No other resource of the stack gives the runners rights in the cluster or an AWS role, and their own have their limit.",
  stack: (resources) => {
    const namespaces = ownNamespaces(resources);
    const accounts = ownObjects(resources, "ServiceAccount");
    const own = (kind: string) =>
      resources.filter((resource) => isOwn(resource) && kindOf(resource) === kind);
    const unlimited = own("ValidatingAdmissionPolicyBinding").length === 0 ? own("RoleBinding") : [];
    return [
      ...unlimited.map(({ urn }) => ({
        urn,
        path: "",
        seen: "without a ValidatingAdmissionPolicyBinding",
        allowed: "a RoleBinding that an admission policy limits to a Pod's own token",
        remedy: "Create both with podPerJob: a Role cannot say which Pod may be deleted.",
      })),
      ...resources
        .filter((resource) => !isOwn(resource))
        .flatMap((resource) => {
          const { inputs, type, urn } = resource;
          const remedy =
            "Remove it, or give the rights to a service account of another namespace: jobs run beside this one.";
          if (bindingKinds.includes(kindOf(resource) ?? "")) {
            return inputs
              .get("subjects")
              .items.filter((subject) => isRunner(subject, accounts, namespaces))
              .flatMap((subject) => must(subject, () => false, "subjects that are no runners", remedy))
              .map((problem) => ({ ...problem, urn }));
          }
          const account = `${inputs.get("namespace").text}/${inputs.get("serviceAccount").text}`;
          if (type !== podIdentity || !accounts.has(account)) return [];
          return must(
            inputs.get("serviceAccount"),
            () => false,
            "a service account that is no runner's",
            "Remove it: every job would act in AWS with that role.",
          ).map((problem) => ({ ...problem, urn }));
        }),
    ];
  },
};

export const namespaceIsRestricted: ResourceRule = {
  name: "namespace-is-restricted",
  description: "The API server refuses Pods that are not `restricted` in the runners' namespace.",
  resource: (resource) =>
    isOwn(resource) && kindOf(resource) === "Namespace"
      ? must(
          resource.inputs.get("metadata", "labels", "pod-security.kubernetes.io/enforce"),
          (level) => level === "restricted",
          '"restricted"',
          "Set the label: a privileged Pod beside the runners could take their credential.",
        )
      : [],
};
