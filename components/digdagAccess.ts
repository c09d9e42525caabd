import * as vpc from "@pulumi/aws/vpc";
import * as pulumi from "@pulumi/pulumi";
import { natAddressProblem, withoutPrefix } from "./addresses";
import { awsTags, githubScope, type Owner } from "./identity";

export interface DigdagAccessArgs extends Owner {
  /** HTTPS URL of Digdag; its port is the one that is opened, 443 unless it names another. */
  digdagEndpoint: pulumi.Input<string>;
  /** Group of Digdag's ALB. It must hold no inline rules and belong to no controller. */
  securityGroupId: pulumi.Input<string>;
  /**
   * Of an internet-facing ALB: public IPv4 addresses of the NAT gateways, with `/32` or without. Set this or
   * `sourceSecurityGroupId`. They name the rules: none is in a preview that does not know them.
   */
  natAddresses?: pulumi.Input<string[]>;
  /** Of an internal ALB: the group that the runners' traffic carries, that of the cluster's nodes or of their Pods. */
  sourceSecurityGroupId?: pulumi.Input<string>;
  /** Ids of rules that are there already and are taken over, by suffix; see `findExistingRules`. Default: none. */
  existingRules?: Record<string, string>;
}

/** What decides the rules, when it is known. */
export interface KnownAccess extends Owner {
  digdagEndpoint: string;
  natAddresses?: string[];
  sourceSecurityGroupId?: string;
}

/** Who may come in: one address, or one security group. */
export type RuleSource = { cidrIpv4: string } | { referencedSecurityGroupId: string };

/** One ingress rule, in plain values. */
export interface IngressRule {
  /** `203-0-113-10` or `sg-…`: names the rule, so that another source changes no rule but its own. */
  suffix: string;
  source: RuleSource;
  port: number;
  description: string;
}

/**
 * One rule per distinct address, in the addresses' order, or one for the security group.
 * @throws pulumi.InputPropertyError for anything but public IPv4 addresses, and when not exactly one kind of source is set
 */
export function ingressRules(args: KnownAccess): IngressRule[] {
  const { natAddresses = [], sourceSecurityGroupId, digdagEndpoint, environment } = args;
  if (natAddresses.length > 0 === (sourceSecurityGroupId !== undefined)) {
    throw new pulumi.InputPropertyError({
      propertyPath: "natAddresses",
      reason:
        "set this for an internet-facing ALB or sourceSecurityGroupId for an internal one, and not both",
    });
  }
  const port = Number(new URL(digdagEndpoint).port || 443);
  const runners = `digdag-runner ${environment}: GitHub runners of ${githubScope(args)}`;
  if (sourceSecurityGroupId !== undefined) {
    const source = { referencedSecurityGroupId: sourceSecurityGroupId };
    return [{ suffix: sourceSecurityGroupId, source, port, description: `${runners} inside the VPC` }];
  }
  return [...new Set(natAddresses.map(withoutPrefix))].map((address) => {
    const problem = natAddressProblem(address);
    if (problem) {
      throw new pulumi.InputPropertyError({
        propertyPath: "natAddresses",
        reason: `"${address}" ${problem}`,
      });
    }
    const source = { cidrIpv4: `${address}/32` };
    return { suffix: address.replaceAll(".", "-"), source, port, description: `${runners} behind NAT` };
  });
}

/** Opens Digdag's ALB to the addresses or the security group that the runners come from, and to nothing else. */
export class DigdagAccess extends pulumi.ComponentResource {
  /** The ranges that were opened, each one address with `/32`; none where a security group is admitted. */
  public readonly allowedAddresses: pulumi.Output<string[]>;
  /** The rules, for whoever needs them in place: to depend on this component would not wait for them. */
  public readonly rules: pulumi.Output<vpc.SecurityGroupIngressRule[]>;

  constructor(name: string, args: DigdagAccessArgs, opts?: pulumi.ComponentResourceOptions) {
    super("digdag-runner:index:DigdagAccess", name, {}, opts);
    const { digdagEndpoint, natAddresses, sourceSecurityGroupId, existingRules = {} } = args;
    this.rules = pulumi.output({ digdagEndpoint, natAddresses, sourceSecurityGroupId }).apply((known) =>
      ingressRules({ ...args, ...known }).map(
        ({ suffix, source, port, description }) =>
          new vpc.SecurityGroupIngressRule(
            `${name}-${suffix}`,
            {
              securityGroupId: args.securityGroupId,
              ...source,
              ipProtocol: "tcp",
              fromPort: port,
              toPort: port,
              description,
              tags: { ...awsTags(args), Name: `digdag-runner-${args.environment}` },
            },
            // The engine imports a rule with this id, and leaves it at that when its state knows the rule.
            { parent: this, ...(existingRules[suffix] && { import: existingRules[suffix] }) },
          ),
      ),
    );
    this.allowedAddresses = this.rules.apply((rules) =>
      pulumi
        .all(rules.map((rule) => rule.cidrIpv4))
        .apply((ranges) => ranges.filter((range) => range !== undefined)),
    );
    this.registerOutputs({ allowedAddresses: this.allowedAddresses });
  }
}
