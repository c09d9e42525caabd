import type * as aws from "@pulumi/aws";
import { digdagAdmitsSingleAddresses, digdagHasNoOtherWayIn } from "../../../../policy/rules/loadBalancer";
import type { Draft } from "../draft";
import type { RuleCases } from "../ruleCases";

const opened = "sg-00000001";
const ingressRule = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule";
const olderRule = "aws:ec2/securityGroupRule:SecurityGroupRule";
const group = "aws:ec2/securityGroup:SecurityGroup";

const ingress = (changes: Partial<aws.vpc.SecurityGroupIngressRuleArgs>) => ({
  securityGroupId: opened,
  ipProtocol: "tcp",
  fromPort: 443,
  toPort: 443,
  ...changes,
});

const older = (changes: Partial<aws.ec2.SecurityGroupRuleArgs>) => ({
  securityGroupId: opened,
  type: "ingress",
  protocol: "tcp",
  fromPort: 443,
  toPort: 443,
  ...changes,
});

const wide = { protocol: "tcp", fromPort: 443, toPort: 443, cidrBlocks: ["0.0.0.0/0"] };

export const loadBalancerCases: RuleCases[] = [
  {
    rule: digdagAdmitsSingleAddresses,
    accepts: [
      {
        what: "another port of Digdag's",
        change: (draft) =>
          Object.assign(draft.inputs("SecurityGroupIngressRule"), { fromPort: 8443, toPort: 8443 }),
      },
      {
        what: "the security group of the nodes, instead of an address",
        change: (draft) =>
          Object.assign(draft.inputs("SecurityGroupIngressRule"), {
            cidrIpv4: undefined,
            referencedSecurityGroupId: "sg-0000000c",
          }),
      },
    ],
    refuses: [
      {
        what: "a security group beside an address",
        change: (draft) => {
          draft.inputs("SecurityGroupIngressRule").referencedSecurityGroupId = "sg-0000000c";
        },
        says: /Allowed: one rule for one address or/,
      },
      ...["0.0.0.0/0", "203.0.113.0/24", "10.0.0.1/32", "203.0.113.1"].map((cidrIpv4) => ({
        what: `the range ${cidrIpv4}`,
        change: (draft: Draft) => Object.assign(draft.inputs("SecurityGroupIngressRule"), { cidrIpv4 }),
        says: new RegExp(`^cidrIpv4 is "${cidrIpv4}"\\. Allowed: one public IPv4 address with /32`),
      })),
      {
        what: "a range of IPv6",
        change: (draft) =>
          Object.assign(draft.inputs("SecurityGroupIngressRule"), { cidrIpv4: undefined, cidrIpv6: "::/0" }),
        says: /^cidrIpv6 is "::\/0"/,
      },
      {
        what: "a rule for nobody that it can name",
        change: (draft) => {
          draft.inputs("SecurityGroupIngressRule").cidrIpv4 = undefined;
        },
        says: /a rule for 0 ranges/,
      },
      {
        what: "a prefix list, which a plan does not show",
        change: (draft) => Object.assign(draft.inputs("SecurityGroupIngressRule"), { prefixListId: "pl-1" }),
        says: /prefixListId is "pl-1"|2 ranges/,
      },
      {
        what: "every protocol",
        change: (draft) =>
          Object.assign(draft.inputs("SecurityGroupIngressRule"), {
            ipProtocol: "-1",
            fromPort: undefined,
            toPort: undefined,
          }),
        says: /ipProtocol is "-1"|toPort is not set/,
      },
      {
        what: "another protocol than TCP",
        change: (draft) => Object.assign(draft.inputs("SecurityGroupIngressRule"), { ipProtocol: "udp" }),
        says: /^ipProtocol is "udp"\. Allowed: "tcp"/,
      },
      {
        what: "the ports from another one up to Digdag's",
        change: (draft) => Object.assign(draft.inputs("SecurityGroupIngressRule"), { fromPort: 80 }),
        says: /^toPort is 443\. Allowed: one port, fromPort \(80\)/,
      },
      {
        what: "no port at all",
        change: (draft) =>
          Object.assign(draft.inputs("SecurityGroupIngressRule"), { fromPort: 0, toPort: 0 }),
        says: /^toPort is 0\./,
      },
      {
        what: "a range of ports",
        change: (draft) => Object.assign(draft.inputs("SecurityGroupIngressRule"), { fromPort: 0 }),
        says: /^toPort is 443\. Allowed: one port, fromPort \(0\) and toPort the same/,
      },
    ],
  },
  {
    rule: digdagHasNoOtherWayIn,
    accepts: [
      {
        what: "a wide rule of another group",
        change: (draft) =>
          draft.add(ingressRule, ingress({ securityGroupId: "sg-2", cidrIpv4: "0.0.0.0/0" })),
      },
      {
        what: "another group with inline rules",
        change: (draft) => draft.add(group, { ingress: [wide] }, { id: "sg-2", ingress: [wide] }),
      },
      {
        what: "one more address",
        change: (draft) => draft.add(ingressRule, ingress({ cidrIpv4: "203.0.113.7/32" })),
      },
      {
        what: "a group of the VPC",
        change: (draft) => draft.add(olderRule, older({ sourceSecurityGroupId: "sg-2" })),
      },
      {
        what: "a rule for what goes out",
        change: (draft) => draft.add(olderRule, older({ type: "egress", cidrBlocks: ["0.0.0.0/0"] })),
      },
      {
        what: "the group itself, read by the program, with the rules of this product in it",
        change: (draft) =>
          draft.add(
            group,
            {},
            { id: opened, ingress: [{ ...wide, cidrBlocks: ["198.51.100.1/32", "198.51.100.2/32"] }] },
          ),
      },
    ],
    refuses: [
      {
        what: "a wide rule",
        change: (draft) => draft.add(ingressRule, ingress({ cidrIpv4: "0.0.0.0/0" })),
        says: /^cidrIpv4 is "0\.0\.0\.0\/0"/,
      },
      {
        what: "a wide rule of the older type",
        change: (draft) => draft.add(olderRule, older({ cidrBlocks: ["203.0.113.7/32", "203.0.113.0/25"] })),
        says: /^cidrBlocks\[1\] is "203\.0\.113\.0\/25"/,
      },
      {
        what: "IPv6 in the older type",
        change: (draft) => draft.add(olderRule, older({ ipv6CidrBlocks: ["::/0"] })),
        says: /^ipv6CidrBlocks\[0\] is "::\/0"/,
      },
      {
        what: "every port",
        change: (draft) =>
          draft.add(olderRule, older({ cidrBlocks: ["203.0.113.7/32"], fromPort: 0, toPort: 65535 })),
        says: /^toPort is 65535/,
      },
      {
        what: "inline rules, even narrow ones",
        change: (draft) =>
          draft.add(group, { ingress: [{ ...wide, cidrBlocks: ["203.0.113.7/32"] }] }, { id: opened }),
        says: /^ingress is .*Allowed: no inline rules/,
      },
      {
        what: "a wide rule that somebody put into the group, seen by a refresh",
        change: (draft) => draft.add(group, {}, { id: opened, ingress: [wide] }),
        says: /^ingress\[0\]\.cidrBlocks\[0\] is "0\.0\.0\.0\/0"/,
      },
      {
        what: "inline rules of the VPC's default group",
        change: (draft) =>
          draft.add(
            "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
            { ingress: [wide] },
            { id: opened, ingress: [wide] },
          ),
        says: /^ingress/,
      },
    ],
  },
];
