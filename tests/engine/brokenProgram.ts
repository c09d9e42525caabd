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
    // An output of its own would be unknown as a whole, since the image in it is.
    props.spec = props.spec.apply((deployment: any) => {
      const { spec } = deployment.template;
      spec.hostPID = true;
      spec.containers[0].image = "runner:latest";
      spec.containers[0].env.push({ name: "DIGDAG_PASSWORD", value: "not-for-your-eyes" });
      return deployment;
    });
  },
};

/** The program as it must never be deployed: with changed resources, one beside them, and a token in an output. */
export = async () => {
  let group: (id: pulumi.Input<string>) => void;
  const opened = new Promise<pulumi.Input<string>>((resolve) => {
    group = resolve;
  });
  pulumi.runtime.registerStackTransformation(({ type, name, props, opts }) => {
    const isOurs = name.startsWith("digdag-runner-");
    if (isOurs && type === ruleType) group(props.securityGroupId);
    if (isOurs) changes[type]?.(props);
    return { props, opts };
  });
  const outputs = await program();
  new aws.vpc.SecurityGroupIngressRule("office", {
    securityGroupId: pulumi.output(opened),
    ipProtocol: "tcp",
    fromPort: 443,
    toPort: 443,
    cidrIpv4: "203.0.113.0/24",
  });
  return { ...outputs, help: `curl --header "Authorization: ghp_${"A1b2".repeat(9)}"` };
};
