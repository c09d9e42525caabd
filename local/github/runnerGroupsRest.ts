import type { operations } from "@octokit/openapi-types";
import { json, paginate, type Reply } from "./http";
import { sameName } from "./registry";
import { failure, notFound, type Schemas } from "./replies";
import type { RestContext } from "./rest";
import type { Route } from "./routes";
import type { RunnerGroup, RunnerGroupAccess } from "./types";

type GroupList =
  operations["actions/list-self-hosted-runner-groups-for-org"]["responses"][200]["content"]["application/json"];
type GroupRequest =
  operations["actions/create-self-hosted-runner-group-for-org"]["requestBody"]["content"]["application/json"];
type AccessRequest =
  operations["actions/set-repo-access-to-self-hosted-runner-group-in-org"]["requestBody"]["content"]["application/json"];
type RepositoryList = { total_count: number; repositories: { id: number }[] };

const path = "/orgs/{org}/actions/runner-groups";
const needs = (power: "read" | "write") =>
  ({ permission: "organization_self_hosted_runners", power }) as const;

/** GitHub's defaults. */
const open: RunnerGroupAccess = {
  visibility: "all",
  selectedRepositoryIds: [],
  allowsPublicRepositories: false,
  restrictedToWorkflows: false,
  selectedWorkflows: [],
};

/** Every operation on an organization's runner groups that the product's tools use. */
export const runnerGroupRoutes: Route[] = [
  {
    operation: `GET ${path}`,
    needs: needs("read"),
    answer: (context, call, [organization = ""]): Reply => {
      const { page, link } = paginate(context.runnerGroups, `${context.apiUrl}${call.path}`, call.query);
      const body: GroupList = {
        total_count: context.runnerGroups.length,
        runner_groups: page.map((group) => described(context, organization, group)),
      };
      return { status: 200, headers: link ? { link } : {}, json: body };
    },
  },
  {
    operation: `POST ${path}`,
    needs: needs("write"),
    answer: (context, call, [organization = ""]) => {
      const request = json(call) as GroupRequest;
      const { runnerGroups } = context;
      if (runnerGroups.some(({ name }) => sameName(name, request.name)))
        return failure(409, "Runner group with that name already exists.");
      // Group 2 is GitHub's own for hosted runners.
      const id = Math.max(2, ...runnerGroups.map((group) => group.id)) + 1;
      const group = { id, name: request.name, access: changed(open, request) };
      context.runnerGroups = [...runnerGroups, group];
      return { status: 201, json: described(context, organization, group) };
    },
  },
  {
    operation: `GET ${path}/{id}`,
    needs: needs("read"),
    answer: (context, _, [organization = "", id]) =>
      withGroup(context, id, (group) => ({ status: 200, json: described(context, organization, group) })),
  },
  {
    operation: `PATCH ${path}/{id}`,
    needs: needs("write"),
    answer: (context, call, [organization = "", id]) =>
      withGroup(context, id, (group) => {
        const request = json(call) as GroupRequest;
        group.name = request.name;
        group.access = changed(group.access ?? open, request);
        return { status: 200, json: described(context, organization, group) };
      }),
  },
  {
    operation: `DELETE ${path}/{id}`,
    needs: needs("write"),
    answer: (context, _, [, id]) =>
      withGroup(context, id, (group) => {
        context.runnerGroups = context.runnerGroups.filter((each) => each !== group);
        return { status: 204 };
      }),
  },
  {
    operation: `GET ${path}/{id}/repositories`,
    needs: needs("read"),
    answer: (context, _, [, id]) =>
      withGroup(context, id, ({ access = open }) => {
        const ids = access.selectedRepositoryIds;
        const body: RepositoryList = {
          total_count: ids.length,
          repositories: ids.map((each) => ({ id: each })),
        };
        return { status: 200, json: body };
      }),
  },
  {
    operation: `PUT ${path}/{id}/repositories`,
    needs: needs("write"),
    answer: (context, call, [, id]) =>
      withGroup(context, id, (group) => {
        const { selected_repository_ids: selectedRepositoryIds } = json(call) as AccessRequest;
        group.access = { ...(group.access ?? open), selectedRepositoryIds };
        return { status: 204 };
      }),
  },
];

function withGroup(
  { runnerGroups }: RestContext,
  id: string | undefined,
  use: (group: RunnerGroup) => Reply,
) {
  const group = runnerGroups.find((each) => String(each.id) === id);
  return group ? use(group) : notFound();
}

function changed(access: RunnerGroupAccess, request: GroupRequest): RunnerGroupAccess {
  return {
    visibility: request.visibility ?? access.visibility,
    selectedRepositoryIds: request.selected_repository_ids ?? access.selectedRepositoryIds,
    allowsPublicRepositories: request.allows_public_repositories ?? access.allowsPublicRepositories,
    restrictedToWorkflows: request.restricted_to_workflows ?? access.restrictedToWorkflows,
    selectedWorkflows: request.selected_workflows ?? access.selectedWorkflows,
  };
}

function described(
  { apiUrl }: RestContext,
  organization: string,
  { id, name, access = open }: RunnerGroup,
): Schemas["runner-groups-org"] {
  const url = `${apiUrl}${path.replace("{org}", organization)}/${id}`;
  return {
    id,
    name,
    visibility: access.visibility,
    default: id === 1,
    ...(access.visibility === "selected" && { selected_repositories_url: `${url}/repositories` }),
    runners_url: `${url}/runners`,
    inherited: false,
    allows_public_repositories: access.allowsPublicRepositories,
    restricted_to_workflows: access.restrictedToWorkflows,
    selected_workflows: access.selectedWorkflows,
  };
}
