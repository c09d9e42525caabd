import assert from "node:assert/strict";
import fc from "fast-check";
import { validate } from "../../../components/configValidation";
import { type Changes, mended, onlyProblem, problemsOf, raw, valid } from "./configFixture";

const repository = { manageGitHubSettings: true };
const workflow = "example-org/digdag-workflows/.github/workflows/deploy.yml@refs/heads/main";
const organization = {
  manageGitHubSettings: true,
  githubRepository: undefined,
  runnerGroupRepositories: ["digdag-workflows", "reports"],
  runnerGroupWorkflows: [workflow],
};

describe("the configuration of GitHub's side", () => {
  it("is off by default, and then manages nothing and needs no token", () => {
    const config = valid({}, { gitHubToken: false });
    assert.deepEqual(config.managedRepositories, []);
    assert.equal(config.runnerGroup, undefined);
  });

  it("is the repository of the runners, or those of their group", () => {
    assert.deepEqual(valid(repository).managedRepositories, ["digdag-workflows"]);
    const runnerGroupRepositories = ["digdag-workflows", "reports", "Reports"];
    assert.deepEqual(valid({ ...organization, runnerGroupRepositories }).managedRepositories, [
      "digdag-workflows",
      "reports",
    ]);
  });

  it("has a group named after the environment, which the runners join, unless runnerGroup names it", () => {
    assert.equal(valid(organization).runnerGroup, "digdag-stg");
    assert.equal(valid({ ...organization, runnerGroup: "etl" }).runnerGroup, "etl");
    assert.equal(valid(repository).runnerGroup, undefined);
  });

  it("names every reviewer once, whatever the case", () => {
    const deploymentReviewers = ["octocat", "Octocat", "example-org/a", "EXAMPLE-ORG/A"];
    assert.deepEqual(valid({ ...repository, deploymentReviewers }).deploymentReviewers, [
      "octocat",
      "example-org/a",
    ]);
  });

  it("is refused without a token, with the command that gives one", () => {
    const problem = onlyProblem(repository, { gitHubToken: false });
    assert.equal(problem.key, "GITHUB_TOKEN");
    assert.match(problem.command, /^export GITHUB_TOKEN=/);
  });

  const mendable: [string, Changes, RegExp][] = [
    [
      "reviewers while it is off",
      { deploymentReviewers: ["octocat"] },
      /while manageGitHubSettings is false/,
    ],
    ["branches while it is off", { deploymentBranches: ["main"] }, /while manageGitHubSettings is false/],
    ["a group's repositories while it is off", { runnerGroupRepositories: ["a"] }, /is false/],
    ["a group's workflows while it is off", { runnerGroupWorkflows: [workflow] }, /is false/],
    [
      "a group's repositories beside a repository",
      { ...repository, runnerGroupRepositories: ["a"] },
      /only an organization/,
    ],
    [
      "a group's workflows beside a repository",
      { ...repository, runnerGroupWorkflows: [workflow] },
      /only an organization/,
    ],
    [
      "a group without repositories",
      { ...organization, runnerGroupRepositories: [] },
      /open to a whole organization/,
    ],
    [
      "a group without workflows",
      { ...organization, runnerGroupWorkflows: [] },
      /open to a whole organization/,
    ],
    [
      "a team of others",
      { ...repository, deploymentReviewers: ["octocat", "other-org/a"] },
      /one of githubOwner, example-org/,
    ],
    [
      "seven reviewers",
      { ...repository, deploymentReviewers: [..."abcdefg"] },
      /has 7 elements: GitHub takes 6/,
    ],
    [
      "a workflow of another organization",
      { ...organization, runnerGroupWorkflows: [workflow.replace("example", "other")] },
      /admits only workflows of example-org/,
    ],
  ];
  for (const [what, changes, reason] of mendable) {
    it(`is refused with ${what}, and says what mends it`, () => {
      const problem = onlyProblem(changes);
      assert.match(problem.reason, reason);
      valid({ ...changes, ...mended(problem.command, changes) });
    });
  }

  it("admits few branches to prd, where a pattern of wildcards alone is refused", () => {
    const prd = { stack: "prd" };
    for (const pattern of ["*", "**", "**/*", "*/*", "?*"]) {
      const changes = { ...repository, deploymentBranches: ["main", pattern] };
      assert.match(onlyProblem(changes, prd).reason, /would admit every branch to prd/);
      valid({ ...changes, ...mended(onlyProblem(changes, prd).command, changes) }, prd);
      valid(changes);
    }
    valid({ ...repository, deploymentBranches: ["main", "release/*", "hotfix-?"] }, prd);
  });

  const wrong: Record<string, string[]> = {
    deploymentReviewers: ["@octocat", "a b", "a/b/c", "", "https://github.com/octocat", "/team"],
    deploymentBranches: ["refs/heads/main", "a b", "", "/main", "a~1", "a:b"],
    runnerGroupRepositories: ["example-org/digdag-workflows", "a b", ""],
    runnerGroupWorkflows: [
      "deploy.yml",
      workflow.replace("@refs/heads/main", ""),
      workflow.replace("refs/heads/main", "refs/heads/*"),
      workflow.replace("refs/heads/main", ""),
      workflow.replace(".yml", ".txt"),
      workflow.replace("/.github/workflows", ""),
      `/${workflow}`,
    ],
  };
  for (const [key, values] of Object.entries(wrong)) {
    for (const value of values) {
      it(`refuses ${JSON.stringify(value)} in ${key}`, () => {
        const base = key.startsWith("runnerGroup") ? organization : repository;
        const problems = problemsOf({ ...base, [key]: [value] });
        const paths = problems.map((problem) => problem.key);
        assert.ok(paths.includes(`${key}[0]`), paths.join());
        assert.match(problems.map(({ reason }) => reason).join(), /must be/);
      });
    }
  }

  it("takes a workflow at any branch, tag or commit", () => {
    for (const ref of ["main", "refs/heads/release/1", "refs/tags/v2", "v2", "a".repeat(40)])
      valid({ ...organization, runnerGroupWorkflows: [workflow.replace("refs/heads/main", ref)] });
  });

  it("manages either one repository or a closed group, whatever is set", () => {
    const lists = (...values: string[]) => fc.constantFrom([], values);
    fc.assert(
      fc.property(
        fc.boolean(),
        fc.constantFrom(undefined, "digdag-workflows"),
        lists("a", "b"),
        lists(workflow),
        lists("octocat"),
        lists("main"),
        fc.boolean(),
        (
          manageGitHubSettings,
          githubRepository,
          repositories,
          workflows,
          reviewers,
          branches,
          gitHubToken,
        ) => {
          const changes = {
            manageGitHubSettings,
            githubRepository,
            runnerGroupRepositories: repositories,
            runnerGroupWorkflows: workflows,
            deploymentReviewers: reviewers,
            deploymentBranches: branches,
          };
          const { config } = validate(raw(changes, { gitHubToken }));
          const group = repositories.length + workflows.length;
          const fine = !manageGitHubSettings
            ? group + reviewers.length + branches.length === 0
            : gitHubToken && (githubRepository ? group === 0 : group === 3);
          assert.equal(config !== undefined, fine);
          if (!config) return;
          const expected = !manageGitHubSettings ? 0 : githubRepository ? 1 : 2;
          assert.equal(config.managedRepositories.length, expected);
          assert.equal(config.runnerGroup !== undefined, manageGitHubSettings && !githubRepository);
        },
      ),
    );
  });
});
