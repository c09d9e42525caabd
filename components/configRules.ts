import { accessWays, natAddressProblem, publicRangeProblem } from "./addresses";
import { SecretDelivery } from "./credential";
import { githubApiUrlProblem } from "./githubApiUrl";
import { kubernetesVersionProblem } from "./kubernetesVersion";
import { architectures } from "./labels";
import { httpsProxyProblem, noProxyProblem } from "./proxy";

/** What one configuration key accepts. */
export interface Rule {
  /** A value that is accepted, for the command that mends a wrong one. */
  example: string;
  /** What is wrong with `value` and what is allowed, to follow the value in a sentence; undefined when it is fine. */
  problem: (value: string) => string | undefined;
}

const matching =
  (pattern: RegExp, allowed: string): Rule["problem"] =>
  (value) =>
    pattern.test(value) ? undefined : `must be ${allowed}`;

const oneOf =
  (allowed: readonly string[]): Rule["problem"] =>
  (value) =>
    allowed.includes(value) ? undefined : `must be ${allowed.join(" or ")}`;

const between =
  (minimum: number, maximum: number): Rule["problem"] =>
  (value) =>
    Number(value) >= minimum && Number(value) <= maximum
      ? undefined
      : `must be from ${minimum} to ${maximum}`;

/** Only what a URL of a server holds: no user, password, query or fragment, and a path only where one makes sense. */
const httpsUrl =
  (path: "with path" | "without path"): Rule["problem"] =>
  (value) => {
    const url = URL.canParse(value) ? new URL(value) : undefined;
    if (url?.protocol !== "https:") return "must be a URL that starts with https://";
    if (url.username || url.password) return "must not carry a user name or password";
    if (url.search || url.hash) return "must not have a query or a fragment";
    if (path === "without path" && url.pathname !== "/") return "must not have a path";
    return undefined;
  };

/** An SSM parameter by name or, where it is shared from another account, by ARN. */
const parameterName: Rule["problem"] = (value) => {
  const name = "/?[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+){0,14}";
  // Every letter of a token may be in a name, but AWS would be asked for it, and show it.
  if (/^(gh[a-z]_|github_pat_)/.test(value)) return "must be the name of an SSM parameter, not its value";
  if (value.startsWith("arn:")) {
    return matching(
      new RegExp(`^arn:aws(-cn|-us-gov)?:ssm:[a-z]{2}(-[a-z]+)+-\\d:\\d{12}:parameter/${name.slice(2)}$`),
      "an ARN of the form arn:aws:ssm:REGION:ACCOUNT:parameter/NAME",
    )(value);
  }
  return matching(new RegExp(`^${name}$`), "the name of an SSM parameter, not its value")(value);
};

const sha256: Rule = {
  example: "SHA256_OF_THE_FILE",
  problem: matching(/^[0-9a-f]{64}$/, "64 hexadecimal digits in lower case"),
};
const version = matching(/^\d+\.\d+\.\d+$/, "three numbers with dots between them");
const downloadUrl = (example: string): Rule => ({ example, problem: httpsUrl("with path") });

const securityGroup: Rule = {
  example: "sg-0123456789abcdef0",
  problem: matching(/^sg-([0-9a-f]{8}|[0-9a-f]{17})$/, "sg- and 8 or 17 hexadecimal digits"),
};

const repository: Rule = {
  example: "digdag-workflows",
  problem: matching(/^[A-Za-z0-9._-]{1,100}$/, "the repository's name alone, without its owner"),
};

/** The rule of every key that has one; a list's rule holds for each of its elements. */
export const rules: Record<string, Rule> = {
  githubOwner: {
    example: "example-org",
    problem: matching(
      /^[A-Za-z0-9][A-Za-z0-9_-]{0,38}$/,
      "the name of an organization or user, without a URL",
    ),
  },
  githubRepository: repository,
  githubTokenParameter: { example: "/digdag-runner/STACK/github-token", problem: parameterName },
  githubAppId: {
    example: "123456",
    problem: matching(
      /^([1-9]\d{0,11}|Iv\d[A-Za-z0-9.]{10,40})$/,
      "an App ID, which is a number, or a client ID, which starts with Iv",
    ),
  },
  githubAppParameter: { example: "/digdag-runner/STACK/github-app", problem: parameterName },
  secretDelivery: {
    example: SecretDelivery.pulumi,
    problem: oneOf(Object.values(SecretDelivery)),
  },
  secretStoreRoleArn: {
    example: "arn:aws:iam::123456789012:role/digdag-runner-STACK-secrets",
    problem: matching(
      /^arn:aws(-cn|-us-gov)?:iam::\d{12}:role\/[\w+=,.@/-]{1,512}$/,
      "the ARN of an IAM role, arn:aws:iam::ACCOUNT:role/NAME",
    ),
  },
  githubApiUrl: { example: "https://api.github.com", problem: githubApiUrlProblem },
  clusterName: {
    example: "digdag-STACK",
    problem: matching(/^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/, "the name of an EKS cluster, not its ARN"),
  },
  clusterSubnetIds: {
    example: "subnet-0123456789abcdef0",
    problem: matching(/^subnet-([0-9a-f]{8}|[0-9a-f]{17})$/, "subnet- and 8 or 17 hexadecimal digits"),
  },
  clusterVersion: { example: "1.35", problem: kubernetesVersionProblem },
  clusterAdminRoleArns: {
    example: "arn:aws:iam::123456789012:role/admin",
    problem: matching(
      /^arn:aws(-cn|-us-gov)?:iam::\d{12}:role\/([\w+=,.@-]+\/)*[\w+=,.@-]{1,64}$/,
      "the ARN of an IAM role, arn:aws:iam::ACCOUNT:role/NAME, not of a session or a user",
    ),
  },
  clusterPublicAccessCidrs: { example: "203.0.113.0/24", problem: publicRangeProblem },
  clusterInstanceType: {
    example: "t3.large",
    problem: matching(/^[a-z][a-z0-9-]*\.[a-z0-9-]+$/, "an EC2 instance type, such as t3.large"),
  },
  clusterNodes: { example: "2", problem: between(2, 20) },
  namespace: {
    example: "digdag-runner-STACK",
    problem: matching(
      /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/,
      "at most 63 lower-case letters, digits and hyphens, with no hyphen at either end",
    ),
  },
  digdagEndpoint: { example: "https://digdag.STACK.example.com", problem: httpsUrl("without path") },
  loadBalancerName: {
    example: "digdag-STACK",
    problem: matching(
      /^([A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?|arn:aws(-cn|-us-gov)?:elasticloadbalancing:[a-z0-9-]+:\d{12}:loadbalancer\/app\/[A-Za-z0-9-]{1,32}\/[0-9a-f]+)$/,
      "the name or ARN of an ALB, not its host name",
    ),
  },
  securityGroupId: securityGroup,
  access: {
    example: "natGateways",
    problem: oneOf(accessWays),
  },
  sourceSecurityGroupId: securityGroup,
  natAddresses: { example: "203.0.113.10", problem: natAddressProblem },
  replicas: { example: "2", problem: between(1, 50) },
  maxJobMinutes: { example: "9", problem: between(1, 360) },
  runnerLabels: {
    example: "team-a-STACK",
    problem: matching(
      /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/,
      "at most 63 letters, digits, dots, underscores and hyphens",
    ),
  },
  runnerGroup: {
    example: "digdag-STACK",
    problem: matching(
      /^[^\s\p{C}$]([^\p{C}$]{0,98}[^\s\p{C}$])?$/u,
      "a name of at most 100 characters without a dollar sign, and with no space at either end",
    ),
  },
  runnerCpu: {
    example: "250m",
    problem: matching(
      /^([1-9]\d*m|[1-9]\d*(\.\d+)?|0\.\d*[1-9]\d*)$/,
      "a Kubernetes quantity such as 250m or 2",
    ),
  },
  runnerMemory: {
    example: "1Gi",
    problem: matching(/^[1-9]\d*(Mi|Gi)$/, "a Kubernetes quantity in Mi or Gi"),
  },
  priorityClassName: {
    example: "deployments",
    problem: matching(
      /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/,
      "the name of a PriorityClass: lowercase letters, digits, hyphens and dots",
    ),
  },
  egressAddressUrl: { example: "https://checkip.amazonaws.com", problem: httpsUrl("with path") },
  httpsProxy: { example: "http://proxy.example.com:3128", problem: httpsProxyProblem },
  noProxy: { example: ".internal.example.com", problem: noProxyProblem },
  platform: {
    example: "linux/amd64",
    problem: oneOf(Object.keys(architectures)),
  },
  baseImage: {
    example: "debian:bookworm-slim@sha256:DIGEST",
    problem: matching(
      /^[a-z0-9][\w.\-/:]*@sha256:[0-9a-f]{64}$/,
      "an image with its digest, NAME:TAG@sha256:DIGEST",
    ),
  },
  caCertificateFile: {
    example: "company-ca.pem",
    problem: matching(/^(?!-----BEGIN)[^\r\n]+$/, "the path of a PEM file, not what it holds"),
  },
  runnerVersion: { example: "2.337.0", problem: version },
  runnerUrl: downloadUrl("https://mirror.example.com/actions-runner.tar.gz"),
  runnerSha256: sha256,
  digdagVersion: { example: "0.10.5", problem: version },
  digdagUrl: downloadUrl("https://mirror.example.com/digdag.jar"),
  digdagSha256: sha256,
  deploymentReviewers: {
    example: "example-org/digdag-deployers",
    problem: matching(
      /^[A-Za-z0-9][A-Za-z0-9_-]{0,38}(\/[A-Za-z0-9][A-Za-z0-9_.-]{0,99})?$/,
      "a user's login or, for a team, ORGANIZATION/TEAM, without an @",
    ),
  },
  deploymentBranches: {
    example: "main",
    problem: matching(
      /^(?!refs\/)[^\s\p{C}~^:\\/][^\s\p{C}~^:\\]{0,249}$/u,
      "the name of a branch, or a pattern such as release/*, without refs/heads/",
    ),
  },
  runnerGroupRepositories: repository,
  runnerGroupWorkflows: {
    example: "example-org/digdag-workflows/.github/workflows/deploy.yml@refs/heads/main",
    problem: matching(
      /^[A-Za-z0-9][A-Za-z0-9_-]{0,38}\/[A-Za-z0-9._-]{1,100}\/\.github\/workflows\/[^\s\p{C}/@]+\.ya?ml@[^\s\p{C}~^:?*[\\/@][^\s\p{C}~^:?*[\\@]*$/u,
      "OWNER/REPOSITORY/.github/workflows/FILE@REF, with one branch, tag or commit as REF",
    ),
  },
};
