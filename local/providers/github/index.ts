import { randomUUID } from "node:crypto";
import { notKnown, type ProviderStandIn, type ResourceKind, type Values } from "../standIn";

/**
 * Stand-in for the `github` provider plugin: settings are kept in memory, in the shape of the inputs.
 * Nothing checks them against GitHub.
 */
export function githubStandIn(): ProviderStandIn {
  const settings = new Map<string, Values>();
  return {
    name: "github",
    version: "6.15.0",
    async configure() {
      const kind = settingKind(settings);
      return {
        resource(type) {
          if (!KNOWN_TYPES.has(type)) {
            throw notKnown("github", `the resource type ${type}`);
          }
          return kind;
        },
        async invoke(token) {
          throw notKnown("github", `the function ${token}`);
        },
      };
    },
  };
}

const KNOWN_TYPES = new Set([
  "github:index/actionsEnvironmentVariable:ActionsEnvironmentVariable",
  "github:index/actionsVariable:ActionsVariable",
  "github:index/repositoryEnvironment:RepositoryEnvironment",
]);

function settingKind(settings: Map<string, Values>): ResourceKind {
  return {
    computed: [],
    replaces: (path) => ["repository", "environment", "variableName"].includes(path),
    deleteBeforeReplace: () => true,
    async create(inputs) {
      const id = randomUUID();
      settings.set(id, inputs);
      return { id, outputs: inputs };
    },
    async read(id, inputs) {
      const found = settings.get(id);
      return found && { outputs: found, inputs: Object.keys(inputs).length > 0 ? inputs : found };
    },
    async update(id, inputs) {
      settings.set(id, inputs);
      return inputs;
    },
    async delete(id) {
      settings.delete(id);
    },
  };
}
