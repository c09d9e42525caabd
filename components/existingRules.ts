import * as vpc from "@pulumi/aws/vpc";
import * as pulumi from "@pulumi/pulumi";
import { type IngressRule, ingressRules, type KnownAccess, type RuleSource } from "./digdagAccess";
import { awsTags } from "./identity";
import { lookUp } from "./lookups";
import { refusal } from "./refusal";

/** The rules that a stack wants, and the group they are for. */
export interface GroupAccess extends KnownAccess {
  securityGroupId: string;
}

/** An ingress rule as AWS has it. */
export interface GroupRule {
  /** `sgr-…` */
  id: string;
  cidrIpv4: string;
  cidrIpv6: string;
  referencedSecurityGroupId: string;
  /** `tcp`, `-1` for all, and others. */
  protocol: string;
  fromPort: number;
  toPort: number;
  tags: Record<string, string>;
}

/** What the group's present rules mean for the rules that a stack wants. */
export interface Settlement {
  /** Ids of rules to take over, by the suffix of the wanted rule. */
  adopted: Record<string, string>;
  /** What a person should know, and nothing that stops a deployment. */
  warnings: string[];
  /** What a person has to change first. */
  problems: string[];
}

const sameSource = (source: RuleSource, rule: GroupRule) =>
  "cidrIpv4" in source
    ? rule.cidrIpv4 === source.cidrIpv4
    : rule.referencedSecurityGroupId === source.referencedSecurityGroupId;

const sameRule = (wanted: IngressRule, rule: GroupRule) =>
  sameSource(wanted.source, rule) &&
  rule.protocol === "tcp" &&
  rule.fromPort === wanted.port &&
  rule.toPort === wanted.port;

/**
 * Looks at the rules of Digdag's group, and warns of those that open Digdag to more than the runners.
 * @returns ids of rules to take over, by the suffix of the wanted rule
 * @throws pulumi.RunError for rules that stand in the way
 */
export async function findExistingRules(args: GroupAccess): Promise<Record<string, string>> {
  const { natAddresses = [], sourceSecurityGroupId } = args;
  // The group of a cluster that is yet to be made: no rule can name it.
  if (natAddresses.length === 0 && sourceSecurityGroupId === undefined) return {};
  const { adopted, warnings, problems } = settle(args, await readIngressRules(args.securityGroupId));
  if (problems.length > 0) throw refusal(problems.join("\n"));
  for (const warning of warnings) await pulumi.log.warn(warning);
  return adopted;
}

async function readIngressRules(securityGroupId: string): Promise<GroupRule[]> {
  const remedy = "The deploying role needs ec2:DescribeSecurityGroupRules.";
  const filters = [{ name: "group-id", values: [securityGroupId] }];
  const what = `the rules of security group ${securityGroupId}`;
  const { ids } = await lookUp(what, remedy, vpc.getSecurityGroupRules({ filters }));
  const rules = await Promise.all(
    ids.map((id) => lookUp(`rule ${id}`, remedy, vpc.getSecurityGroupRule({ securityGroupRuleId: id }))),
  );
  return rules
    .filter(({ isEgress }) => !isEgress)
    .map(({ securityGroupRuleId: id, ipProtocol: protocol, ...rule }) => ({ ...rule, id, protocol }));
}

/**
 * AWS refuses a second rule with the same source, protocol and ports, half way through a deployment. So one that is there
 * already is taken over, and gets this stack's description and tags: its own, of a deployment that was cut off before it could
 * write that down, and one that somebody typed into the console. One with tags of another owner is that owner's, who would
 * miss it or make it again.
 */
export function settle(args: GroupAccess, present: readonly GroupRule[]): Settlement {
  const wanted = ingressRules(args);
  const settlement: Settlement = { adopted: {}, warnings: [], problems: [] };
  const ours = Object.entries(awsTags(args));
  for (const rule of wanted) {
    const found = present.find((candidate) => sameRule(rule, candidate));
    if (!found) continue;
    const others = Object.entries(found.tags).filter(([key]) => !key.startsWith("aws:"));
    if (others.length === 0 || ours.every(([key, value]) => found.tags[key] === value)) {
      settlement.adopted[rule.suffix] = found.id;
    } else {
      const whose = others.map(([key, value]) => `${key}=${value}`).join(", ");
      settlement.problems.push(
        `Rule ${found.id} already opens TCP port ${rule.port} to ${Object.values(rule.source)}, and belongs to somebody else ` +
          `by its tags (${whose}); AWS allows no second one like it. ` +
          `Remove it where it was made, or remove its tags to have this stack take it over: aws ec2 delete-tags --resources ${found.id}`,
      );
    }
  }
  for (const rule of present) {
    const port = wanted.find((one) => opens(rule, one.port))?.port;
    const range = rule.cidrIpv4 || rule.cidrIpv6;
    if (port === undefined || !isRange(range)) continue;
    settlement.warnings.push(
      `Rule ${rule.id} of Digdag's group opens port ${port} to ${range}, so Digdag is open to more than the runners. ` +
        `Unless that is meant: aws ec2 revoke-security-group-ingress --group-id ${args.securityGroupId} --security-group-rule-ids ${rule.id}`,
    );
  }
  return settlement;
}

const opens = ({ protocol, fromPort, toPort }: GroupRule, port: number) =>
  protocol === "-1" || (protocol === "tcp" && fromPort <= port && port <= toPort);

const isRange = (cidr: string) => cidr !== "" && !/\/(32|128)$/.test(cidr);
