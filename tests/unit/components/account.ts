// biome-ignore-all lint/suspicious/noExplicitAny: a plan holds resources of any shape

import program from "../../../index";
import { type Cloud, type Plan, type RunOptions, run } from "../mocks";

/** The token in the mocked SSM; a test that finds it anywhere in the clear has found a leak. */
export const token = "ghp_TheTokenOfTheMockedAccount";

/** The password for the mocked ECR, which is a credential as well. */
export const registryPassword = "the-password-of-the-mocked-registry";

export const digest = `sha256:${"ab".repeat(32)}`;

type Route = Record<string, string>;

export interface Subnet {
  vpcId: string;
  availabilityZone: string;
  /** Empty: the main route table's. */
  routes: Route[];
}

/** One mocked AWS account: what a test changes, it names; the rest is a working `stg`. */
export interface Account {
  /** What of a cluster differs from a usual one, by its name. */
  clusters: Record<string, Record<string, unknown>>;
  /** By id. */
  subnets: Record<string, Subnet>;
  /** Of the VPC's main route table. */
  mainRoutes: Route[];
  /** ARN of whoever deploys. */
  caller: string;
  natGateways: Record<string, Record<string, unknown>>;
  loadBalancers: Record<string, Record<string, unknown>>;
  securityGroups: Record<string, Record<string, string>>;
  /** Rules of any group, by id. */
  rules: Record<string, Record<string, unknown>>;
  elasticIps: Record<string, string>;
  parameter: { type: string; value: string; version: number };
  /** Of GitHub, by their names; what it does not show is left out. */
  repositories: Record<string, { repoId: number; visibility: string }>;
  users: Record<string, number>;
  teams: Record<string, number>;
}

export const loadBalancer = (name: string, changes: Record<string, unknown> = {}) => ({
  name,
  arn: `arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:loadbalancer/app/${name}/1`,
  loadBalancerType: "application",
  internal: false,
  vpcId: "vpc-1",
  dnsName: `${name}-1.ap-northeast-1.elb.amazonaws.com`,
  securityGroups: ["sg-00000001"],
  ...changes,
});

/** A private subnet that leaves by a NAT gateway. */
export const subnet = (zone: string, changes: Partial<Subnet> = {}): Subnet => ({
  vpcId: "vpc-1",
  availabilityZone: `ap-northeast-1${zone}`,
  routes: [
    { cidrBlock: "10.0.0.0/16", gatewayId: "local" },
    { cidrBlock: "0.0.0.0/0", natGatewayId: `nat-${zone}` },
  ],
  ...changes,
});

export function account(changes: Partial<Account> = {}): Account {
  return {
    clusters: { "digdag-stg": {} },
    subnets: { "subnet-0000000a": subnet("a"), "subnet-0000000b": subnet("b") },
    mainRoutes: [],
    caller: "arn:aws:sts::123456789012:assumed-role/deploy/session",
    natGateways: { "nat-a": { publicIp: "198.51.100.1" }, "nat-b": { publicIp: "198.51.100.2" } },
    loadBalancers: { "digdag-stg": loadBalancer("digdag-stg") },
    securityGroups: { "sg-00000001": {} },
    rules: {},
    elasticIps: {},
    parameter: { type: "SecureString", value: token, version: 7 },
    repositories: {
      "example-org/digdag-workflows": { repoId: 11, visibility: "private" },
      "example-org/reports": { repoId: 12, visibility: "internal" },
    },
    users: { octocat: 21 },
    teams: { "digdag-deployers": 31 },
    ...changes,
  };
}

/** A complete configuration of `stg`, as the engine hands it over. */
export const stgConfig: Record<string, string> = {
  "aws:region": "ap-northeast-1",
  "aws:allowedAccountIds": '["123456789012"]',
  "digdag-runner:githubOwner": "example-org",
  "digdag-runner:githubRepository": "digdag-workflows",
  "digdag-runner:githubTokenParameter": "/digdag-runner/stg/github-token",
  "digdag-runner:clusterName": "digdag-stg",
  "digdag-runner:digdagEndpoint": "https://digdag.stg.example.com",
  "digdag-runner:loadBalancerName": "digdag-stg",
};

/** What the environment of pulumi has as GITHUB_TOKEN; a test that finds it in a plan has found a leak. */
export const gitHubToken = "github_pat_TheTokenOfTheSettings";

/**
 * Runs the whole program, `index.ts`, against `account`. `config` is laid over `stgConfig`; an empty value unsets a key.
 * @param options.GITHUB_TOKEN what the environment of pulumi has; null for none
 */
export async function deploy(
  from: Account = account(),
  { GITHUB_TOKEN = gitHubToken, ...options }: RunOptions & { GITHUB_TOKEN?: string | null } = {},
): Promise<Plan> {
  const before = process.env.GITHUB_TOKEN;
  setToken(GITHUB_TOKEN ?? undefined);
  try {
    return await run(program, cloud(from), { ...options, config: { ...stgConfig, ...options.config } });
  } finally {
    setToken(before);
  }
}

function setToken(value: string | undefined): void {
  if (value === undefined) delete process.env.GITHUB_TOKEN;
  else process.env.GITHUB_TOKEN = value;
}

export function cloud(from: Account): Cloud {
  return {
    call: ({ token: name, inputs }) => {
      const lookUp = lookUps[name];
      if (!lookUp) throw new Error(`the mocked account does not answer ${name}`);
      return lookUp(from, inputs);
    },
    outputs: ({ type, inputs }) => {
      if (type === "aws:ecr/repository:Repository") {
        const registryId = "123456789012";
        return {
          registryId,
          repositoryUrl: `${registryId}.dkr.ecr.ap-northeast-1.amazonaws.com/${inputs.name}`,
        };
      }
      if (type === "eks:index:Cluster") return { kubeconfigJson: "{}" };
      return type === "docker:index/image:Image" ? { repoDigest: `${inputs.imageName}@${digest}` } : {};
    },
  };
}

function found<T>(what: string, value: T | undefined): T {
  if (value === undefined) throw new Error(`reading ${what}: no match`);
  return value;
}

const lookUps: Record<string, (from: Account, inputs: any) => Record<string, any>> = {
  "aws:eks/getClusters:getClusters": ({ clusters }) => ({ names: Object.keys(clusters) }),
  "aws:eks/getCluster:getCluster": ({ clusters }, { name }) => ({
    name,
    version: "1.35",
    endpoint: "https://cluster.example.com",
    certificateAuthorities: [{ data: "Q0E=" }],
    vpcConfig: { vpcId: "vpc-1", clusterSecurityGroupId: "sg-0000000c" },
    tags: {},
    ...found(`EKS Cluster (${name})`, clusters[name]),
  }),
  "aws:index/getCallerIdentity:getCallerIdentity": ({ caller }) => ({
    accountId: "123456789012",
    arn: caller,
  }),
  "aws:ec2/getSubnet:getSubnet": ({ subnets }, { id }) => ({ id, ...found("EC2 Subnet", subnets[id]) }),
  "aws:ec2/getRouteTables:getRouteTables": ({ subnets }, { vpcId, filters: [filter] }) => {
    if (vpcId === undefined) throw new Error("would list the route tables of every VPC");
    const [id] = filter.values;
    if (filter.name === "association.main") return { ids: ["rtb-main"] };
    return { ids: subnets[id]?.routes.length ? [`rtb-of-${id}`] : [] };
  },
  "aws:ec2/getRouteTable:getRouteTable": ({ subnets, mainRoutes }, { routeTableId }) => ({
    routes: (subnets[routeTableId.replace("rtb-of-", "")]?.routes ?? mainRoutes).map((route) => ({
      cidrBlock: "",
      gatewayId: "",
      natGatewayId: "",
      ...route,
    })),
  }),
  "aws:ec2/getNatGateways:getNatGateways": ({ natGateways }, { filters }) => {
    if (filters?.[0]?.name !== "state") throw new Error("would list deleted gateways as well");
    const listed = Object.entries(natGateways).filter(([, { state = "available" }]) =>
      filters[0].values.includes(state),
    );
    return { ids: listed.map(([id]) => id) };
  },
  "aws:ec2/getNatGateway:getNatGateway": ({ natGateways }, { id }) => ({ id, ...natGateways[id] }),
  "aws:ec2/getElasticIp:getElasticIp": ({ elasticIps }, { id }) => ({ id, publicIp: elasticIps[id] }),
  "aws:lb/getLbs:getLbs": ({ loadBalancers }) => ({
    arns: Object.values(loadBalancers).map(({ arn }) => arn),
  }),
  "aws:lb/getLoadBalancer:getLoadBalancer": ({ loadBalancers }, { name, arn }) =>
    found(
      "ELBv2 Load Balancers",
      loadBalancers[name] ?? Object.values(loadBalancers).find((one) => one.arn === arn),
    ),
  "aws:ec2/getSecurityGroup:getSecurityGroup": ({ securityGroups }, { id }) => ({
    id,
    tags: found("EC2 Security Group", securityGroups[id]),
  }),
  "aws:vpc/getSecurityGroupRules:getSecurityGroupRules": ({ rules }, { filters }) => {
    if (filters?.[0]?.name !== "group-id") throw new Error("would list the rules of every group");
    return { ids: Object.keys(rules) };
  },
  "aws:vpc/getSecurityGroupRule:getSecurityGroupRule": ({ rules }, { securityGroupRuleId: id }) => ({
    securityGroupRuleId: id,
    isEgress: false,
    ipProtocol: "tcp",
    fromPort: 443,
    toPort: 443,
    cidrIpv4: "",
    cidrIpv6: "",
    tags: {},
    ...rules[id],
  }),
  "aws:ssm/getParameter:getParameter": ({ parameter }, { name }) => ({ name, ...parameter }),
  "aws:index/getRegion:getRegion": () => ({ region: "ap-northeast-1" }),
  "aws:ecr/getAuthorizationToken:getAuthorizationToken": () => ({
    userName: "AWS",
    password: registryPassword,
  }),
  // The provider's answer for a repository that GitHub does not show is empty.
  "github:index/getRepository:getRepository": ({ repositories }, { fullName }) =>
    repositories[fullName] ?? {},
  "github:index/getUser:getUser": ({ users }, { username }) => ({
    id: String(found(`GET /users/${username}: 404 Not Found`, users[username])),
  }),
  "github:index/getTeam:getTeam": ({ teams }, { slug, summaryOnly }) => {
    if (summaryOnly !== true) throw new Error("would list the team's members and repositories");
    return { id: String(found(`GET /orgs/example-org/teams/${slug}: 404 Not Found`, teams[slug])) };
  },
};
