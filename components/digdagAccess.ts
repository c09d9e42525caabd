import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { natAddressProblem, withoutPrefix } from "./addresses";
import { awsTags, githubScope, type Owner } from "./identity";

export interface DigdagAccessArgs extends Owner {
  /** HTTPS URL of Digdag; its port is the one that is opened, 443 unless it names another. */
  digdagEndpoint: string;
  /** Group of Digdag's internet-facing ALB. It must hold no inline rules and belong to no controller. */
  securityGroupId: string;
  /** Public IPv4 addresses of the NAT gateways, with `/32` or without. Known in advance, because they name the rules. */
  natAddresses: string[];
  /** Ids of rules that are there already and are taken over, by suffix; see `findExistingRules`. Default: none. */
  existingRules?: Record<string, string>;
}

/** One ingress rule, in plain values. */
export interface IngressRule {
  /** `203-0-113-10`: names the rule, so that another address changes no rule but its own. */
  suffix: string;
  cidrIpv4: string;
  port: number;
  description: string;
}

/**
 * One rule per distinct address, in the addresses' order.
 * @throws pulumi.InputPropertyError for anything but public IPv4 addresses
 */
export function ingressRules(args: DigdagAccessArgs): IngressRule[] {
  const { natAddresses, digdagEndpoint, environment } = args;
  const port = Number(new URL(digdagEndpoint).port || 443);
  return [...new Set(natAddresses.map(withoutPrefix))].map((address) => {
    const problem = natAddressProblem(address);
    if (problem) {
      throw new pulumi.InputPropertyError({
        propertyPath: "natAddresses",
        reason: `"${address}" ${problem}`,
      });
    }
    return {
      suffix: address.replaceAll(".", "-"),
      cidrIpv4: `${address}/32`,
      port,
      description: `digdag-runner ${environment}: GitHub runners of ${githubScope(args)} behind NAT`,
    };
  });
}

/** Opens Digdag's ALB to the addresses that the runners leave from, and to nothing else. */
export class DigdagAccess extends pulumi.ComponentResource {
  /** The ranges that were opened, each one address with `/32`. */
  public readonly allowedAddresses: pulumi.Output<string[]>;

  constructor(name: string, args: DigdagAccessArgs, opts?: pulumi.ComponentResourceOptions) {
    super("digdag-runner:index:DigdagAccess", name, {}, opts);
    const { existingRules = {} } = args;
    const rules = ingressRules(args).map(
      ({ suffix, cidrIpv4, port, description }) =>
        new aws.vpc.SecurityGroupIngressRule(
          `${name}-${suffix}`,
          {
            securityGroupId: args.securityGroupId,
            cidrIpv4,
            ipProtocol: "tcp",
            fromPort: port,
            toPort: port,
            description,
            tags: { ...awsTags(args), Name: `digdag-runner-${args.environment}` },
          },
          // The engine imports a rule with this id, and leaves it at that when its state knows the rule.
          { parent: this, ...(existingRules[suffix] && { import: existingRules[suffix] }) },
        ),
    );
    this.allowedAddresses = pulumi
      .all(rules.map((rule) => rule.cidrIpv4))
      .apply((ranges) => ranges.filter((range) => range !== undefined));
    this.registerOutputs({ allowedAddresses: this.allowedAddresses });
  }
}
