import { type ResourceKind, requiredString, type Values } from "../standIn";
import { type Client, unlessMissing } from "./client";

const route = "/orgs/{org}/actions/runner-groups";

/** `github.ActionsRunnerGroup`. */
export function runnerGroupKind({ owner: org, request }: Client): ResourceKind {
  const rules = (inputs: Values) => ({
    name: requiredString(inputs, "name"),
    visibility: requiredString(inputs, "visibility") as "selected" | "all" | "private",
    allows_public_repositories: inputs.allowsPublicRepositories === true,
    restricted_to_workflows: inputs.restrictedToWorkflows === true,
    selected_workflows: (inputs.selectedWorkflows ?? []) as string[],
  });
  const repositories = (inputs: Values) => (inputs.selectedRepositoryIds ?? []) as number[];

  async function described(id: number): Promise<{ inputs: Values; outputs: Values }> {
    const where = { org, runner_group_id: id };
    const { data } = await request(`GET ${route}/{runner_group_id}`, where);
    const selected = await request(`GET ${route}/{runner_group_id}/repositories`, where);
    const inputs = {
      name: data.name,
      visibility: data.visibility,
      allowsPublicRepositories: data.allows_public_repositories,
      restrictedToWorkflows: data.restricted_to_workflows,
      selectedWorkflows: data.selected_workflows,
      selectedRepositoryIds: selected.data.repositories.map((each) => each.id),
    };
    const outputs = {
      ...inputs,
      default: data.default,
      inherited: data.inherited,
      runnersUrl: data.runners_url,
      selectedRepositoriesUrl: data.selected_repositories_url ?? "",
    };
    return { inputs, outputs };
  }

  return {
    computed: ["default", "inherited", "runnersUrl", "selectedRepositoriesUrl"],
    replaces: () => false,
    async create(inputs) {
      const { data } = await request(`POST ${route}`, {
        org,
        ...rules(inputs),
        selected_repository_ids: repositories(inputs),
      });
      return { id: String(data.id), outputs: (await described(data.id)).outputs };
    },
    async read(id) {
      return unlessMissing(described(Number(id)));
    },
    async update(id, inputs) {
      const where = { org, runner_group_id: Number(id) };
      await request(`PATCH ${route}/{runner_group_id}`, { ...where, ...rules(inputs) });
      await request(`PUT ${route}/{runner_group_id}/repositories`, {
        ...where,
        selected_repository_ids: repositories(inputs),
      });
      return (await described(where.runner_group_id)).outputs;
    },
    async delete(id) {
      await unlessMissing(request(`DELETE ${route}/{runner_group_id}`, { org, runner_group_id: Number(id) }));
    },
  };
}
