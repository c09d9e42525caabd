import type { operations } from "@octokit/openapi-types";
import { type Call, json, type Reply } from "./http";
import { failure, invalid, notFound, type Schemas } from "./replies";
import type { RestContext } from "./rest";
import type { Route } from "./routes";
import type { Environment, Repository, Variables } from "./settings";

type EnvironmentRequest = NonNullable<
  NonNullable<operations["repos/create-or-update-environment"]["requestBody"]>["content"]["application/json"]
> & {
  /** Answered and understood by GitHub, and not in its description of the API. */
  can_admins_bypass?: boolean;
};
type VariableRequest = { name: string; value: string };

const repo = "/repos/{owner}/{repo}";
const environment = `${repo}/environments/{name}`;
const needs = (permission: NonNullable<Route["needs"]>["permission"]) =>
  ({
    read: { permission, power: "read" },
    write: { permission, power: "write" },
  }) as const;

/** Reads and settings of repositories, and the accounts that are named in them, as far as the product's tools use them. */
export const settingsRoutes: Route[] = [
  {
    operation: `GET ${repo}`,
    answer: (context, _, names) => withRepository(context, names, describeRepository),
  },
  {
    operation: "GET /users/{login}",
    answer: ({ settings }, _, [login = ""]) => account(settings.user(login), { login }),
  },
  {
    operation: "GET /orgs/{org}/teams/{slug}",
    needs: needs("members").read,
    answer: ({ settings }, _, [org, slug]) =>
      account(settings.team(`${org}/${slug}`), { slug: slug ?? "", name: slug ?? "" }),
  },
  {
    operation: `GET ${environment}`,
    needs: needs("actions").read,
    answer: (context, _, names) =>
      withEnvironment(context, names, (found, repository) => ({
        status: 200,
        json: describeEnvironment(context, found, repository),
      })),
  },
  { operation: `PUT ${environment}`, needs: needs("administration").write, answer: putEnvironment },
  {
    operation: `DELETE ${environment}`,
    needs: needs("administration").write,
    answer: (context, _, names) =>
      withEnvironment(context, names, ({ name }, repository) => {
        repository.environments.delete(name);
        return { status: 204 };
      }),
  },
  ...branchRoutes(`${environment}/deployment-branch-policies`),
  ...variableRoutes(`${environment}/variables`, "environments", (context, names, use) =>
    withEnvironment(context, names, ({ variables }) => use(variables, names[3])),
  ),
  ...variableRoutes(`${repo}/actions/variables`, "actions_variables", (context, names, use) =>
    withRepository(context, names, ({ variables }) => use(variables, names[2])),
  ),
];

function withRepository(
  { settings }: RestContext,
  names: string[],
  use: (found: Repository) => Reply,
): Reply {
  const repository = settings.repository(names.slice(0, 2).join("/"));
  return repository ? use(repository) : notFound();
}

function withEnvironment(
  context: RestContext,
  names: string[],
  use: (found: Environment, repository: Repository) => Reply,
): Reply {
  return withRepository(context, names, (repository) => {
    const found = repository.environments.get(names[2] ?? "");
    return found ? use(found, repository) : notFound();
  });
}

function account(id: number | undefined, rest: Record<string, string>): Reply {
  return id === undefined ? notFound() : { status: 200, json: { id, ...rest } };
}

function describeRepository({ id, name, visibility }: Repository): Reply {
  const body: Pick<Schemas["full-repository"], "id" | "name" | "full_name" | "private" | "visibility"> = {
    id,
    name: name.split("/")[1] ?? "",
    full_name: name,
    private: visibility === "private",
    visibility,
  };
  return { status: 200, json: body };
}

/** Makes the environment or replaces its rules: what is left out of the request is reset. */
function putEnvironment({ settings, ...context }: RestContext, call: Call, names: string[]): Reply {
  const request = json(call) as EnvironmentRequest;
  const reviewers = request.reviewers ?? [];
  const policy = request.deployment_branch_policy ?? null;
  if (reviewers.length > 6) return invalid("Only 6 reviewers are allowed");
  if (!reviewers.every((reviewer) => settings.isReviewer(reviewer))) return invalid("Invalid reviewers");
  if (policy && policy.protected_branches === policy.custom_branch_policies)
    return invalid("protected_branches and custom_branch_policies cannot have the same value");
  return withRepository({ settings, ...context }, names, (repository) => {
    const name = names[2] ?? "";
    const before = repository.environments.get(name);
    const made: Environment = {
      id: before?.id ?? settings.newId(),
      name,
      createdAt: before?.createdAt ?? settings.now(),
      reviewers: reviewers.map(({ type = "User", id = 0 }) => ({ type, id })),
      preventSelfReview: request.prevent_self_review ?? false,
      canAdminsBypass: request.can_admins_bypass ?? true,
      branchPolicy: policy,
      branches: before?.branches ?? new Map(),
      variables: before?.variables ?? new Map(),
    };
    repository.environments.set(name, made);
    return { status: 200, json: describeEnvironment({ settings, ...context }, made, repository) };
  });
}

function describeEnvironment(
  { apiUrl, publicUrl, settings }: RestContext,
  found: Environment,
  { name: repository }: Repository,
): Schemas["environment"] & { can_admins_bypass: boolean } {
  const { id, name, reviewers, preventSelfReview, branchPolicy } = found;
  const rule = (type: string, rest = {}) => ({ id: id * 10, node_id: `GA_${id}`, type, ...rest });
  // Of a reviewer only what clients read.
  const people = reviewers.map(({ type, id: reviewer }) => ({ type, reviewer: { id: reviewer } }));
  return {
    id,
    node_id: `EN_${id}`,
    name,
    url: `${apiUrl}/repos/${repository}/environments/${name}`,
    html_url: `${publicUrl}/${repository}/deployments/activity_log?environments_filter=${name}`,
    created_at: found.createdAt,
    updated_at: settings.now(),
    can_admins_bypass: found.canAdminsBypass,
    protection_rules: [
      ...(people.length > 0
        ? [rule("required_reviewers", { prevent_self_review: preventSelfReview, reviewers: people })]
        : []),
      ...(branchPolicy ? [rule("branch_policy")] : []),
    ],
    deployment_branch_policy: branchPolicy,
  };
}

function branchRoutes(path: string): Route[] {
  const describe = (id: number, name: string): Reply => {
    const body: Schemas["deployment-branch-policy"] = { id, node_id: `BP_${id}`, name, type: "branch" };
    return { status: 200, json: body };
  };
  const withPolicy = (
    context: RestContext,
    names: string[],
    use: (branches: Map<number, string>, id: number) => Reply,
  ) =>
    withEnvironment(context, names, ({ branches }) =>
      branches.has(Number(names[3])) ? use(branches, Number(names[3])) : notFound(),
    );
  return [
    {
      operation: `POST ${path}`,
      needs: needs("administration").write,
      answer: (context, call, names) =>
        withEnvironment(context, names, ({ branchPolicy, branches }) => {
          const { name } = json(call) as VariableRequest;
          if (!branchPolicy?.custom_branch_policies) return notFound();
          if ([...branches.values()].includes(name)) return { status: 303 };
          const id = context.settings.newId();
          branches.set(id, name);
          return describe(id, name);
        }),
    },
    {
      operation: `GET ${path}/{id}`,
      needs: needs("actions").read,
      answer: (context, _, names) =>
        withPolicy(context, names, (branches, id) => describe(id, branches.get(id) ?? "")),
    },
    {
      operation: `DELETE ${path}/{id}`,
      needs: needs("administration").write,
      answer: (context, _, names) =>
        withPolicy(context, names, (branches, id) => {
          branches.delete(id);
          return { status: 204 };
        }),
    },
  ];
}

function variableRoutes(
  path: string,
  permission: "environments" | "actions_variables",
  within: (
    context: RestContext,
    names: string[],
    use: (variables: Variables, name: string | undefined) => Reply,
  ) => Reply,
): Route[] {
  const { read, write } = needs(permission);
  const withVariable = (
    context: RestContext,
    names: string[],
    use: (found: Schemas["actions-variable"], variables: Variables) => Reply,
  ) =>
    within(context, names, (variables, name) => {
      const found = variables.get(name?.toUpperCase() ?? "");
      return found ? use(found, variables) : notFound();
    });
  return [
    {
      operation: `POST ${path}`,
      needs: write,
      answer: (context, call, names) =>
        within(context, names, (variables) => {
          const { name, value } = json(call) as VariableRequest;
          if (variables.has(name)) return failure(409, "Already exists - Variable already exists");
          const now = context.settings.now();
          variables.set(name, { name, value, created_at: now, updated_at: now });
          return { status: 201, json: {} };
        }),
    },
    {
      operation: `GET ${path}/{name}`,
      needs: read,
      answer: (context, _, names) => withVariable(context, names, (found) => ({ status: 200, json: found })),
    },
    {
      operation: `PATCH ${path}/{name}`,
      needs: write,
      answer: (context, call, names) =>
        withVariable(context, names, (found) => {
          found.value = (json(call) as VariableRequest).value;
          found.updated_at = context.settings.now();
          return { status: 204 };
        }),
    },
    {
      operation: `DELETE ${path}/{name}`,
      needs: write,
      answer: (context, _, names) =>
        withVariable(context, names, ({ name }, variables) => {
          variables.delete(name);
          return { status: 204 };
        }),
    },
  ];
}
