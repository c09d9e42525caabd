// biome-ignore-all lint/suspicious/noExplicitAny: objects of any kind
import { generateKeyPairSync } from "node:crypto";
import { stringify } from "yaml";
import { awsTags } from "../../components/identity";
import { account, deploy } from "../unit/components/account";

/** A Kubernetes object as the program registers it. */
export interface KubernetesObject {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; annotations?: Record<string, string> };
  [field: string]: any;
}

const privateKey = generateKeyPairSync("rsa", { modulusLength: 2048 })
  .privateKey.export({ type: "pkcs1", format: "pem" })
  .toString();

const organization = { githubRepository: "" };
const app = { githubTokenParameter: "", githubAppId: "123456" };
const externalSecrets = { secretDelivery: "externalSecrets" };
const podPerJob = { podPerJob: "true" };
const owner = { environment: "stg", githubOwner: "example-org", githubRepository: "digdag-workflows" };
/** Of the two kinds of nodes the one that has an object in the cluster. */
const newCluster = {
  createCluster: "true",
  clusterName: "new",
  clusterSubnetIds: '["subnet-0000000a", "subnet-0000000b"]',
  clusterPrivateEndpoint: "true",
  clusterAutoMode: "true",
};
const prd = {
  clusterName: "digdag-prd",
  digdagEndpoint: "https://digdag.prd.example.com",
  githubTokenParameter: "/digdag-runner/prd/github-token",
};

/** Each value of what decides which objects there are, and of what decides what they hold. */
const configurations = {
  "stg-repository-token": ["stg", { replicas: "1" }],
  "stg-organization-app-podPerJob": ["stg", { ...organization, ...app, ...podPerJob }],
  "prd-organization-token": ["prd", { ...prd, ...organization, priorityClassName: "deployments" }],
  "prd-repository-app-podPerJob": [
    "prd",
    { ...prd, ...app, ...podPerJob, httpsProxy: "http://proxy.example.com:3128", replicas: "50" },
  ],
  "stg-repository-token-newCluster": ["stg", newCluster],
  "stg-repository-token-externalSecrets": ["stg", externalSecrets],
  "prd-organization-app-externalSecrets": [
    "prd",
    {
      ...prd,
      ...organization,
      ...app,
      ...externalSecrets,
      secretStoreRoleArn: "arn:aws:iam::123456789012:role/digdag-runner-prd",
    },
  ],
} as const;

async function objectsOf(stack: string, keys: Record<string, string>): Promise<KubernetesObject[]> {
  const config = Object.fromEntries(
    Object.entries(keys).map(([key, value]) => [`digdag-runner:${key}`, value]),
  );
  const from = account({
    clusters: { [keys.clusterName ?? "digdag-stg"]: { tags: keys.createCluster ? awsTags(owner) : {} } },
    ...(keys.githubAppId && { parameter: { type: "SecureString", value: privateKey, version: 1 } }),
  });
  const plan = await deploy(from, { stack, config });
  return plan.resources
    .filter(({ type }) => type.startsWith("kubernetes:"))
    .map(({ inputs }) => inputs as KubernetesObject);
}

/** The objects of every configuration, by the configuration's name. */
export async function everyPlan(): Promise<Map<string, KubernetesObject[]>> {
  const plans = new Map<string, KubernetesObject[]>();
  for (const [name, [stack, keys]] of Object.entries(configurations))
    plans.set(name, await objectsOf(stack, keys));
  return plans;
}

/** One object of a plan. @throws when there is none of the kind */
export function objectOf(objects: KubernetesObject[], kind: string): KubernetesObject {
  const found = objects.find((object) => object.kind === kind);
  if (!found) throw new Error(`no ${kind} among ${objects.map((object) => object.kind).join(", ")}`);
  return found;
}

/** The same without the annotations by which kube-score and checkov know exceptions. */
export function withoutExceptions(objects: KubernetesObject[]): KubernetesObject[] {
  return structuredClone(objects).map((object) => {
    for (const key of Object.keys(object.metadata.annotations ?? {}))
      if (/^(kube-score|checkov\.io)\//.test(key)) delete object.metadata.annotations?.[key];
    return object;
  });
}

/** For readers of YAML 1.1, to whom a text such as `no` is a boolean unless it is quoted. */
export const yaml = (objects: KubernetesObject[]): string =>
  objects.map((object) => stringify(object, { version: "1.1" })).join("---\n");
