import {
  AuthorizeSecurityGroupIngressCommand,
  CreateTagsCommand,
  DeleteTagsCommand,
  DescribeSecurityGroupRulesCommand,
  type IpPermission,
  ModifySecurityGroupRulesCommand,
  RevokeSecurityGroupIngressCommand,
} from "@aws-sdk/client-ec2";
import { InputError, type ResourceKind, requiredString, type Values } from "../standIn";
import type { AwsClients } from "./clients";
import { unlessMissing } from "./missing";
import { describeRule } from "./securityGroupRules";
import { changedTags, toTagList, withDefaultTags } from "./tags";

/** The four ways to say who may come in; AWS wants exactly one and cannot change one into another. */
const SOURCES = ["cidrIpv4", "cidrIpv6", "prefixListId", "referencedSecurityGroupId"] as const;
const DETAILS = ["fromPort", "toPort", "description", "tags"];
const MISSING = [
  "InvalidSecurityGroupRuleId.NotFound",
  "InvalidGroup.NotFound",
  "InvalidPermission.NotFound",
];

/** `aws.vpc.SecurityGroupIngressRule`. */
export function ingressRule({ ec2, region }: AwsClients, defaultTags: Record<string, string>): ResourceKind {
  async function describe(id: string): Promise<Values | undefined> {
    const answer = await unlessMissing(MISSING, () =>
      ec2.send(new DescribeSecurityGroupRulesCommand({ SecurityGroupRuleIds: [id] })),
    );
    const rule = answer?.SecurityGroupRules?.find((candidate) => candidate.SecurityGroupRuleId === id);
    return rule && describeRule(rule, region);
  }

  return {
    computed: ["arn", "securityGroupRuleId", "tagsAll", "region"],
    check(inputs) {
      const sources = SOURCES.filter((source) => inputs[source] !== undefined);
      if (sources.length !== 1) {
        throw new InputError(
          sources[1] ?? SOURCES[0],
          `Exactly one of ${SOURCES.join(", ")} must be set, not ${sources.join(" and ") || "none"}`,
        );
      }
      requiredString(inputs, "securityGroupId");
      requiredString(inputs, "ipProtocol");
      return withDefaultTags(inputs, defaultTags);
    },
    replaces: (path, { oldInputs, newInputs }) =>
      path === "securityGroupId" ||
      (SOURCES.includes(path as never) && (oldInputs[path] === undefined || newInputs[path] === undefined)),
    async create(inputs) {
      const made = await ec2.send(
        new AuthorizeSecurityGroupIngressCommand({
          GroupId: requiredString(inputs, "securityGroupId"),
          IpPermissions: [toPermission(inputs)],
          TagSpecifications: inputs.tags
            ? [{ ResourceType: "security-group-rule", Tags: toTagList(inputs.tags) }]
            : undefined,
        }),
      );
      const id = made.SecurityGroupRules?.[0]?.SecurityGroupRuleId;
      if (!id) {
        throw new Error("AuthorizeSecurityGroupIngress answered without the id of the new rule");
      }
      return { id, outputs: { ...inputs, ...(await describe(id)) } };
    },
    async read(id, inputs) {
      const outputs = await describe(id);
      if (!outputs) {
        return undefined;
      }
      // An import comes without inputs, and is answered with all that the rule has.
      const asked = Object.keys(inputs).length > 0 ? Object.keys(inputs) : DETAILS;
      const fields = new Set([...asked, "securityGroupId", "ipProtocol", ...SOURCES]);
      const live = Object.entries(outputs).filter(([key]) => fields.has(key));
      return { outputs, inputs: Object.fromEntries(live) };
    },
    async update(id, inputs, state) {
      await ec2.send(
        new ModifySecurityGroupRulesCommand({
          GroupId: requiredString(inputs, "securityGroupId"),
          SecurityGroupRules: [{ SecurityGroupRuleId: id, SecurityGroupRule: toRuleRequest(inputs) }],
        }),
      );
      const tags = changedTags(state.tags, inputs.tags);
      if (tags.remove.length > 0) {
        await ec2.send(new DeleteTagsCommand({ Resources: [id], Tags: tags.remove.map((Key) => ({ Key })) }));
      }
      if (tags.set.length > 0) {
        await ec2.send(new CreateTagsCommand({ Resources: [id], Tags: tags.set }));
      }
      return { ...inputs, ...(await describe(id)) };
    },
    async delete(id, state) {
      await unlessMissing(MISSING, () =>
        ec2.send(
          new RevokeSecurityGroupIngressCommand({
            GroupId: requiredString(state, "securityGroupId"),
            SecurityGroupRuleIds: [id],
          }),
        ),
      );
    },
  };
}

function toRuleRequest(inputs: Values) {
  return {
    IpProtocol: inputs.ipProtocol as string,
    FromPort: inputs.fromPort as number | undefined,
    ToPort: inputs.toPort as number | undefined,
    CidrIpv4: inputs.cidrIpv4 as string | undefined,
    CidrIpv6: inputs.cidrIpv6 as string | undefined,
    PrefixListId: inputs.prefixListId as string | undefined,
    ReferencedGroupId: inputs.referencedSecurityGroupId as string | undefined,
    Description: inputs.description as string | undefined,
  };
}

function toPermission(inputs: Values): IpPermission {
  const rule = toRuleRequest(inputs);
  const { Description } = rule;
  return {
    IpProtocol: rule.IpProtocol,
    FromPort: rule.FromPort,
    ToPort: rule.ToPort,
    IpRanges: rule.CidrIpv4 ? [{ CidrIp: rule.CidrIpv4, Description }] : undefined,
    Ipv6Ranges: rule.CidrIpv6 ? [{ CidrIpv6: rule.CidrIpv6, Description }] : undefined,
    PrefixListIds: rule.PrefixListId ? [{ PrefixListId: rule.PrefixListId, Description }] : undefined,
    UserIdGroupPairs: rule.ReferencedGroupId ? [{ GroupId: rule.ReferencedGroupId, Description }] : undefined,
  };
}
