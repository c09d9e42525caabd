// biome-ignore-all lint/suspicious/noExplicitAny: GitHub's answers
import assert from "node:assert/strict";
import { type GitHub, startGitHub } from "../../../local/github/server";
import type { Token } from "../../../local/github/types";

const repository = "/repos/acme/etl";
const environment = `${repository}/environments/prd`;
const groups = "/orgs/acme/actions/runner-groups";

describe("the GitHub stand-in's settings of repositories and organizations", () => {
  let github: GitHub;
  beforeEach(async () => {
    const token = (value: string, more: Partial<Token> = {}): Token => ({ value, scopes: ["acme"], ...more });
    github = await startGitHub({
      tokens: [
        token("admin"),
        token("reader", { permission: "read" }),
        token("runners", { narrowedTo: ["organization_self_hosted_runners"] }),
        token("foreign", { scopes: ["other"] }),
      ],
      accounts: {
        repositories: { "acme/etl": { id: 11, visibility: "private" } },
        users: { octocat: 21 },
        teams: { "acme/deployers": 31 },
      },
    });
  });
  afterEach(() => github.close());

  async function ask(
    operation: string,
    body?: object,
    token = "admin",
  ): Promise<{ status: number; data: any }> {
    const [method = "", path] = operation.split(" ");
    const answer = await fetch(`${github.apiUrl}${path}`, {
      method,
      redirect: "manual",
      headers: { authorization: `token ${token}` },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, data: text === "" ? undefined : JSON.parse(text) };
  }
  const statusOf = async (...args: Parameters<typeof ask>) => (await ask(...args)).status;

  it("show repositories, users and teams by whatever case of their names, and nothing else", async () => {
    assert.deepEqual((await ask("GET /repos/ACME/etl")).data.id, 11);
    assert.deepEqual((await ask("GET /users/Octocat")).data.id, 21);
    assert.deepEqual((await ask("GET /orgs/acme/teams/deployers")).data.id, 31);
    for (const path of ["/repos/acme/other", "/users/nobody", "/orgs/acme/teams/nobody", environment])
      assert.equal(await statusOf(`GET ${path}`), 404, path);
    assert.equal(await statusOf(`GET ${repository}`, undefined, "foreign"), 404);
  });

  it("make an environment, and reset what a later request leaves out", async () => {
    const made = await ask(`PUT ${environment}`, {
      reviewers: [
        { type: "User", id: 21 },
        { type: "Team", id: 31 },
      ],
      prevent_self_review: true,
      can_admins_bypass: false,
      deployment_branch_policy: { protected_branches: true, custom_branch_policies: false },
    });
    assert.equal(made.status, 200);
    assert.deepEqual(
      made.data.protection_rules.map(({ type }: any) => type),
      ["required_reviewers", "branch_policy"],
    );
    await ask(`POST ${environment}/variables`, { name: "A", value: "1" });
    const { data } = await ask(`PUT ${environment}`, {});
    assert.deepEqual([data.protection_rules, data.can_admins_bypass], [[], true]);
    assert.deepEqual([data.id, data.deployment_branch_policy], [made.data.id, null]);
    assert.equal((await ask(`GET ${environment}/variables/A`)).data.value, "1");
    assert.equal(await statusOf(`DELETE ${environment}`), 204);
    assert.equal(await statusOf(`GET ${environment}/variables/A`), 404);
  });

  it("refuse reviewers who do not exist, and a branch policy of both kinds", async () => {
    const both = { protected_branches: true, custom_branch_policies: true };
    assert.equal(await statusOf(`PUT ${environment}`, { reviewers: [{ type: "User", id: 31 }] }), 422);
    assert.equal(await statusOf(`PUT ${environment}`, { deployment_branch_policy: both }), 422);
  });

  it("have branch patterns where the environment has custom ones", async () => {
    const patterns = `${environment}/deployment-branch-policies`;
    await ask(`PUT ${environment}`, {});
    assert.equal(await statusOf(`POST ${patterns}`, { name: "main" }), 404);
    const custom = { protected_branches: false, custom_branch_policies: true };
    await ask(`PUT ${environment}`, { deployment_branch_policy: custom });
    const { data } = await ask(`POST ${patterns}`, { name: "main" });
    assert.equal(await statusOf(`POST ${patterns}`, { name: "main" }), 303);
    assert.equal((await ask(`GET ${patterns}/${data.id}`)).data.name, "main");
    assert.equal(await statusOf(`DELETE ${patterns}/${data.id}`), 204);
    assert.equal(await statusOf(`GET ${patterns}/${data.id}`), 404);
  });

  it("have variables of the repository, each name once", async () => {
    const variables = `${repository}/actions/variables`;
    assert.equal(await statusOf(`POST ${variables}`, { name: "A", value: "1" }), 201);
    assert.equal(await statusOf(`POST ${variables}`, { name: "A", value: "2" }), 409);
    assert.equal(await statusOf(`PATCH ${variables}/a`, { value: "3" }), 204);
    assert.equal((await ask(`GET ${variables}/A`)).data.value, "3");
    assert.equal(await statusOf(`DELETE ${variables}/A`), 204);
    assert.equal(await statusOf(`DELETE ${variables}/A`), 404);
  });

  it("have runner groups that runners can join, each name once", async () => {
    const request = { name: "prd", visibility: "selected", selected_repository_ids: [11] };
    const { status, data } = await ask(`POST ${groups}`, request);
    assert.deepEqual([status, data.visibility, data.restricted_to_workflows], [201, "selected", false]);
    assert.equal(await statusOf(`POST ${groups}`, { name: "PRD" }), 409);
    const one = `${groups}/${data.id}`;
    await ask(`PATCH ${one}`, { name: "prd", restricted_to_workflows: true, selected_workflows: ["a"] });
    assert.deepEqual((await ask(`GET ${one}`)).data.selected_workflows, ["a"]);
    await ask(`PUT ${one}/repositories`, { selected_repository_ids: [] });
    assert.equal((await ask(`GET ${one}/repositories`)).data.total_count, 0);
    const runner = { name: "a", labels: ["x"], runner_group_id: data.id };
    assert.equal(await statusOf("POST /orgs/acme/actions/runners/generate-jitconfig", runner), 201);
    assert.equal(await statusOf(`DELETE ${one}`), 204);
    assert.equal(await statusOf(`GET ${one}`), 404);
  });

  it("say which permission a token lacks", async () => {
    assert.equal(await statusOf(`PUT ${environment}`, {}, "reader"), 403);
    assert.equal(await statusOf(`POST ${groups}`, { name: "a" }, "reader"), 403);
    assert.equal(await statusOf(`GET ${groups}`, undefined, "reader"), 200);
    assert.equal(await statusOf(`POST ${groups}`, { name: "a" }, "runners"), 201);
    for (const path of [environment, `${repository}/actions/variables/A`, "/orgs/acme/teams/deployers"])
      assert.equal(await statusOf(`GET ${path}`, undefined, "runners"), 403, path);
    assert.equal(await statusOf(`GET ${repository}`, undefined, "runners"), 200);
  });
});
