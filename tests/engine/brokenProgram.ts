// biome-ignore-all lint/suspicious/noExplicitAny: a transformation changes resources of any shape
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

import program = require("../../index");

const ruleType = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule";

/** What a transformation of a larger program might do to our resources. */
const changes: Record<string, (props: any) => void> = {
  [ruleType]: (props) => {
    props.cidrIpv4 = "0.0.0.0/0";
  },
  "kubernetes:apps/v1:Deployment": (props) => {
    const { spec } = props.spec.template;
    spec.hostPID = true;
    spec.containers[0].image = "runner:latest";
    spec.containers[0].env.push({ name: "DIGDAG_PASSWORD", value: "not-for-your-eyes" });
  },
};

/** The program as it must never be deployed: with changed resources, one beside them, and a token in an output. */
export = async () => {
  let opened: pulumi.Input<string> = "";
  pulumi.runtime.registerStackTransformation(({ type, name, props, opts }) => {
    if (type === ruleType) opened = props.securityGroupId;
    if (name.startsWith("digdag-runner-")) changes[type]?.(props);
    return { props, opts };
  });
  const outputs = await program();
  new aws.vpc.SecurityGroupIngressRule("office", {
    securityGroupId: opened,
    ipProtocol: "tcp",
    fromPort: 443,
    toPort: 443,
    cidrIpv4: "203.0.113.0/24",
  });
  return { ...outputs, help: `curl --header "Authorization: ghp_${"A1b2".repeat(9)}"` };
};
