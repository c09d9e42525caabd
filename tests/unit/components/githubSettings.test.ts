// biome-ignore-all lint/suspicious/noExplicitAny: a plan holds resources of any shape
import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { GitHubRunnerGroup } from "../../../components/githubRunnerGroup";
import { GitHubSettings } from "../../../components/githubSettings";
import { Environment } from "../../../components/labels";
import type { WrongInputs } from "../../../components/wrongInputs";
import { type Plan, type Recorded, run } from "../mocks";
import { type Account, account, cloud, deploy, gitHubToken } from "./account";

const workflow = "example-org/digdag-workflows/.github/workflows/deploy.yml@refs/heads/main";
const managed = { "digdag-runner:manageGitHubSettings": "true" };
const organization = {
  ...managed,
  "digdag-runner:githubRepository": "",
  "digdag-runner:runnerGroupRepositories": '["digdag-workflows", "reports"]',
  "digdag-runner:runnerGroupWorkflows": JSON.stringify([workflow]),
};
const reviewers = { "digdag-runner:deploymentReviewers": '["octocat", "example-org/digdag-deployers"]' };

const ofGitHub = ({ resources }: Plan) => resources.filter(({ type }) => type.includes("github:"));
const environmentOf = (plan: Plan) => plan.only("RepositoryEnvironment").inputs;

describe("GitHub's side of an environment", () => {
  it("is not in the plan by default, with a token or without", async () => {
    for (const GITHUB_TOKEN of [null, gitHubToken]) {
      const plan = await deploy(account(), { GITHUB_TOKEN });
      assert.deepEqual(ofGitHub(plan), []);
      assert.ok(!plan.calls.some(({ token }) => token.startsWith("github:")));
    }
  });

  it("is refused before anything is asked or registered when there is no token, or an empty one", async () => {
    for (const GITHUB_TOKEN of [null, ""]) {
      const asked: string[] = [];
      const observe = (what: string) => asked.push(what);
      await assert.rejects(
        deploy(account(), { config: managed, GITHUB_TOKEN, observe }),
        /GITHUB_TOKEN is not in the environment of pulumi/,
      );
      assert.deepEqual(asked, []);
    }
  });

  it("adds the stack's environment and variables to the repository", async () => {
    const plan = await deploy(account(), { config: managed });
    assert.equal(environmentOf(plan).environment, "stg");
    assert.equal(environmentOf(plan).repository, "digdag-workflows");
    assert.equal(plan.only("ActionsEnvironmentVariable").inputs.value, "https://digdag.stg.example.com");
    const { variableName, value } = plan.only("ActionsVariable").inputs;
    assert.equal(variableName, "DIGDAG_RUNNER_LABELS_STG");
    assert.deepEqual(JSON.parse(value), plan.outputs.runnerLabels);
    assert.deepEqual(plan.ofType("ActionsRunnerGroup"), []);
  });

  it("sends every resource and look-up to the owner's provider, on the API that is configured", async () => {
    const config = { ...organization, "digdag-runner:githubApiUrl": "https://ghe.example.com/api/v3" };
    const plan = await deploy(account(), { config });
    const provider = plan.only("pulumi:providers:github");
    assert.deepEqual(
      [provider.inputs.owner, provider.inputs.baseUrl],
      ["example-org", "https://ghe.example.com/api/v3/"],
    );
    const custom = ofGitHub(plan).filter(({ type }) => type.startsWith("github:"));
    assert.equal(custom.length, 7);
    for (const one of custom) assert.match(one.provider, /pulumi:providers:github::github::/, one.name);
    for (const { token, provider: asked } of plan.calls.filter((call) => call.token.startsWith("github:")))
      assert.match(asked ?? "", /pulumi:providers:github::github::/, token);
  });

  it("shows the engine no token, and leaves the variable in the environment", async () => {
    const before = process.env.GITHUB_TOKEN;
    const plan = await deploy(account(), { config: { ...organization, ...reviewers } });
    assert.ok(!JSON.stringify([plan, plan.resources, plan.calls]).includes(gitHubToken));
    assert.equal(plan.only("pulumi:providers:github").inputs.token, undefined);
    assert.equal(process.env.GITHUB_TOKEN, before);
  });

  it("warns where nobody approves what is deployed to production", async () => {
    const { warn } = pulumi.log;
    const told = async (stack: string, config: Record<string, string>) => {
      const texts: string[] = [];
      Object.assign(pulumi.log, { warn: (text: string) => texts.push(text) });
      try {
        await deploy(account(), { stack, config });
      } finally {
        Object.assign(pulumi.log, { warn });
      }
      return texts.filter((text) => text.includes("deploymentReviewers")).length;
    };
    assert.equal(await told("prd", managed), 1);
    assert.equal(await told("prd", { ...managed, ...reviewers }), 0);
    assert.equal(await told("stg", managed), 0);
  });

  describe("the environment", () => {
    it("asks nothing about reviewers of GitHub where there are none", async () => {
      const {
        reviewers: none,
        preventSelfReview,
        canAdminsBypass,
      } = environmentOf(await deploy(account(), { config: managed }));
      assert.deepEqual([none, preventSelfReview, canAdminsBypass], [undefined, false, true]);
    });

    it("has its reviewers by their ids, who cannot review themselves nor be passed over", async () => {
      const inputs = environmentOf(await deploy(account(), { config: { ...managed, ...reviewers } }));
      assert.deepEqual(inputs.reviewers, [{ users: [21], teams: [31] }]);
      assert.deepEqual([inputs.preventSelfReview, inputs.canAdminsBypass], [true, false]);
    });

    it("outlives the stack, because it guards the stack's deployment", async () => {
      const plan = await deploy(account(), { config: organization });
      const retained = plan.resources.filter(({ retainOnDelete }) => retainOnDelete);
      assert.deepEqual(retained, plan.ofType("RepositoryEnvironment"));
    });

    const policies: [string, string, string, unknown, string[]][] = [
      ["admits every branch in stg", "stg", "[]", undefined, []],
      [
        "admits protected branches in prd",
        "prd",
        "[]",
        { protectedBranches: true, customBranchPolicies: false },
        [],
      ],
      ...["stg", "prd"].map((stack): [string, string, string, unknown, string[]] => [
        `admits branches by their names in ${stack}`,
        stack,
        '["main", "release/*", "main"]',
        { protectedBranches: false, customBranchPolicies: true },
        ["main", "release/*"],
      ]),
    ];
    for (const [what, stack, branches, policy, patterns] of policies) {
      it(what, async () => {
        const config = { ...managed, "digdag-runner:deploymentBranches": branches };
        const plan = await deploy(account(), { stack, config });
        assert.deepEqual(environmentOf(plan).deploymentBranchPolicy, policy);
        const found = plan.ofType("RepositoryEnvironmentDeploymentPolicy");
        assert.deepEqual(
          found.map(({ inputs }) => inputs.branchPattern),
          patterns,
        );
        for (const { inputs } of found) assert.equal(inputs.environment, stack);
      });
    }
  });

  describe("for runners of an organization", () => {
    let plan: Plan;
    before(async () => {
      plan = await deploy(account(), { config: organization });
    });

    it("is a runner group for the named repositories and workflows alone, which the runners join", () => {
      assert.deepEqual(plan.only("ActionsRunnerGroup").inputs, {
        name: "digdag-stg",
        visibility: "selected",
        selectedRepositoryIds: [11, 12],
        allowsPublicRepositories: false,
        restrictedToWorkflows: true,
        selectedWorkflows: [workflow],
      });
      const { initContainers } = plan.only("Deployment").inputs.spec.template.spec;
      const { value } = initContainers[0].env.find(({ name }: any) => name === "RUNNER_GROUP");
      assert.equal(value, "digdag-stg");
    });

    it("is the same environment with its variables in each of the repositories", () => {
      for (const type of ["RepositoryEnvironment", "ActionsEnvironmentVariable", "ActionsVariable"])
        assert.deepEqual(
          plan
            .ofType(type)
            .map(({ inputs }) => inputs.repository)
            .sort(),
          ["digdag-workflows", "reports"],
          type,
        );
    });

    it("comes before the runners, which could not register without their group", () => {
      const group = plan.only("ActionsRunnerGroup").urn;
      assert.ok(plan.only("digdag-runner:index:DigdagRunner").dependencies.includes(group));
      const position = (one: Recorded) => plan.resources.indexOf(one);
      const last = Math.max(
        ...ofGitHub(plan)
          .filter(({ type }) => type.endsWith("Group"))
          .map(position),
      );
      assert.ok(position(plan.only("Deployment")) > last);
    });
  });

  describe("is refused before any of its resources", () => {
    const refusals: [string, Record<string, string>, Partial<Account>, RegExp][] = [
      [
        "a repository that GitHub does not show",
        managed,
        { repositories: {} },
        /GitHub shows no repository example-org\/digdag-workflows\. .*GITHUB_TOKEN/,
      ],
      [
        "a user who does not exist",
        { ...managed, ...reviewers },
        { users: {} },
        /Cannot look up user octocat\. Check deploymentReviewers/,
      ],
      [
        "a team that does not exist",
        { ...managed, ...reviewers },
        { teams: {} },
        /Cannot look up team example-org\/digdag-deployers\. .*members/,
      ],
      [
        "a public repository for the group",
        organization,
        {
          repositories: {
            ...account().repositories,
            "example-org/reports": { repoId: 12, visibility: "public" },
          },
        },
        /Repository example-org\/reports is public.*runnerGroupRepositories/,
      ],
    ];
    for (const [what, config, changes, message] of refusals) {
      it(`for ${what}`, async () => {
        const types: string[] = [];
        const observe = (type: string) => types.push(type);
        await assert.rejects(deploy(account(changes), { config, observe }), (error: Error) => {
          assert.match(error.message, message);
          return true;
        });
        const registered = types.filter((type) => !/\/get\w+:/.test(type));
        assert.deepEqual(registered, ["pulumi:providers:github"]);
      });
    }
  });
});

describe("the components for GitHub in another program", () => {
  const refusedPaths = async (make: () => unknown): Promise<string[]> => {
    let paths: string[] = [];
    await assert.rejects(run(make, cloud(account())), (error: WrongInputs) => {
      paths = error.problems.map(({ propertyPath }) => propertyPath);
      return true;
    });
    return paths;
  };

  it("refuse wrong inputs by path", async () => {
    const settings = {
      environment: Environment.stg,
      githubRepository: "a",
      digdagEndpoint: "https://digdag.example.com",
      runnerLabels: ["digdag"],
    };
    assert.deepEqual(
      await refusedPaths(() => new GitHubSettings("x", { ...settings, deploymentBranches: ["main", "a b"] })),
      ["deploymentBranches[1]"],
    );
    assert.deepEqual(
      await refusedPaths(() => new GitHubSettings("x", { ...settings, deploymentBranches: "main" as any })),
      ["deploymentBranches"],
    );
    assert.deepEqual(
      await refusedPaths(
        () =>
          new GitHubRunnerGroup("x", {
            environment: "dev" as any,
            runnerGroup: " a",
            repositoryIds: [],
            runnerGroupWorkflows: [],
          }),
      ),
      ["environment", "runnerGroup", "repositoryIds", "runnerGroupWorkflows"],
    );
  });
});
