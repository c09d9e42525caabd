// biome-ignore-all lint/suspicious/noExplicitAny: GitHub's answers
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { type Accounts, type GitHub, startGitHub } from "../../local/github/server";
import { Account, COMMAND_MS, SETUP_MS } from "./account";
import { changes } from "./eventLog";
import { PulumiProject, type Result } from "./pulumiProject";

const workflow = "example-org/digdag-workflows/.github/workflows/deploy.yml@refs/heads/main";
const prefix = "digdag-runner:";
const managed = {
  [`${prefix}githubOwner`]: "example-org",
  [`${prefix}githubRepository`]: "digdag-workflows",
  [`${prefix}manageGitHubSettings`]: true,
};
const ofOrganization = {
  ...managed,
  [`${prefix}githubRepository`]: undefined,
  [`${prefix}runnerGroupRepositories`]: ["digdag-workflows", "reports"],
  [`${prefix}runnerGroupWorkflows`]: [workflow],
};
const accounts: Accounts = {
  repositories: {
    "example-org/digdag-workflows": { id: 11, visibility: "private" },
    "example-org/reports": { id: 12, visibility: "private" },
  },
  users: { octocat: 21, hubot: 22 },
  teams: { "example-org/digdag-deployers": 31 },
};

describe("on the real engine, GitHub's side of an environment", () => {
  let account: Account;
  before(async function () {
    this.timeout(SETUP_MS);
    account = await Account.start();
  });
  after(() => account?.stop());

  /** A GitHub and a project that manages settings there; each token is one that GitHub takes. */
  async function start(stack: string, configuration: Record<string, unknown>) {
    const token = `ghs_${randomBytes(18).toString("hex")}`;
    const github = await startGitHub({ tokens: [{ value: token, scopes: ["*"] }], accounts });
    await account.reset();
    const project = await PulumiProject.create(account, stack, configuration, {
      environment: { GITHUB_TOKEN: token },
      github: { apiUrl: github.apiUrl, token },
    });
    const get = async (path: string) => {
      const answer = await fetch(`${github.apiUrl}${path}`, { headers: { authorization: `token ${token}` } });
      return answer.ok ? answer.json() : answer.status;
    };
    return { token, github, project, get };
  }

  describe("in a repository, for prd", () => {
    let github: GitHub;
    let project: PulumiProject;
    let token: string;
    let get: (path: string) => Promise<any>;
    let first: Result;
    const path = "/repos/example-org/digdag-workflows";

    before(async function () {
      this.timeout(SETUP_MS);
      ({ github, project, token, get } = await start("prd", {
        ...managed,
        [`${prefix}deploymentReviewers`]: ["octocat", "example-org/digdag-deployers"],
      }));
      first = await project.run("up", "--yes", "--skip-preview");
      assert.equal(first.code, 0, first.output);
    });
    after(async () => {
      await project?.remove();
      await github?.close();
    });

    it("has reviewers, a branch policy and variables when the command is through", async () => {
      const { protection_rules: rules, ...environment } = await get(`${path}/environments/prd`);
      const { reviewers, prevent_self_review } = rules[0];
      assert.deepEqual(
        reviewers.map(({ type, reviewer }: any) => [type, reviewer.id]),
        [
          ["Team", 31],
          ["User", 21],
        ],
      );
      assert.deepEqual([prevent_self_review, environment.can_admins_bypass], [true, false]);
      assert.equal(environment.deployment_branch_policy.protected_branches, true);
      const endpoint = await get(`${path}/environments/prd/variables/DIGDAG_ENDPOINT`);
      assert.match(endpoint.value, /^https:\/\/digdag\.prd\./);
      const labels = await get(`${path}/actions/variables/DIGDAG_RUNNER_LABELS_PRD`);
      assert.ok(JSON.parse(labels.value).includes("prd"));
    });

    it("changes nothing in a second run, also with another token", async () => {
      const second = await project.run("up", "--yes", "--skip-preview", "--expect-no-changes");
      assert.equal(second.code, 0, second.output);
      const environment = { GITHUB_TOKEN: "ghs_another" };
      const third = await project.runWith(environment, "preview", "--refresh", "--expect-no-changes");
      assert.equal(third.code, 0, third.output);
    }).timeout(COMMAND_MS);

    it("keeps the token out of the state, encrypted or not, out of the event log and the output", async () => {
      const shown = await project.run("stack", "export", "--show-secrets");
      assert.match(shown.output, /"baseUrl"/, "the provider is not in the state, so this proves nothing");
      for (const text of [shown.output, ...project.backendFiles(), first.events, first.output])
        assert.ok(!text.includes(token));
    }).timeout(COMMAND_MS);

    it("changes the environment and nothing else for another reviewer", async () => {
      project.configure("prd", { [`${prefix}deploymentReviewers`]: ["hubot"] });
      const changed = await project.run("up", "--yes", "--skip-preview");
      assert.equal(changed.code, 0, changed.output);
      assert.deepEqual(changes(changed), ["update RepositoryEnvironment"]);
      const [{ reviewers }] = (await get(`${path}/environments/prd`)).protection_rules;
      assert.deepEqual(
        reviewers.map(({ reviewer }: any) => reviewer.id),
        [22],
      );
    }).timeout(COMMAND_MS);

    it("puts back what somebody changed on GitHub, with a refresh", async () => {
      const opened = await fetch(`${github.apiUrl}${path}/environments/prd`, {
        method: "PUT",
        headers: { authorization: `token ${token}` },
        body: "{}",
      });
      assert.equal(opened.status, 200);
      const repaired = await project.run("up", "--yes", "--skip-preview", "--refresh");
      assert.equal(repaired.code, 0, repaired.output);
      assert.deepEqual(changes(repaired), ["update RepositoryEnvironment"]);
      assert.equal((await get(`${path}/environments/prd`)).deployment_branch_policy.protected_branches, true);
    }).timeout(COMMAND_MS);

    it("admits the branches that are named, and one less when it is removed", async () => {
      const pattern = `${prefix}deploymentBranches`;
      project.configure("prd", { [pattern]: ["main", "release/*"] });
      const named = await project.run("up", "--yes", "--skip-preview");
      assert.equal(named.code, 0, named.output);
      const policy = "RepositoryEnvironmentDeploymentPolicy";
      assert.deepEqual(changes(named), [
        `create ${policy}`,
        `create ${policy}`,
        "update RepositoryEnvironment",
      ]);
      project.configure("prd", { [pattern]: ["main"] });
      const removed = await project.run("up", "--yes", "--skip-preview");
      assert.deepEqual(changes(removed), [`delete ${policy}`], removed.output);
    }).timeout(COMMAND_MS);

    it("is refused, and nothing planned for removal, without a token", async () => {
      const refused = await project.runWith({ GITHUB_TOKEN: undefined }, "up", "--yes", "--skip-preview");
      assert.notEqual(refused.code, 0);
      assert.match(refused.output, /GITHUB_TOKEN is not in the environment of pulumi/);
      assert.deepEqual(refused.steps, []);
    }).timeout(COMMAND_MS);

    it("is refused, and nothing changed, with a token that GitHub takes no more", async () => {
      github.revokeToken(token);
      try {
        const refused = await project.run("up", "--yes", "--skip-preview");
        assert.notEqual(refused.code, 0);
        assert.match(
          refused.output,
          /Cannot look up repository example-org\/digdag-workflows\. Check GITHUB_TOKEN/,
        );
        assert.match(refused.output, /401 Bad credentials/);
        assert.deepEqual(changes(refused), []);
      } finally {
        github.putToken({ value: token, scopes: ["*"] });
      }
    }).timeout(COMMAND_MS);

    it("keeps the gate when the stack is destroyed, and takes it over again", async () => {
      const destroyed = await project.run("destroy", "--yes", "--skip-preview", "--continue-on-error");
      assert.deepEqual(
        (await project.resources()).filter((type) => type.startsWith("github:")),
        [],
        destroyed.output,
      );
      assert.equal((await get(`${path}/environments/prd`)).protection_rules[0].type, "required_reviewers");
      assert.equal(await get(`${path}/environments/prd/variables/DIGDAG_ENDPOINT`), 404);
      assert.equal(await get(`${path}/actions/variables/DIGDAG_RUNNER_LABELS_PRD`), 404);
      const again = await project.run("up", "--yes", "--skip-preview");
      assert.equal(again.code, 0, again.output);
    }).timeout(2 * COMMAND_MS);
  });

  describe("in an organization, for stg", () => {
    let github: GitHub;
    let project: PulumiProject;
    let get: (path: string) => Promise<any>;
    let first: Result;

    before(async function () {
      this.timeout(SETUP_MS);
      ({ github, project, get } = await start("stg", ofOrganization));
      first = await project.run("up", "--yes", "--skip-preview");
      assert.equal(first.code, 0, first.output);
    });
    after(async () => {
      await project?.remove();
      await github?.close();
    });

    it("is a closed runner group, made before anything of the runners", async () => {
      const group = github.runnerGroups().find(({ name }) => name === "digdag-stg");
      assert.deepEqual(group?.access, {
        visibility: "selected",
        selectedRepositoryIds: [11, 12],
        allowsPublicRepositories: false,
        restrictedToWorkflows: true,
        selectedWorkflows: [workflow],
      });
      const types = first.steps.map(({ type }) => type.split(":").at(-1) ?? "");
      assert.ok(types.indexOf("ActionsRunnerGroup") < types.indexOf("Namespace"), types.join());
    });

    it("has the environment and its variables in each repository", async () => {
      for (const repository of ["digdag-workflows", "reports"]) {
        const path = `/repos/example-org/${repository}`;
        assert.equal((await get(`${path}/environments/stg`)).deployment_branch_policy, null);
        const { value } = await get(`${path}/environments/stg/variables/DIGDAG_ENDPOINT`);
        assert.match(value, /^https:/);
      }
    });

    it("changes nothing in a second run, after a refresh as well", async () => {
      const second = await project.run("up", "--yes", "--skip-preview", "--refresh", "--expect-no-changes");
      assert.equal(second.code, 0, second.output);
    }).timeout(COMMAND_MS);

    it("changes the group alone for another workflow", async () => {
      const workflows = [workflow, workflow.replace("deploy", "nightly")];
      project.configure("stg", { [`${prefix}runnerGroupWorkflows`]: workflows });
      const changed = await project.run("up", "--yes", "--skip-preview");
      assert.deepEqual(changes(changed), ["update ActionsRunnerGroup"], changed.output);
      const group = github.runnerGroups().find(({ name }) => name === "digdag-stg");
      assert.deepEqual(group?.access?.selectedWorkflows, workflows);
    }).timeout(COMMAND_MS);

    it("goes with the stack, but for the environments", async () => {
      const destroyed = await project.run("destroy", "--yes", "--skip-preview");
      assert.equal(destroyed.code, 0, destroyed.output);
      assert.deepEqual(
        github.runnerGroups().map(({ name }) => name),
        ["Default"],
      );
      assert.equal((await get("/repos/example-org/reports/environments/stg")).name, "stg");
    }).timeout(COMMAND_MS);
  });
});
