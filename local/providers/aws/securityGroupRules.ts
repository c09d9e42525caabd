import { DescribeSecurityGroupRulesCommand, type SecurityGroupRule } from "@aws-sdk/client-ec2";
import { requiredString, type Values } from "../standIn";
import type { AwsClients } from "./clients";
import { single, toFilters } from "./network";
import { toTagMap } from "./tags";

/** `aws.vpc.getSecurityGroupRules`. */
export async function getSecurityGroupRules({ ec2, region }: AwsClients, args: Values): Promise<Values> {
  const answer = await ec2.send(new DescribeSecurityGroupRulesCommand({ Filters: toFilters(args, {}) }));
  const ids = (answer.SecurityGroupRules ?? []).map((rule) => rule.SecurityGroupRuleId);
  return { id: region, ids, filters: args.filters, tags: args.tags ?? {}, region };
}

/** `aws.vpc.getSecurityGroupRule`. What a rule does not have is empty, and 0 for ports, as with the real provider. */
export async function getSecurityGroupRule({ ec2, region }: AwsClients, args: Values): Promise<Values> {
  const SecurityGroupRuleIds = [requiredString(args, "securityGroupRuleId")];
  const answer = await ec2.send(new DescribeSecurityGroupRulesCommand({ SecurityGroupRuleIds }));
  const rule = single("EC2 Security Group Rule", answer.SecurityGroupRules);
  const { tagsAll: _, ...properties } = describeRule(rule, region);
  const texts = ["cidrIpv4", "cidrIpv6", "prefixListId", "referencedSecurityGroupId", "description"];
  return {
    ...Object.fromEntries(texts.map((name) => [name, ""])),
    ...Object.fromEntries(Object.entries(properties).filter(([, value]) => value !== undefined)),
    id: rule.SecurityGroupRuleId,
    isEgress: rule.IsEgress ?? false,
    fromPort: rule.FromPort ?? 0,
    toPort: rule.ToPort ?? 0,
  };
}

/** A rule in the words of `@pulumi/aws`. */
export function describeRule(rule: SecurityGroupRule, region: string): Values {
  const tags = toTagMap(rule.Tags);
  return {
    region,
    securityGroupRuleId: rule.SecurityGroupRuleId,
    arn:
      rule.SecurityGroupRuleArn ??
      `arn:aws:ec2:${region}:${rule.GroupOwnerId}:security-group-rule/${rule.SecurityGroupRuleId}`,
    securityGroupId: rule.GroupId,
    ipProtocol: rule.IpProtocol,
    fromPort: rule.FromPort,
    toPort: rule.ToPort,
    cidrIpv4: rule.CidrIpv4 || undefined,
    cidrIpv6: rule.CidrIpv6 || undefined,
    prefixListId: rule.PrefixListId || undefined,
    referencedSecurityGroupId: rule.ReferencedGroupInfo?.GroupId || undefined,
    description: rule.Description || undefined,
    tags,
    tagsAll: tags,
  };
}
