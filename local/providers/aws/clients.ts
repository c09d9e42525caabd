import { EC2Client } from "@aws-sdk/client-ec2";
import { ECRClient } from "@aws-sdk/client-ecr";
import { EKSClient } from "@aws-sdk/client-eks";
import { ElasticLoadBalancingV2Client } from "@aws-sdk/client-elastic-load-balancing-v2";
import { SSMClient } from "@aws-sdk/client-ssm";
import { STSClient } from "@aws-sdk/client-sts";

// The SDK announces at every start that versions of next year need Node 22; the version used here is pinned.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";

/** The AWS clients of the stand-in, all for one region of the emulated account. */
export interface AwsClients {
  region: string;
  ec2: EC2Client;
  ecr: ECRClient;
  eks: EKSClient;
  loadBalancing: ElasticLoadBalancingV2Client;
  ssm: SSMClient;
  sts: STSClient;
}

/** Clients that only ever talk to the emulated account, with credentials that mean nothing elsewhere. */
export function createClients(endpoint: string, region: string): AwsClients {
  const options = {
    endpoint,
    region,
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
    maxAttempts: 2,
  };
  return {
    region,
    ec2: new EC2Client(options),
    ecr: new ECRClient(options),
    eks: new EKSClient(options),
    loadBalancing: new ElasticLoadBalancingV2Client(options),
    ssm: new SSMClient(options),
    sts: new STSClient(options),
  };
}
