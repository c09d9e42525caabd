import * as aws from "@pulumi/aws";
import { DigdagRunner } from "@pulumi/digdag-runner";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

const config = new pulumi.Config();

const loadBalancer = aws.lb.getLoadBalancerOutput({ name: config.require("loadBalancerName") });
const gateways = aws.ec2.getNatGatewaysOutput({ vpcId: loadBalancer.vpcId });
const natAddresses = gateways.ids.apply((ids) =>
  pulumi.all(ids.map((id) => aws.ec2.getNatGatewayOutput({ id }).publicIp)),
);

const kubernetes = new k8s.Provider("cluster", {
  context: config.require("context"),
  // A rotated credential then updates the Secret instead of replacing it under the running brokers.
  enableSecretMutable: true,
});

const runners = new DigdagRunner(
  "runners",
  {
    environment: "stg",
    githubOwner: "example-org",
    githubRepository: "digdag-workflows",
    githubAppId: config.require("githubAppId"),
    githubAppParameter: config.require("githubAppParameter"),
    digdagEndpoint: config.require("digdagEndpoint"),
    securityGroupId: loadBalancer.securityGroups[0],
    natAddresses,
  },
  { providers: { kubernetes } },
);

export const { imageReference, allowedAddresses, runnerLabels, namespace } = runners;
