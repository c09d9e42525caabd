import {
  everyCallIsEncrypted,
  oneEnvironment,
  productionIsProtected,
  runnerGroupIsClosed,
} from "../../../../policy/rules/environment";
import { unknown } from "../../../../policy/values";
import type { Draft } from "../draft";
import type { RuleCases } from "../ruleCases";

const labels = (change: (labels: string) => string) => (draft: Draft) => {
  const entry = draft.broker.env.find(({ name }: { name: string }) => name === "RUNNER_LABELS");
  entry.value = change(entry.value);
};

const groupType = "github:index/actionsRunnerGroup:ActionsRunnerGroup";
const changeGroup = (changes: object) => (draft: Draft) => {
  Object.assign(draft.inputs("ActionsRunnerGroup"), changes);
};

export const environmentCases: RuleCases[] = [
  {
    rule: oneEnvironment,
    accepts: [
      { what: "labels beside the usual ones", change: labels((text) => `${text},gpu,production`) },
      {
        what: "resources of others, whatever their tags",
        change: (draft) => draft.add("aws:s3/bucket:Bucket", { tags: { "digdag-runner:stack": "prd" } }),
      },
      {
        what: "a larger program, whose stack has another name",
        change: (draft) => draft.renameStack("team-eu"),
      },
      { what: "labels that are not known yet", change: labels(() => unknown as unknown as string) },
    ],
    refuses: [
      {
        what: "a rule that is tagged with another stack",
        change: (draft) => {
          draft.inputs("SecurityGroupIngressRule").tags["digdag-runner:stack"] = "prd";
        },
        says: /^tags\["digdag-runner:stack"\] is "prd"\. Allowed: "stg", the stack's name/,
      },
      {
        what: "another environment's label beside its own",
        change: labels((text) => `${text},prd`),
        says: /env\[\d+\]\.value is "self-hosted,linux,x64,digdag,stg,prd"\. Allowed: labels with "stg" and without "prd" or "local"/,
      },
      {
        what: "runners without their environment's label",
        change: labels((text) => text.replace(",stg", "")),
        says: /Allowed: labels with "stg"/,
      },
      {
        what: "runners that are called like another pool",
        change: (draft) => draft.setVariable(draft.broker, "RUNNER_NAME_PREFIX", "digdag-prd"),
        says: /is "digdag-prd"\. Allowed: "digdag-stg"/,
      },
      {
        what: "an environment that is not the stack's",
        change: (draft) => draft.renameStack("prd"),
        says: /is "stg"\. Allowed: "prd", the stack's name/,
      },
      {
        what: "Pods of no environment",
        change: (draft) => {
          delete draft.inputs("Deployment").spec.template.metadata.labels["app.kubernetes.io/instance"];
        },
        says: /labels\["app\.kubernetes\.io\/instance"\] is not set/,
      },
      {
        what: "jobs that deploy to another Digdag than the one that is probed",
        change: (draft) =>
          draft.setVariable(draft.runner, "DIGDAG_ENDPOINT", "https://digdag.prd.example.com"),
        says: /is "https:\/\/digdag\.prd\.example\.com"\. Allowed: the broker's, "https:\/\/digdag\.stg/,
      },
    ],
  },
  {
    rule: everyCallIsEncrypted,
    accepts: [],
    refuses: ["GITHUB_API_URL", "DIGDAG_ENDPOINT"].map((name) => ({
      what: `${name} without TLS`,
      change: (draft) => draft.setVariable(draft.broker, name, "http://example.com"),
      says: /is "http:\/\/example\.com"\. Allowed: a URL that begins with https/,
    })),
  },
  {
    rule: productionIsProtected,
    accepts: [
      {
        what: "branches by their names",
        from: "prd",
        change: (draft) => {
          draft.inputs("RepositoryEnvironment").deploymentBranchPolicy = {
            protectedBranches: false,
            customBranchPolicies: true,
          };
        },
      },
    ],
    refuses: [
      {
        what: "an environment prd for every branch",
        from: "prd",
        change: (draft) => {
          delete draft.inputs("RepositoryEnvironment").deploymentBranchPolicy;
        },
        says: /^deploymentBranchPolicy is not set/,
      },
    ],
  },
  {
    rule: runnerGroupIsClosed,
    accepts: [
      {
        what: "a group of others, however open",
        from: "organization",
        change: (draft) => draft.add(groupType, { name: "others", visibility: "all" }),
      },
      {
        what: "repositories and workflows that are not known yet",
        from: "organization",
        change: changeGroup({ selectedRepositoryIds: unknown, selectedWorkflows: unknown }),
      },
    ],
    refuses: [
      {
        what: "a group for every repository",
        from: "organization",
        change: changeGroup({ visibility: "all" }),
        says: /^visibility is "all"\. Allowed: "selected"/,
      },
      {
        what: "a group for public repositories",
        from: "organization",
        change: changeGroup({ allowsPublicRepositories: true }),
        says: /^allowsPublicRepositories is true/,
      },
      {
        what: "a group for every workflow, which is GitHub's default",
        from: "organization",
        change: changeGroup({ restrictedToWorkflows: undefined }),
        says: /^restrictedToWorkflows is not set/,
      },
      {
        what: "workflows on whatever branch",
        from: "organization",
        change: changeGroup({
          selectedWorkflows: ["example-org/a/.github/workflows/deploy.yml@refs/heads/*"],
        }),
        says: /^selectedWorkflows\[0\] is ".*\*"/,
      },
    ],
  },
];
