// biome-ignore-all lint/suspicious/noExplicitAny: a plan holds resources of any shape

import { type Cloud, type Plan, type RunOptions, run } from "../mocks";

const program = loadProgram();

/**
 * `index.ts` without its bundler, which would take half a second of every plan and has tests of its own. The bundler is
 * replaced while the program is loaded and no longer, because other tests of this process need the real one.
 */
function loadProgram(): () => Promise<unknown> {
  const path = require.resolve("../../../runner-image/bundle");
  const real = require.cache[path];
  require.cache[path] = { exports: { bundlePrograms: async () => [] } } as unknown as NodeJS.Module;
  try {
    return require("../../../index");
  } finally {
    if (real) require.cache[path] = real;
    else delete require.cache[path];
  }
}

/** The token in the mocked SSM; a test that finds it anywhere in the clear has found a leak. */
export const token = "ghp_TheTokenOfTheMockedAccount";

/** The password for the mocked ECR, which is a credential as well. */
export const registryPassword = "the-password-of-the-mocked-registry";

export const digest = `sha256:${"ab".repeat(32)}`;

/** One mocked AWS account: what a test changes, it names; the rest is a working `stg`. */
export interface Account {
  natGateways: Record<string, Record<string, unknown>>;
  loadBalancers: Record<string, Record<string, unknown>>;
  securityGroups: Record<string, Record<string, string>>;
  /** Rules of any group, by id. */
  rules: Record<string, Record<string, unknown>>;
  elasticIps: Record<string, string>;
  parameter: { type: string; value: string; version: number };
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

export function account(changes: Partial<Account> = {}): Account {
  return {
    natGateways: { "nat-a": { publicIp: "198.51.100.1" }, "nat-b": { publicIp: "198.51.100.2" } },
    loadBalancers: { "digdag-stg": loadBalancer("digdag-stg") },
    securityGroups: { "sg-00000001": {} },
    rules: {},
    elasticIps: {},
    parameter: { type: "SecureString", value: token, version: 7 },
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

/** Runs the whole program, `index.ts`, against `account`. `config` is laid over `stgConfig`; an empty value unsets a key. */
export function deploy(from: Account = account(), options: RunOptions = {}): Promise<Plan> {
  return run(program, cloud(from), { ...options, config: { ...stgConfig, ...options.config } });
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
      return type === "docker:index/image:Image" ? { repoDigest: `${inputs.imageName}@${digest}` } : {};
    },
  };
}

function found<T>(what: string, value: T | undefined): T {
  if (value === undefined) throw new Error(`reading ${what}: no match`);
  return value;
}

const lookUps: Record<string, (from: Account, inputs: any) => Record<string, any>> = {
  "aws:eks/getCluster:getCluster": (_, { name }) => ({
    name,
    endpoint: "https://cluster.example.com",
    certificateAuthorities: [{ data: "Q0E=" }],
    vpcConfig: { vpcId: "vpc-1", clusterSecurityGroupId: "sg-0000000c" },
  }),
  "aws:ec2/getNatGateways:getNatGateways": ({ natGateways }, { filters }) => {
    if (filters?.[0]?.name !== "state") throw new Error("would list deleted gateways as well");
    return { ids: Object.keys(natGateways) };
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
  "aws:ecr/getAuthorizationToken:getAuthorizationToken": () => ({
    userName: "AWS",
    password: registryPassword,
  }),
};
