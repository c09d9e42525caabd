import { environments } from "../../components/labels";
import { isOwn, must, type PlanResource, type Problem, type ResourceRule, stackOf } from "../plan";
import { type Container, containersNamed, type Pod, variable } from "../pods";
import type { Place } from "../values";
import { aboutPods } from "./pods";

const isEnvironment = (name: string) => (environments as readonly string[]).includes(name);

/** A stack may have another name where the components are part of a larger program; then nothing can be said of it. */
const ofThisStack = (place: Place, resource: PlanResource): Problem[] => {
  const stack = stackOf(resource);
  return must(
    place,
    (value) => !isEnvironment(stack) || value === stack,
    `"${stack}", the stack's name`,
    "Deploy each environment from its own stack.",
  );
};

function labelProblems(broker: Container, environment: string): Problem[] {
  const labels = variable(broker, "RUNNER_LABELS");
  const listed = (labels.text ?? "").split(",");
  const others = environments.filter((name) => name !== environment && listed.includes(name));
  return [
    ...must(
      labels,
      () => listed.includes(environment) && others.length === 0,
      `labels with "${environment}" and without ${environments
        .filter((name) => name !== environment)
        .map((name) => `"${name}"`)
        .join(" or ")}`,
      "Correct runnerLabels: a job for one environment must never run in another.",
    ),
    ...must(
      variable(broker, "RUNNER_NAME_PREFIX"),
      (value) => value === `digdag-${environment}`,
      `"digdag-${environment}"`,
      "Name runners after their environment: pools of the same prefix delete each other's offline runners.",
    ),
  ];
}

function podProblems(pod: Pod, resource: PlanResource): Problem[] {
  const instance = pod.labels.get("app.kubernetes.io/instance");
  const environment = instance.text;
  if (environment === undefined) {
    return must(instance, () => false, "the name of the environment", "Set it to the stack's name.");
  }
  return [
    ...ofThisStack(instance, resource),
    ...containersNamed(pod, "broker").flatMap((broker) => [
      ...labelProblems(broker, environment),
      ...containersNamed(pod, "runner").flatMap((runner) =>
        must(
          variable(runner, "DIGDAG_ENDPOINT"),
          (value) => [undefined, value].includes(variable(broker, "DIGDAG_ENDPOINT").text),
          `the broker's, ${JSON.stringify(variable(broker, "DIGDAG_ENDPOINT").text)}`,
          "Give both containers the same: jobs deploy to it, and the broker answers for reaching it.",
        ),
      ),
    ]),
  ];
}

export const oneEnvironment: ResourceRule = {
  name: "one-environment",
  description: "Runners carry the labels and the name of their own environment and of no other.",
  resource: (resource) => [
    ...aboutPods(podProblems)(resource),
    ...(isOwn(resource) && resource.type.startsWith("aws:")
      ? [resource.inputs.get("tags", "digdag-runner:stack")]
          .filter(({ isSet }) => isSet)
          .flatMap((tag) => ofThisStack(tag, resource))
      : []),
  ],
};

export const everyCallIsEncrypted: ResourceRule = {
  name: "every-call-is-encrypted",
  description: "GitHub and Digdag are called by HTTPS.",
  resource: aboutPods(({ containers }) =>
    containers
      .flatMap((container) => ["GITHUB_API_URL", "DIGDAG_ENDPOINT"].map((name) => variable(container, name)))
      .filter(({ isSet }) => isSet)
      .flatMap((url) =>
        must(
          url,
          (value) => typeof value === "string" && value.startsWith("https://"),
          "a URL that begins with https://",
          "Correct the configuration: credentials travel there.",
        ),
      ),
  ),
};

export const productionIsProtected: ResourceRule = {
  name: "production-is-protected",
  description: "The repository's environment prd admits only branches that are protected or named.",
  resource: (resource) => {
    const { type, inputs } = resource;
    if (!isOwn(resource) || type !== "github:index/repositoryEnvironment:RepositoryEnvironment") return [];
    if (inputs.get("environment").text !== "prd") return [];
    return must(
      inputs.get("deploymentBranchPolicy"),
      () =>
        ["protectedBranches", "customBranchPolicies"].some((key) => {
          const policy = inputs.get("deploymentBranchPolicy", key);
          return policy.isUnknown || policy.value === true;
        }),
      "a policy with protectedBranches or customBranchPolicies",
      "Set deploymentBranchPolicy: without one, a job of any branch enters the environment.",
    );
  },
};

export const runnerGroupIsClosed: ResourceRule = {
  name: "runner-group-is-closed",
  description:
    "The organization's runner group admits private repositories and workflows that are named, and no others.",
  resource: (resource) => {
    const { type, inputs } = resource;
    if (!isOwn(resource) || type !== "github:index/actionsRunnerGroup:ActionsRunnerGroup") return [];
    return [
      ...must(
        inputs.get("visibility"),
        (value) => value === "selected",
        '"selected"',
        "Name the repositories in runnerGroupRepositories: any other could run code in the VPC.",
      ),
      ...must(
        inputs.get("allowsPublicRepositories"),
        (value) => value !== true,
        "false",
        "Remove it: a public repository's pull requests are anybody's code.",
      ),
      ...must(
        inputs.get("restrictedToWorkflows"),
        (value) => value === true,
        "true",
        "Set it: else any workflow on any branch of these repositories runs here.",
      ),
      ...inputs
        .get("selectedWorkflows")
        .items.flatMap((workflow) =>
          must(
            workflow,
            (value) => typeof value === "string" && /^[^@*]+\.ya?ml@[^@*]+$/.test(value),
            "OWNER/REPOSITORY/.github/workflows/FILE@REF",
            "Correct runnerGroupWorkflows: each is one file at one branch, tag or commit.",
          ),
        ),
    ];
  },
};
