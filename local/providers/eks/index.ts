import { notKnown, type ProviderStandIn, UNKNOWN, type Values } from "../standIn";

/** Version of `@pulumi/aws` whose resources the component registers. */
const aws = "7.48.0";

/**
 * Stand-in for the plugin of `@pulumi/eks`, which is a program itself: its `Cluster` makes some twenty resources. Of them this one
 * makes the control plane alone, with what it was given, so that the program's own wiring can be tried: nothing here proves that
 * EKS or the plugin would take the arguments, nor what else they would make.
 */
export function eksStandIn(): ProviderStandIn {
  return {
    name: "eks",
    version: "4.3.0",
    async configure() {
      return {
        resource(type) {
          throw notKnown("eks", `the resource type ${type}`);
        },
        async invoke(token) {
          throw notKnown("eks", `the function ${token}`);
        },
        async construct(type, name, inputs, register) {
          if (type !== "eks:index:Cluster") throw notKnown("eks", `the component ${type}`);
          const control = await register("aws:eks/cluster:Cluster", `${name}-eksCluster`, aws, {
            name: inputs.name,
            version: inputs.version,
            roleArn: "arn:aws:iam::123456789012:role/eks-cluster",
            vpcConfig: {
              subnetIds: inputs.privateSubnetIds,
              endpointPrivateAccess: inputs.endpointPrivateAccess,
              endpointPublicAccess: inputs.endpointPublicAccess,
              publicAccessCidrs: inputs.publicAccessCidrs,
            },
            tags: inputs.tags,
          });
          return outputsOf(control);
        },
      };
    },
  };
}

function outputsOf({ name, endpoint, vpcConfig }: Values): Values {
  const known = endpoint !== UNKNOWN;
  const group = (vpcConfig as Values | undefined)?.clusterSecurityGroupId;
  return {
    kubeconfigJson: known ? JSON.stringify({ name, endpoint }) : UNKNOWN,
    clusterSecurityGroupId: known ? group : UNKNOWN,
  };
}
