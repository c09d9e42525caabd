import { isObject, type ResourceKind, requiredString, type Values } from "../standIn";
import { type Client, repositoryId, unlessMissing } from "./client";

interface ReviewerIds {
  users?: number[];
  teams?: number[];
}

const route = "/repos/{owner}/{repo}/environments/{environment_name}";

const names = (inputs: Values) => ({
  repo: requiredString(inputs, "repository"),
  environment_name: requiredString(inputs, "environment"),
});

/** `github.RepositoryEnvironment`. An environment that is there already is taken over, because GitHub makes and changes by one call. */
export function environmentKind(client: Client): ResourceKind {
  const { owner, request } = client;

  async function put(inputs: Values): Promise<Values> {
    const where = names(inputs);
    const policy = inputs.deploymentBranchPolicy as Record<string, boolean> | undefined;
    const [{ users = [], teams = [] } = {}] = (inputs.reviewers ?? []) as ReviewerIds[];
    const reviewers = [
      ...teams.map((id) => ({ type: "Team" as const, id })),
      ...users.map((id) => ({ type: "User" as const, id })),
    ];
    const rules = {
      prevent_self_review: inputs.preventSelfReview === true,
      can_admins_bypass: inputs.canAdminsBypass !== false,
      reviewers: reviewers.length > 0 ? reviewers : null,
      deployment_branch_policy: policy
        ? {
            protected_branches: policy.protectedBranches === true,
            custom_branch_policies: policy.customBranchPolicies === true,
          }
        : null,
    };
    await request(`PUT ${route}`, { owner, ...where, ...rules });
    return { ...inputs, repositoryId: await repositoryId(client, where.repo) };
  }

  return {
    computed: ["repositoryId"],
    replaces: (path) => path === "environment" || path === "repository",
    deleteBeforeReplace: () => true,
    async create(inputs) {
      const { repo, environment_name } = names(inputs);
      return { id: `${repo}:${environment_name}`, outputs: await put(inputs) };
    },
    async read(_, inputs, state) {
      const answer = await unlessMissing(
        request(`GET ${route}`, { owner, ...names({ ...state, ...inputs }) }),
      );
      if (!answer) return undefined;
      const live = { ...inputs, ...liveRules(answer.data) };
      return { outputs: { ...state, ...live }, inputs: live };
    },
    update: (_, inputs) => put(inputs),
    async delete(_, state) {
      await unlessMissing(request(`DELETE ${route}`, { owner, ...names(state) }));
    },
  };
}

/** The rules as GitHub has them, in the shape of the inputs. */
function liveRules(environment: object): Values {
  const { protection_rules = [], deployment_branch_policy: policy, ...rest } = environment as Values;
  const review = (protection_rules as Values[]).find(({ type }) => type === "required_reviewers");
  const people = (review?.reviewers ?? []) as { type: string; reviewer: { id: number } }[];
  const ids = (wanted: string) =>
    people.filter(({ type }) => type === wanted).map(({ reviewer }) => reviewer.id);
  return {
    canAdminsBypass: rest.can_admins_bypass,
    preventSelfReview: review?.prevent_self_review ?? false,
    reviewers: review ? [{ users: ids("User"), teams: ids("Team") }] : undefined,
    deploymentBranchPolicy: isObject(policy)
      ? { protectedBranches: policy.protected_branches, customBranchPolicies: policy.custom_branch_policies }
      : undefined,
  };
}

/** `github.RepositoryEnvironmentDeploymentPolicy`, for branches only. */
export function branchPolicyKind({ owner, request }: Client): ResourceKind {
  const policies = `${route}/deployment-branch-policies` as const;
  const policyOf = (state: Values) => ({
    owner,
    ...names(state),
    branch_policy_id: Number(state.policyId),
  });
  return {
    computed: ["policyId", "repositoryId"],
    replaces: () => true,
    deleteBeforeReplace: () => true,
    async create(inputs) {
      const where = names(inputs);
      const name = requiredString(inputs, "branchPattern");
      const { data } = await request(`POST ${policies}`, { owner, ...where, name, type: "branch" });
      const outputs = {
        ...inputs,
        policyId: data.id,
        repositoryId: await repositoryId({ owner, request }, where.repo),
      };
      return { id: `${where.repo}:${where.environment_name}:${data.id}`, outputs };
    },
    async read(_, inputs, state) {
      const answer = await unlessMissing(request(`GET ${policies}/{branch_policy_id}`, policyOf(state)));
      if (!answer) return undefined;
      const live = { branchPattern: answer.data.name };
      return { outputs: { ...state, ...live }, inputs: { ...inputs, ...live } };
    },
    async update() {
      throw new Error("every change of a branch policy replaces it");
    },
    async delete(_, state) {
      await unlessMissing(request(`DELETE ${policies}/{branch_policy_id}`, policyOf(state)));
    },
  };
}
