import { type ResourceKind, requiredString, type Values } from "../standIn";
import { type Client, repositoryId, unlessMissing } from "./client";

/** How the variables of one place are reached. */
interface Place {
  route: string;
  /** The route's parameters but the variable's name. */
  parameters(inputs: Values): Record<string, string>;
}

/** `github.ActionsVariable`. */
export const repositoryVariableKind = (client: Client): ResourceKind =>
  variableKind(client, {
    route: "/repos/{owner}/{repo}/actions/variables",
    parameters: (inputs) => ({ repo: requiredString(inputs, "repository") }),
  });

/** `github.ActionsEnvironmentVariable`. */
export const environmentVariableKind = (client: Client): ResourceKind =>
  variableKind(client, {
    route: "/repos/{owner}/{repo}/environments/{environment_name}/variables",
    parameters: (inputs) => ({
      repo: requiredString(inputs, "repository"),
      environment_name: requiredString(inputs, "environment"),
    }),
  });

function variableKind(client: Client, { route, parameters }: Place): ResourceKind {
  const { owner, request } = client;
  const where = (inputs: Values) => ({
    owner,
    ...parameters(inputs),
    name: requiredString(inputs, "variableName"),
  });

  async function described(inputs: Values): Promise<Values> {
    const { data } = await request(`GET ${route}/{name}`, where(inputs));
    return {
      ...inputs,
      value: data.value,
      createdAt: data.created_at,
      updatedAt: data.updated_at,
      repositoryId: await repositoryId(client, requiredString(inputs, "repository")),
    };
  }

  return {
    computed: ["createdAt", "updatedAt", "repositoryId"],
    recomputed: ["updatedAt"],
    replaces: (path) => path !== "value",
    deleteBeforeReplace: () => true,
    async create(inputs) {
      const { owner: _, ...parts } = where(inputs);
      await request(`POST ${route}`, { ...where(inputs), value: inputs.value });
      return { id: Object.values(parts).join(":"), outputs: await described(inputs) };
    },
    async read(_, inputs, state) {
      const outputs = await unlessMissing(described({ ...state, ...inputs }));
      return outputs && { outputs, inputs: { ...inputs, value: outputs.value } };
    },
    async update(_, inputs) {
      await request(`PATCH ${route}/{name}`, { ...where(inputs), value: inputs.value });
      return described(inputs);
    },
    async delete(_, state) {
      await unlessMissing(request(`DELETE ${route}/{name}`, where(state)));
    },
  };
}
