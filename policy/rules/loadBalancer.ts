import { natAddressProblem } from "../../components/addresses";
import { isOwn, must, type PlanResource, type Problem, type ResourceRule, type StackRule } from "../plan";
import { Place } from "../values";

/** Which addresses a rule admits and to what, by whichever resource it is written. */
interface Ingress {
  ranges: Place[];
  protocol: Place;
  ports: [from: Place, to: Place];
}

const ingressRule = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule";
const olderRule = "aws:ec2/securityGroupRule:SecurityGroupRule";
const groupTypes = [
  "aws:ec2/securityGroup:SecurityGroup",
  "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
];

const each = (list: Place): Place[] => (list.isUnknown ? [list] : list.items);
const present = (places: Place[]): Place[] => places.filter(({ value, isSet }) => isSet && value !== "");

/** A rule as `aws.ec2.SecurityGroupRule` and inline rules write it. */
const listed = (rule: Place): Ingress => ({
  ranges: present(["cidrBlocks", "ipv6CidrBlocks", "prefixListIds"].flatMap((list) => each(rule.get(list)))),
  protocol: rule.get("protocol"),
  ports: [rule.get("fromPort"), rule.get("toPort")],
});

const single = (rule: Place): Ingress => ({
  ranges: present([rule.get("cidrIpv4"), rule.get("cidrIpv6"), rule.get("prefixListId")]),
  protocol: rule.get("ipProtocol"),
  ports: [rule.get("fromPort"), rule.get("toPort")],
});

/** The rules of a resource that let somebody in. */
function ingressOf({ type, inputs, outputs }: PlanResource): Ingress[] {
  if (type === ingressRule) return [single(inputs)];
  if (type === olderRule) return inputs.get("type").value === "egress" ? [] : [listed(inputs)];
  // The provider also reports rules here that other resources or people have put into the group.
  if (groupTypes.includes(type)) return (outputs ?? inputs).get("ingress").items.map(listed);
  return [];
}

/** The groups that this product opens, and so those of Digdag's load balancers. */
const openedGroups = (resources: PlanResource[]): Set<string> =>
  new Set(
    resources
      .filter((resource) => isOwn(resource) && resource.type === ingressRule)
      .flatMap(({ inputs }) => inputs.get("securityGroupId").text ?? []),
  );

const isOnePublicAddress = (range: unknown) =>
  typeof range === "string" && range.endsWith("/32") && natAddressProblem(range) === undefined;

function ingressProblems({ ranges, protocol, ports }: Ingress): Problem[] {
  const [from, to] = ports;
  return [
    ...ranges.flatMap((range) =>
      must(
        range,
        isOnePublicAddress,
        "one public IPv4 address with /32",
        "Give each NAT gateway's address a rule of its own: whoever is in a wider range reaches Digdag.",
      ),
    ),
    ...must(
      protocol,
      (value) => value === "tcp" || value === "6",
      '"tcp"',
      "Digdag is reached by HTTPS alone.",
    ),
    ...must(
      to,
      () => from.isUnknown || (from.number !== undefined && from.number === to.number && from.number > 0),
      `one port, ${from.path} (${from.number ?? "not set"}) and ${to.path} the same`,
      "Open the port of Digdag's listener alone.",
    ),
  ];
}

/** The security group that a rule of this product admits, inside the VPC. */
const groupsOf = ({ inputs }: PlanResource): Place[] => present([inputs.get("referencedSecurityGroupId")]);

export const digdagAdmitsSingleAddresses: ResourceRule = {
  name: "digdag-admits-single-addresses",
  description:
    "A rule of this product on the group of Digdag's load balancer admits one public address, or the runners' own " +
    "security group, to one TCP port.",
  resource: (resource) =>
    isOwn(resource)
      ? ingressOf(resource).flatMap((ingress) => [
          ...ingressProblems(ingress),
          ...(ingress.ranges.length + groupsOf(resource).length === 1
            ? []
            : [
                {
                  path: "",
                  seen: `a rule for ${ingress.ranges.length} ranges`,
                  allowed:
                    "one rule for one address or, with an internal load balancer, for one security group",
                  remedy: "Name exactly one address, as cidrIpv4.",
                },
              ]),
        ])
      : [],
};

export const digdagHasNoOtherWayIn: StackRule = {
  name: "digdag-has-no-other-way-in",
  description:
    "No other resource of the stack opens a group of Digdag's load balancer to more than single public addresses, " +
    "or writes rules into it inline.",
  stack: (resources) => {
    const opened = openedGroups(resources);
    const isOpened = ({ text }: Place) => text !== undefined && opened.has(text);
    return resources
      .filter((resource) => !isOwn(resource))
      .flatMap((resource) => {
        const { type, urn, inputs, outputs } = resource;
        const isGroup = groupTypes.includes(type);
        if (!isOpened(isGroup ? (outputs ?? inputs).get("id") : inputs.get("securityGroupId"))) return [];
        const inline = isGroup ? inputs.get("ingress") : new Place(undefined);
        return [
          ...ingressOf(resource).flatMap(ingressProblems),
          ...must(
            inline,
            (rules) => !Array.isArray(rules) || rules.length === 0,
            "no inline rules in a group that has rules of its own kind",
            "Write each as an aws.vpc.SecurityGroupIngressRule: inline rules remove all others at every update.",
          ),
        ].map((problem) => ({ ...problem, urn }));
      });
  },
};
