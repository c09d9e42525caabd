import assert from "node:assert/strict";
import { findClusterSite } from "../../../components/clusterLookups";
import type { NewCluster } from "../../../components/configCluster";
import { awsTags } from "../../../components/identity";
import { run } from "../mocks";
import { type Account, account, cloud, subnet } from "./account";

const owner = { environment: "stg", githubOwner: "example-org", githubRepository: "digdag-workflows" };
const wish = {
  ...owner,
  clusterName: "new",
  podPerJob: false,
  access: "natGateways",
  natAddresses: [] as string[],
};
const newCluster: NewCluster = {
  subnetIds: ["subnet-0000000a", "subnet-0000000b"],
  version: undefined,
  adminRoleArns: [],
  publicAccessCidrs: [],
  autoMode: false,
  instanceType: "t3.large",
  nodes: 2,
};

async function site(
  changes: Partial<Account>,
  asked: { wish?: Partial<typeof wish>; cluster?: Partial<NewCluster> } = {},
) {
  const { outputs, resources } = await run(
    async () => ({
      found: await findClusterSite({ ...wish, ...asked.wish }, { ...newCluster, ...asked.cluster }),
    }),
    cloud(account(changes)),
  );
  assert.deepEqual(resources, []);
  return outputs.found;
}

const subnets = (a: Parameters<typeof subnet>[1], b: Parameters<typeof subnet>[1] = {}) => ({
  subnets: { "subnet-0000000a": subnet("a", a), "subnet-0000000b": subnet("b", b) },
});
const nat = { cidrBlock: "0.0.0.0/0", natGatewayId: "nat-1" };
const internet = { cidrBlock: "0.0.0.0/0", gatewayId: "igw-1" };
const transit = { cidrBlock: "0.0.0.0/0", transitGatewayId: "tgw-1" };

describe("the place of a new cluster", () => {
  it("is the VPC of its subnets", async () => {
    assert.deepEqual(await site({}), {
      ...newCluster,
      name: "new",
      version: "1.35",
      vpcId: "vpc-1",
      securityGroupId: undefined,
    });
  });

  it("is that of the cluster which this stack made before, with its security group", async () => {
    const clusters = { new: { tags: { ...awsTags(owner), Name: "runner-cluster-eks-eksCluster" } } };
    assert.equal((await site({ clusters })).securityGroupId, "sg-0000000c");
  });

  it("keeps the Kubernetes that the cluster runs, unless one minor version more is asked for", async () => {
    const clusters = { new: { tags: awsTags(owner), version: "1.36" } };
    assert.equal((await site({ clusters })).version, "1.36");
    assert.equal((await site({ clusters }, { cluster: { version: "1.37" } })).version, "1.37");
    for (const [version, reason] of [
      [
        "1.35",
        /clusterVersion is 1\.35, but EKS cluster new runs Kubernetes 1\.36: .*config rm .*clusterVersion/,
      ],
      ["1.38", /1\.37 is next/],
    ] as const)
      await assert.rejects(site({ clusters }, { cluster: { version } }), reason);
  });

  it("runs what the runners need", async () => {
    const clusters = { new: { tags: awsTags(owner), version: "1.29" } };
    await site({ clusters });
    await assert.rejects(
      site({ clusters }, { wish: { podPerJob: true } }),
      /runs Kubernetes 1\.29, and the runners need 1\.30.*set --stack stg clusterVersion 1\.30/,
    );
    await site({ clusters }, { wish: { podPerJob: true }, cluster: { version: "1.30" } });
  });

  it("is never a cluster of somebody else's, whatever its tags", async () => {
    for (const tags of [{}, { "managed-by": "pulumi" }, awsTags({ ...owner, environment: "prd" })]) {
      await assert.rejects(site({ clusters: { new: { tags } } }), (error: Error) => {
        assert.match(error.message, /EKS cluster new exists already and was not made by this stack/);
        assert.match(error.message, /pulumi config rm --stack stg createCluster/);
        return true;
      });
    }
    const tags = awsTags({ ...owner, githubRepository: "other" });
    await assert.rejects(
      site({ clusters: { new: { tags } } }),
      /digdag-runner:owner is example-org\/other instead of example-org\/digdag-workflows/,
    );
  });

  it("must exist", async () => {
    await assert.rejects(
      site({ subnets: {} }),
      /Cannot look up subnet subnet-0000000a\. Check clusterSubnetIds/,
    );
  });

  it("is one VPC with two availability zones", async () => {
    await assert.rejects(site(subnets({ vpcId: "vpc-2" })), /several VPCs, vpc-2 and vpc-1/);
    const zone = { availabilityZone: "ap-northeast-1b" };
    await assert.rejects(site(subnets(zone)), /all in ap-northeast-1b: EKS needs/);
  });

  it("is no public subnet, by its own route table or by the main one", async () => {
    const reason = /Subnet subnet-0000000b is public: its route table leads to internet gateway igw-1/;
    await assert.rejects(site(subnets({}, { routes: [internet] })), reason);
    const office = { cidrBlock: "203.0.113.0/24", gatewayId: "igw-1" };
    await assert.rejects(site(subnets({}, { routes: [nat, office] })), reason);
    await assert.rejects(site({ ...subnets({}, { routes: [] }), mainRoutes: [internet] }), reason);
    await site({ ...subnets({}, { routes: [] }), mainRoutes: [nat] });
  });

  it("has a way out", async () => {
    const local = { cidrBlock: "10.0.0.0/16", gatewayId: "local" };
    await assert.rejects(site(subnets({ routes: [local] })), /Subnet subnet-0000000a has no way out/);
    await assert.rejects(site(subnets({ routes: [] })), /has no way out/);
  });

  it("leaves by a NAT gateway, unless the addresses are given or mean nothing", async () => {
    const other = subnets({ routes: [transit] });
    await assert.rejects(site(other), /subnet-0000000a does not leave by a NAT gateway.*natAddresses/);
    await site(other, { wish: { natAddresses: ["203.0.113.1"] } });
    await site(other, { wish: { access: "securityGroup" } });
  });

  it("is refused for all that is wrong with it at once", async () => {
    const both = subnets({ routes: [internet], vpcId: "vpc-2" }, { routes: [] });
    await assert.rejects(site(both), (error: Error) => {
      assert.equal(error.message.split("\n").length, 3, error.message);
      return true;
    });
  });

  it("names the deploying role no second time, which EKS would refuse half way through", async () => {
    const cluster = { adminRoleArns: ["arn:aws:iam::123456789012:role/ci/deploy"] };
    await assert.rejects(
      site({}, { cluster }),
      /names arn.*role\/ci\/deploy, which is the role that deploys/,
    );
    await site({ caller: "arn:aws:sts::123456789012:assumed-role/other/session" }, { cluster });
    await site({ caller: "arn:aws:iam::123456789012:user/deploy" }, { cluster });
    await site({ clusters: { new: { tags: awsTags(owner) } } }, { cluster });
  });
});
