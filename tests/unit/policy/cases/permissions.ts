import {
  namespaceIsRestricted,
  permissionsAreNarrow,
  permissionsStayNarrow,
} from "../../../../policy/rules/permissions";
import { unknown } from "../../../../policy/values";
import type { Draft } from "../draft";
import type { RuleCases } from "../ruleCases";

const rbac = "kubernetes:rbac.authorization.k8s.io/v1:";
const runner = { kind: "ServiceAccount", name: "digdag-runner", namespace: "digdag-runner-stg" };
const binding = (subject: object) => ({
  roleRef: { kind: "ClusterRole", name: "view" },
  subjects: [subject],
});

const rule = (change: Record<string, unknown>) => ({
  what: `a right ${JSON.stringify(change)}`,
  from: "podPerJob" as const,
  change: (draft: Draft) => void Object.assign(draft.inputs("Role").rules[0], change),
  says: /^rules\[0\] is \{.*Allowed: the verb "delete" on "pods"/,
});

export const permissionCases: RuleCases[] = [
  {
    rule: permissionsAreNarrow,
    accepts: [
      {
        what: "a ClusterRole of others",
        change: (draft) => draft.add(`${rbac}ClusterRole`, { rules: [{ verbs: ["*"] }] }),
      },
      {
        what: "verbs that are not known yet",
        from: "podPerJob",
        change: (draft) => void Object.assign(draft.inputs("Role").rules[0], { verbs: unknown }),
      },
      {
        what: "an admission policy that fails by default",
        from: "podPerJob",
        change: (draft) => {
          delete draft.inputs("ValidatingAdmissionPolicy").spec.failurePolicy;
        },
      },
      {
        what: "rules that are not known yet",
        from: "podPerJob",
        change: (draft) => void Object.assign(draft.inputs("Role"), { rules: unknown }),
      },
    ],
    refuses: [
      rule({ verbs: ["delete", "create"] }),
      rule({ verbs: ["*"] }),
      rule({ resources: ["pods", "secrets"] }),
      rule({ resources: ["secrets"] }),
      rule({ apiGroups: ["*"] }),
      {
        what: "rights in the whole cluster",
        change: (draft) => draft.addOwn(`${rbac}ClusterRoleBinding`, binding(runner)),
        says: /^It is a ClusterRoleBinding\. Allowed: a Role and a RoleBinding/,
      },
      {
        what: "an admission policy that gives in",
        from: "podPerJob",
        change: (draft) => {
          draft.inputs("ValidatingAdmissionPolicy").spec.failurePolicy = "Ignore";
        },
        says: /^spec\.failurePolicy is "Ignore"/,
      },
      {
        what: "an admission policy that only warns",
        from: "podPerJob",
        change: (draft) => {
          draft.inputs("ValidatingAdmissionPolicyBinding").spec.validationActions = ["Warn"];
        },
        says: /^spec\.validationActions is \["Warn"\]/,
      },
    ],
  },
  {
    rule: permissionsStayNarrow,
    accepts: [
      {
        what: "rights of an account of others in the same namespace",
        change: (draft) => {
          const account = { name: "exporter", namespace: runner.namespace };
          draft.add("kubernetes:core/v1:ServiceAccount", { metadata: account });
          draft.add(`${rbac}RoleBinding`, binding({ kind: "ServiceAccount", ...account }));
        },
      },
      {
        what: "rights of another account",
        change: (draft) => draft.add(`${rbac}RoleBinding`, binding({ ...runner, namespace: "elsewhere" })),
      },
      {
        what: "a role of another account",
        change: (draft) =>
          draft.add("aws:eks/podIdentityAssociation:PodIdentityAssociation", {
            namespace: "elsewhere",
            serviceAccount: "digdag-runner",
          }),
      },
    ],
    refuses: [
      {
        what: "rights of the runners' account",
        change: (draft) => draft.add(`${rbac}ClusterRoleBinding`, binding(runner)),
        says: /^subjects\[0\] is \{"kind":"ServiceAccount","name":"digdag-runner"/,
      },
      {
        what: "the same by its user name",
        change: (draft) =>
          draft.add(
            `${rbac}RoleBinding`,
            binding({ kind: "User", name: "system:serviceaccount:digdag-runner-stg:digdag-runner" }),
          ),
        says: /^subjects\[0\]/,
      },
      ...["system:serviceaccounts", "system:serviceaccounts:digdag-runner-stg"].map((name) => ({
        what: `rights of the group ${name}`,
        change: (draft: Draft) => draft.add(`${rbac}RoleBinding`, binding({ kind: "Group", name })),
        says: /^subjects\[0\] is \{"kind":"Group"/,
      })),
      {
        what: "an AWS role by Pod Identity",
        change: (draft) =>
          draft.add("aws:eks/podIdentityAssociation:PodIdentityAssociation", {
            namespace: "digdag-runner-stg",
            serviceAccount: "digdag-runner",
            roleArn: "arn:x",
          }),
        says: /^serviceAccount is "digdag-runner"/,
      },
      {
        what: "the right to delete any Pod of the namespace",
        from: "podPerJob",
        change: (draft) => draft.remove("ValidatingAdmissionPolicyBinding"),
        says: /^It is without a ValidatingAdmissionPolicyBinding/,
      },
    ],
  },
  {
    rule: namespaceIsRestricted,
    accepts: [
      {
        what: "another namespace",
        change: (draft) => draft.add("kubernetes:core/v1:Namespace", { metadata: { name: "x" } }),
      },
    ],
    refuses: ["baseline", undefined].map((level) => ({
      what: `the level ${level}`,
      change: (draft) => {
        draft.inputs("Namespace").metadata.labels["pod-security.kubernetes.io/enforce"] = level;
      },
      says: /enforce"\] is ("baseline"|not set)\. Allowed: "restricted"/,
    })),
  },
];
