import type { ResourceKind, Values } from "../standIn";
import { withDefaultTags } from "./tags";

/** How a resource differs from others that are remembered. */
export interface Remembered {
  /** Input that names it; made up from the resource's Pulumi name where it is missing. */
  name?: string;
  /** What the service would answer with, beside the inputs. */
  outputs: (id: string, inputs: Values, former: Values | undefined) => Values;
  /** Inputs that cannot be changed in place. */
  replaces?: readonly string[];
  /** Whether it takes tags. */
  tagged?: boolean;
}

/**
 * A resource that nobody but the program asks for: it is remembered in the state and nowhere else, and no service checks it. What
 * is made of it proves how the program's resources hang together and nothing about AWS.
 */
export function remembered(
  { name, outputs, replaces = [], tagged = true }: Remembered,
  defaultTags: Record<string, string>,
): ResourceKind {
  const made = (id: string, inputs: Values, former?: Values) => ({
    ...inputs,
    ...outputs(id, inputs, former),
  });
  return {
    computed: Object.keys(outputs("", {}, undefined)),
    recomputed: Object.keys(outputs("", {}, {})).filter((key) => /version/i.test(key)),
    check(inputs, context) {
      const named = { ...inputs };
      if (name) {
        const former = context.oldInputs?.[name];
        named[name] = inputs[name] ?? former ?? `${context.name}-${context.random.slice(0, 7)}`;
      }
      return tagged ? withDefaultTags(named, defaultTags) : named;
    },
    replaces: (path) => replaces.some((key) => path === key || path.startsWith(`${key}[`)),
    async create(inputs, { urn }) {
      const id = String((name && inputs[name]) || urn.split("::").at(-1));
      return { id, outputs: made(id, inputs) };
    },
    read: async (_, inputs, state) => ({ outputs: state, inputs }),
    update: async (id, inputs, state) => made(id, inputs, state),
    delete: async () => {},
  };
}

const account = "123456789012";

/** The parts of a new cluster that only the program asks for, by type. */
export function clusterParts(defaultTags: Record<string, string>): Record<string, ResourceKind> {
  const kind = (how: Remembered) => remembered(how, defaultTags);
  return {
    "aws:iam/role:Role": kind({
      name: "name",
      outputs: (id) => ({ arn: `arn:aws:iam::${account}:role/${id}` }),
    }),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": kind({
      outputs: () => ({}),
      replaces: ["role", "policyArn"],
      tagged: false,
    }),
    "aws:ec2/launchTemplate:LaunchTemplate": kind({
      name: "name",
      outputs: (_, __, former) => ({ latestVersion: former ? Number(former.latestVersion ?? 0) + 1 : 1 }),
    }),
    "aws:eks/nodeGroup:NodeGroup": kind({
      name: "nodeGroupName",
      outputs: () => ({ status: "ACTIVE" }),
      replaces: ["clusterName", "nodeRoleArn", "subnetIds", "amiType", "instanceTypes", "capacityType"],
    }),
    "aws:eks/accessEntry:AccessEntry": kind({
      outputs: () => ({ accessEntryArn: "" }),
      replaces: ["clusterName", "principalArn"],
    }),
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation": kind({
      outputs: () => ({ associatedAt: "" }),
      replaces: ["clusterName", "principalArn", "policyArn"],
      tagged: false,
    }),
    "aws:eks/addon:Addon": kind({
      outputs: () => ({ addonVersion: "v1" }),
      replaces: ["clusterName", "addonName"],
    }),
  };
}
