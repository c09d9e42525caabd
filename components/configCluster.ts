import { type Problem, removeCommand, setCommand } from "./configProblems";
import { rules } from "./configRules";
import type { KeySchema, Values } from "./configSchema";
import { missingOf } from "./kubernetesVersion";
import type { Platform } from "./labels";

/** A cluster that the stack makes, valid and complete. */
export interface NewCluster {
  /** Each once. */
  subnetIds: string[];
  /** Kubernetes, as MAJOR.MINOR. Not set: that of the cluster, once it is there. */
  version: string | undefined;
  /** Each once; beside the role that creates the cluster. */
  adminRoleArns: string[];
  /** Ranges that the Kubernetes API admits. Empty: it is private. */
  publicAccessCidrs: string[];
  /** Whether EKS brings the nodes by itself; the rest of the nodes' settings means nothing then. */
  autoMode: boolean;
  instanceType: string;
  nodes: number;
}

/** Whose configuration it is. */
interface Where {
  stack: string;
  keys: Record<string, KeySchema>;
  /** What `aws:allowedAccountIds` lists; empty where that is wrong itself. */
  accounts: readonly string[];
}

/** Every key that says how the new cluster is made. */
const clusterKeys = [
  "clusterSubnetIds",
  "clusterVersion",
  "clusterAdminRoleArns",
  "clusterPrivateEndpoint",
  "clusterPublicAccessCidrs",
  "clusterAutoMode",
  "clusterInstanceType",
  "clusterNodes",
] as const;

type ClusterKey = (typeof clusterKeys)[number];

const list = (values: Values, key: ClusterKey) => values[key] as string[];

/** What is wrong with the keys of a new cluster taken together. */
export function clusterProblems(where: Where, values: Values): Problem[] {
  if (values.createCluster !== true)
    return meaningless(where, values, clusterKeys, "while createCluster is false");
  return [
    ...subnetProblems(where, values),
    ...endpointProblems(where, values),
    ...accountProblems(where, values),
    ...autoModeProblems(where, values),
    ...versionProblems(where, values),
  ];
}

function meaningless(
  { stack, keys }: Where,
  values: Values,
  candidates: readonly ClusterKey[],
  why: string,
): Problem[] {
  const isSet = (key: string) => JSON.stringify(values[key]) !== JSON.stringify(keys[key]?.default);
  return candidates
    .filter(isSet)
    .map((key) => ({ key, reason: `is set, but means nothing ${why}`, command: removeCommand(stack, key) }));
}

function subnetProblems({ stack }: Where, values: Values): Problem[] {
  const key = "clusterSubnetIds";
  const { length } = list(values, key);
  if (new Set(list(values, key)).size >= 2) return [];
  const reason = `names ${length === 0 ? "none" : "only one"}: a new cluster needs at least two private subnets, in two availability zones`;
  return [{ key, reason, command: setCommand(stack, `${key}[${length}]`, rules[key]?.example ?? "") }];
}

/** Nobody finds out by a scan of the internet that an API was left open: who may reach it is said, or it is private. */
function endpointProblems({ stack }: Where, values: Values): Problem[] {
  const [key, other] = ["clusterPublicAccessCidrs", "clusterPrivateEndpoint"] as const;
  const open = list(values, key).length > 0;
  if (values[other] !== true) {
    if (open) return [];
    const reason = `is empty: name the ranges that pulumi and kubectl reach the Kubernetes API from, or set ${other} to true and run them inside the VPC`;
    return [{ key, reason, command: setCommand(stack, `${key}[0]`, rules[key]?.example ?? "") }];
  }
  const reason = `is set, but means nothing while ${other} is true`;
  return open ? [{ key, reason, command: removeCommand(stack, key) }] : [];
}

/** An access entry is for a role of the cluster's own account. */
function accountProblems({ stack, accounts }: Where, values: Values): Problem[] {
  const [account, ...others] = accounts;
  if (account === undefined) return [];
  return list(values, "clusterAdminRoleArns").flatMap((arn, index) => {
    const of = arn.split(":")[4] ?? "";
    if (!/^\d{12}$/.test(of) || accounts.includes(of)) return [];
    const key = `clusterAdminRoleArns[${index}]`;
    const allowed = others.length === 0 ? account : `one of ${accounts.join(", ")}`;
    const reason = `is ${JSON.stringify(arn)}: a role of account ${of}, but aws:allowedAccountIds has ${allowed}`;
    return [{ key, reason, command: setCommand(stack, key, arn.replace(of, account)) }];
  });
}

/** Auto Mode chooses nodes itself; its built-in pool for workloads has none with Arm processors. */
function autoModeProblems(where: Where, values: Values): Problem[] {
  if (values.clusterAutoMode !== true) return [];
  const key = "platform";
  const reason = `is ${JSON.stringify(values.platform)}, but the nodes that clusterAutoMode brings by itself are linux/amd64`;
  return [
    ...meaningless(where, values, ["clusterInstanceType", "clusterNodes"], "while clusterAutoMode is true"),
    ...(values.platform === "linux/arm64"
      ? [{ key, reason, command: setCommand(where.stack, key, "linux/amd64") }]
      : []),
  ];
}

function versionProblems({ stack }: Where, values: Values): Problem[] {
  const key = "clusterVersion";
  const version = String(values[key]);
  const missing = missingOf(version, { podPerJob: values.podPerJob === true });
  if (version === "" || rules[key]?.problem(version) !== undefined || missing === undefined) return [];
  const reason = `is ${JSON.stringify(version)}: must be ${missing.oldest} or later, because ${missing.why}`;
  return [{ key, reason, command: setCommand(stack, key, missing.oldest) }];
}

const defaultInstanceType: Record<Platform, string> = {
  "linux/amd64": "t3.large",
  "linux/arm64": "t4g.large",
};

/** The cluster to make, if any. Only for values without problems. */
export function newClusterFrom(values: Values): NewCluster | undefined {
  if (values.createCluster !== true) return undefined;
  const distinct = (key: ClusterKey) => [...new Set(list(values, key))];
  return {
    subnetIds: distinct("clusterSubnetIds"),
    version: String(values.clusterVersion) || undefined,
    adminRoleArns: distinct("clusterAdminRoleArns"),
    publicAccessCidrs: distinct("clusterPublicAccessCidrs"),
    autoMode: values.clusterAutoMode === true,
    instanceType: String(values.clusterInstanceType) || defaultInstanceType[values.platform as Platform],
    nodes: Number(values.clusterNodes),
  };
}
