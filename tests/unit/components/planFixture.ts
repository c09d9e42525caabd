import { generateKeyPairSync } from "node:crypto";
import fc from "fast-check";
import { awsTags } from "../../../components/identity";
import { type Account, account, loadBalancer, token } from "./account";

/** One environment as a team may have it: its configuration, its AWS account, and what follows from both. */
export interface Case {
  stack: string;
  config: Record<string, string>;
  from: Account;
  /** Whom Digdag must be open to: ranges, or one security group. */
  sources: string[];
  /** The credential that SSM holds; a test that finds it in the clear has found a leak. */
  credential: string;
}

const privateKey = generateKeyPairSync("rsa", { modulusLength: 2048 })
  .privateKey.export({ type: "pkcs1", format: "pem" })
  .toString();

const list = (values: unknown[]) => JSON.stringify(values);

/** Some keys, or none of them. */
const perhaps = (keys: Record<string, string>) => fc.constantFrom({}, keys);

const address = fc
  .tuple(fc.constantFrom("198.51.100", "203.0.113", "192.0.2"), fc.integer({ min: 1, max: 254 }))
  .map(([network, host]) => `${network}.${host}`);

interface Gateways {
  natGateways: Account["natGateways"];
  elasticIps: Account["elasticIps"];
  addresses: string[];
}

/** Zonal gateways with secondary addresses, regional ones, private ones, and some that are not there yet or no more. */
const gateways: fc.Arbitrary<Gateways> = fc
  .tuple(
    fc.uniqueArray(address, { minLength: 1, maxLength: 8 }),
    fc.array(fc.constantFrom("zonal", "secondary", "regional"), { minLength: 8, maxLength: 8 }),
    fc.subarray(["pending", "failed", "deleting", "deleted", "private"]),
  )
  .map(([addresses, kinds, idle]) => {
    const made: Gateways = { natGateways: {}, elasticIps: {}, addresses };
    for (const [index, publicIp] of addresses.entries()) {
      const [kind, zonal] = [kinds[index], `nat-${index - 1}`];
      const beside = made.natGateways[zonal];
      if (kind === "regional") {
        made.natGateways[`nat-${index}`] = { regionalNatGatewayAddresses: [{ publicIp }], publicIp: "" };
      } else if (kind === "secondary" && beside?.publicIp) {
        made.elasticIps[`eipalloc-${index}`] = publicIp;
        beside.secondaryAllocationIds = [`eipalloc-${index}`];
      } else {
        made.natGateways[`nat-${index}`] = { publicIp };
      }
    }
    for (const [index, state] of idle.entries()) {
      const publicIp = `100.24.0.${index + 1}`;
      made.natGateways[`nat-${state}`] = state === "private" ? { publicIp: "" } : { publicIp, state };
    }
    return made;
  });

interface Access {
  config: Record<string, string>;
  changes: Partial<Account>;
  sources: string[];
}

const ranges = (addresses: string[]) => addresses.map((one) => `${one}/32`).sort();

/** Looked up, named (some twice, some as ranges of one), or the group of runners inside the VPC. */
const access: fc.Arbitrary<Access> = fc.oneof(
  gateways.map(({ addresses, ...changes }) => ({ config: {}, changes, sources: ranges(addresses) })),
  fc.uniqueArray(address, { minLength: 1, maxLength: 5 }).map((addresses) => ({
    config: { natAddresses: list([...addresses, `${addresses[0]}/32`]) },
    changes: {},
    sources: ranges(addresses),
  })),
  fc.constantFrom(undefined, "sg-0123456789abcdef0").map((group) => ({
    config: { access: "securityGroup", ...(group && { sourceSecurityGroupId: group }) },
    changes: { loadBalancers: { "digdag-stg": loadBalancer("digdag-stg", { internal: true }) } },
    sources: [group ?? "sg-0000000c"],
  })),
);

const workflow = "example-org/digdag-workflows/.github/workflows/deploy.yml@refs/heads/main";
const managed = { manageGitHubSettings: "true" };

/** Of one repository or of the organization, with GitHub's side as code or without. */
const scope = fc.oneof(
  perhaps(managed),
  fc.constant({ githubRepository: "" }),
  fc.constant({ githubRepository: "", runnerGroup: "deployers" }),
  fc.constant({
    ...managed,
    githubRepository: "",
    runnerGroupRepositories: list(["digdag-workflows", "reports"]),
    runnerGroupWorkflows: list([workflow]),
  }),
);

const ofSettings = fc
  .tuple(
    perhaps({ deploymentReviewers: list(["octocat", "example-org/digdag-deployers"]) }),
    perhaps({ deploymentBranches: list(["main", "release/*"]) }),
  )
  .map((parts) => Object.assign({}, ...parts));

const credential = fc.constantFrom<{ config: Record<string, string>; value: string }>(
  { config: {}, value: token },
  { config: { githubTokenParameter: "", githubAppId: "123456" }, value: privateKey },
);

const delivery = fc.constantFrom<Record<string, string>>(
  {},
  { secretDelivery: "externalSecrets" },
  {
    secretDelivery: "externalSecrets",
    secretStoreRoleArn: "arn:aws:iam::123456789012:role/digdag-runner-secrets",
  },
);

const makes = {
  createCluster: "true",
  clusterName: "new",
  clusterSubnetIds: list(["subnet-0000000a", "subnet-0000000b"]),
};

/** One that exists, or one of the stack's own that an earlier deployment made. */
const cluster = fc.constantFrom<Record<string, string>>(
  {},
  {},
  { ...makes, clusterPrivateEndpoint: "true", clusterAutoMode: "true", platform: "linux/amd64" },
  {
    ...makes,
    clusterPublicAccessCidrs: list(["203.0.113.0/24"]),
    clusterAdminRoleArns: list(["arn:aws:iam::123456789012:role/admin"]),
  },
);

const others = fc
  .tuple(
    perhaps({ podPerJob: "true" }),
    perhaps({
      httpsProxy: "http://proxy.example.com:3128",
      noProxy: list([".internal.example.com", "10.0.0.1"]),
    }),
    perhaps({ githubApiUrl: "https://ghe.example.com/api/v3" }),
    perhaps({ digdagEndpoint: "https://digdag.stg.example.com:8443" }),
    perhaps({ platform: "linux/arm64" }),
    perhaps({ namespace: "runners", runnerLabels: list(["team-a-of-this-stack"]) }),
    perhaps({ priorityClassName: "deployments", runnerCpu: "2", runnerMemory: "4Gi" }),
    fc.record({
      replicas: fc.integer({ min: 1, max: 50 }).map(String),
      maxJobMinutes: fc.integer({ min: 1, max: 360 }).map(String),
    }),
  )
  .map((parts): Record<string, string> => Object.assign({}, ...parts));

const ownerOf = (environment: string, { githubRepository }: Record<string, string>) => ({
  environment,
  githubOwner: "example-org",
  githubRepository: githubRepository ?? "digdag-workflows",
});

/** Any environment that the configuration allows. A new key belongs in here. */
export const cases: fc.Arbitrary<Case> = fc
  .record({
    stack: fc.constantFrom("stg", "prd", "local"),
    access,
    scope,
    ofSettings,
    credential,
    keys: fc
      .tuple(delivery, others, cluster)
      .map((parts): Record<string, string> => Object.assign({}, ...parts)),
  })
  .map(({ stack, access: open, scope: of, ofSettings: settings, credential: held, keys: more }) => {
    const keys: Record<string, string> = {
      ...of,
      ...("manageGitHubSettings" in of && settings),
      ...open.config,
      ...held.config,
      ...more,
    };
    return {
      stack,
      config: Object.fromEntries(Object.entries(keys).map(([key, value]) => [`digdag-runner:${key}`, value])),
      from: account({
        ...open.changes,
        clusters: { "digdag-stg": {}, new: { tags: awsTags(ownerOf(stack, of)) } },
        parameter: { type: "SecureString", value: held.value, version: 3 },
      }),
      sources: open.sources,
      credential: held.value,
    };
  });
