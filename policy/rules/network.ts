import { BlockList, isIPv6 } from "node:net";
import { httpPort } from "../../components/podManifest";
import {
  isOwn,
  kindOf,
  must,
  ownNamespaces,
  type PlanResource,
  type Problem,
  type ResourceRule,
  type StackRule,
} from "../plan";
import { runnerPodOf } from "../pods";
import type { Place } from "../values";

/** Where nodes hand out AWS credentials: instance metadata, EKS Pod Identity and the agent of ECS, in IPv4 and IPv6. */
const credentialAddresses = [
  "169.254.169.254",
  "169.254.170.23",
  "169.254.170.2",
  "fd00:ec2::254",
  "fd00:ec2::23",
];

const familyOf = (address: string) => (isIPv6(address) ? "ipv6" : "ipv4");

/** Which of the addresses above a range holds; undefined for what is no range. */
function held(range: string): string[] | undefined {
  const [network = "", prefix = ""] = range.split("/");
  const list = new BlockList();
  try {
    list.addSubnet(network, Number(prefix), familyOf(network));
  } catch {
    return undefined; // the API server refuses it with a better message
  }
  return credentialAddresses.filter(
    (address) => familyOf(address) === familyOf(network) && list.check(address, familyOf(address)),
  );
}

/** A block of addresses that job code may reach instance metadata in. */
function blockProblems(block: Place): Problem[] {
  const except = block.get("except");
  if (block.get("cidr").isUnknown || except.isUnknown) return [];
  if (except.items.some(({ isUnknown }) => isUnknown)) return [];
  const excepted = new Set(except.items.flatMap(({ text }) => held(text ?? "") ?? []));
  const open = (held(block.get("cidr").text ?? "") ?? []).filter((address) => !excepted.has(address));
  return must(
    block,
    () => open.length === 0,
    `a block without ${open.join(", ")}`,
    "Except 169.254.0.0/16 (of IPv6: fd00:ec2::/32): a node answers its Pods there with its AWS role.",
  );
}

/** Whether a port is DNS's, or may be as far as a preview knows. */
const isDns = (port: Place) =>
  port.get("port").isUnknown || (port.get("port").value === 53 && !port.get("endPort").isSet);

/** What a policy lets runners call: everything by DNS, nothing else where nodes hand out credentials. */
function egressProblems(policy: Place): Problem[] {
  return policy.get("egress").items.flatMap((rule) => {
    const [ports, to] = [rule.get("ports"), rule.get("to")];
    const dnsAlone = ports.items.length > 0 && ports.items.every(isDns);
    if (ports.isUnknown || to.isUnknown || dnsAlone) return [];
    const peers = to.items;
    return [
      ...must(
        to,
        () => peers.length > 0,
        "a list of peers, because the rule is for more than DNS",
        "Name the peers, as an ipBlock that excepts 169.254.0.0/16: a node answers its Pods there with its AWS role.",
      ),
      ...peers
        .map((peer) => peer.get("ipBlock"))
        .filter(({ isSet }) => isSet)
        .flatMap(blockProblems),
    ];
  });
}

/** A NetworkPolicy of the runners: both directions are decided, and only the broker's port is open. */
function ownPolicyProblems(spec: Place): Problem[] {
  return [
    ...must(
      spec.get("policyTypes"),
      (types) => Array.isArray(types) && ["Ingress", "Egress"].every((type) => types.includes(type)),
      'both "Ingress" and "Egress"',
      "List both: a direction that is not listed is open.",
    ),
    ...spec
      .get("ingress")
      .items.flatMap((rule) =>
        must(
          rule.get("ports"),
          () =>
            rule.get("ports").items.length > 0 &&
            rule
              .get("ports")
              .items.every(
                (port) =>
                  port.get("port").isUnknown ||
                  (port.get("port").value === httpPort && !port.get("endPort").isSet),
              ),
          `port ${httpPort} alone`,
          "Open the port of metrics and health alone: whatever else listens in the Pod belongs to a job.",
        ),
      ),
  ];
}

const isNetworkPolicy = (resource: PlanResource) => kindOf(resource) === "NetworkPolicy";

export const networkIsLimited: ResourceRule = {
  name: "network-is-limited",
  description: "The runners' NetworkPolicy decides both directions and keeps them from instance metadata.",
  resource: (resource) => {
    if (!isOwn(resource) || !isNetworkPolicy(resource)) return [];
    const spec = resource.inputs.get("spec");
    return [...ownPolicyProblems(spec), ...egressProblems(spec)];
  },
};

const namespaceOf = ({ inputs }: PlanResource) => inputs.get("metadata", "namespace").text;

/** Whether a policy is certain to be for some Pods; one that selects by expressions is not looked at. */
function selects(policy: PlanResource, labels: Place): boolean {
  const selector = policy.inputs.get("spec", "podSelector");
  if (selector.isUnknown || selector.get("matchExpressions").items.length > 0) return false;
  return selector
    .get("matchLabels")
    .properties.every(({ key, text }) => text !== undefined && labels.get(key).text === text);
}

export const networkStaysLimited: StackRule = {
  name: "network-stays-limited",
  description:
    "Every Deployment of runners has a NetworkPolicy, and no other policy of its namespace allows more.",
  stack: (resources) => {
    const policies = resources.filter(isNetworkPolicy);
    const homes = ownNamespaces(resources);
    return resources.flatMap((runners) => {
      const pod = runnerPodOf(runners);
      const namespace = namespaceOf(runners);
      if (!pod || namespace === undefined || !homes.has(namespace)) return [];
      const theirs = policies.filter(
        (policy) => namespaceOf(policy) === namespace && selects(policy, pod.labels),
      );
      return [
        ...(theirs.some(isOwn)
          ? []
          : [
              {
                urn: runners.urn,
                path: "",
                seen: `without a NetworkPolicy in the namespace ${namespace}`,
                allowed: "Pods that a NetworkPolicy of the component RunnerDeployment selects",
                remedy: "Create the Deployment with RunnerDeployment or DigdagRunner.",
              },
            ]),
        ...theirs
          .filter((policy) => !isOwn(policy))
          .flatMap((policy) =>
            egressProblems(policy.inputs.get("spec")).map((problem) => ({ ...problem, urn: policy.urn })),
          ),
      ];
    });
  },
};
