import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { AccessWay } from "../../../components/addresses";
import { awsTags } from "../../../components/identity";
import { findCluster, findNatAddresses, findSecurityGroup } from "../../../components/lookups";
import { run } from "../mocks";
import { type Account, account, cloud, loadBalancer } from "./account";

const owner = { environment: "stg", githubOwner: "example-org", githubRepository: "digdag-workflows" };

const lookup = {
  vpcId: "vpc-1",
  access: "natGateways" as AccessWay,
  digdagEndpoint: "https://digdag.stg.example.com",
  loadBalancerName: undefined as string | undefined,
  securityGroupId: undefined as string | undefined,
};

/** What `ask` finds in an account. */
async function inAccount<T>(changes: Partial<Account>, ask: () => Promise<T>): Promise<T> {
  const { outputs } = await run(async () => ({ found: await ask() }), cloud(account(changes)));
  return outputs.found;
}

const natAddresses = (natGateways: Account["natGateways"], elasticIps: Record<string, string> = {}) =>
  inAccount({ natGateways, elasticIps }, () => findNatAddresses("vpc-1"));

const securityGroup = (changes: Partial<Account>, asked: Partial<typeof lookup> = {}) =>
  inAccount(changes, () => findSecurityGroup({ ...lookup, ...asked }));

const balancers = (...list: ReturnType<typeof loadBalancer>[]) => ({
  loadBalancers: Object.fromEntries(list.map((one) => [one.name, one])),
});
const managed = { "elbv2.k8s.aws/cluster": "digdag-stg" };

const cluster = (changes: Record<string, unknown>, podPerJob = false) =>
  inAccount({ clusters: { "digdag-stg": changes } }, () =>
    findCluster({ ...owner, clusterName: "digdag-stg", podPerJob }),
  );

describe("the cluster", () => {
  it("leads to its VPC and its API", async () => {
    assert.deepEqual(await cluster({}), {
      name: "digdag-stg",
      vpcId: "vpc-1",
      securityGroupId: "sg-0000000c",
      endpoint: "https://cluster.example.com",
      certificateAuthority: "Q0E=",
    });
  });

  it("must exist, and the message says what would make one", async () => {
    const asked = { ...owner, clusterName: "gone", podPerJob: false };
    await assert.rejects(
      inAccount({}, () => findCluster(asked)),
      /Cannot look up EKS cluster gone\. Check clusterName.*made only where createCluster is true/,
    );
  });

  it("must have native sidecars, and the message says how to upgrade", async () => {
    for (const version of ["1.28", "1.9"]) {
      await assert.rejects(cluster({ version }), (error: Error) => {
        assert.ok(error.message.includes(`digdag-stg runs Kubernetes ${version}`), error.message);
        assert.match(error.message, /1\.29 or later, because the broker is a native sidecar/);
        assert.match(error.message, /aws eks update-cluster-version --name digdag-stg/);
        assert.doesNotMatch(error.message, /podPerJob/);
        return true;
      });
    }
    for (const version of ["1.29", "1.30", "1.100"]) await cluster({ version });
  });

  it("must have admission policies for podPerJob, which may be turned off instead", async () => {
    await assert.rejects(
      cluster({ version: "1.29" }, true),
      /1\.30 or later, because podPerJob relies on .*config set --stack stg podPerJob false/,
    );
    await assert.rejects(cluster({ version: "1.28" }, true), (error: Error) => {
      assert.doesNotMatch(error.message, /podPerJob/);
      return true;
    });
    await cluster({ version: "1.30" }, true);
  });

  it("is refused where this stack made it and createCluster is gone, which would delete it", async () => {
    await assert.rejects(
      cluster({ tags: awsTags(owner) }),
      /made by this stack.*createCluster true\n.*"Leave createCluster" in docs\/operations\.md/s,
    );
    const operations = readFileSync(join(__dirname, "../../../docs/operations.md"), "utf8");
    assert.match(operations, /^#+ Leave createCluster$/m);
    await cluster({ tags: awsTags({ ...owner, environment: "prd" }) });
    await cluster({ tags: { "managed-by": "pulumi" } });
  });
});

describe("the NAT addresses", () => {
  it("are those of every gateway, sorted, each once", async () => {
    const found = await natAddresses({
      a: { publicIp: "203.0.113.9" },
      b: { publicIp: "203.0.113.1" },
      c: { publicIp: "203.0.113.9" },
    });
    assert.deepEqual(found, ["203.0.113.1", "203.0.113.9"]);
  });

  it("include secondary addresses and those of regional gateways", async () => {
    const found = await natAddresses(
      {
        a: { publicIp: "203.0.113.1", secondaryAllocationIds: ["eipalloc-1"] },
        b: { publicIp: "", regionalNatGatewayAddresses: [{ publicIp: "203.0.113.3" }] },
      },
      { "eipalloc-1": "203.0.113.2" },
    );
    assert.deepEqual(found, ["203.0.113.1", "203.0.113.2", "203.0.113.3"]);
  });

  it("cannot be those of private gateways alone", async () => {
    for (const natGateways of [
      {},
      { a: { publicIp: "", connectivityType: "private" } },
    ] as Account["natGateways"][]) {
      await assert.rejects(natAddresses(natGateways), /vpc-1.*no available public NAT gateway.*natAddresses/);
    }
  });
});

describe("the security group", () => {
  it("is that of the ALB by name", async () => {
    assert.equal(await securityGroup({}, { loadBalancerName: "digdag-stg" }), "sg-00000001");
  });

  it("is that of the only internet-facing ALB of the VPC when none is named", async () => {
    const others = balancers(
      loadBalancer("internal", { internal: true }),
      loadBalancer("elsewhere", { vpcId: "vpc-2" }),
      loadBalancer("network", { arn: "arn:aws:elasticloadbalancing:r:1:loadbalancer/net/network/1" }),
      loadBalancer("digdag", { securityGroups: ["sg-00000002"] }),
    );
    assert.equal(await securityGroup({ ...others, securityGroups: { "sg-00000002": {} } }), "sg-00000002");
  });

  it("is that of the ALB that the endpoint names, among several", async () => {
    const two = balancers(
      loadBalancer("a", { securityGroups: ["sg-0000000a"] }),
      loadBalancer("b", { securityGroups: ["sg-0000000b"] }),
    );
    const digdagEndpoint = "https://b-1.ap-northeast-1.elb.amazonaws.com";
    const found = await securityGroup(
      { ...two, securityGroups: { "sg-0000000a": {}, "sg-0000000b": {} } },
      { digdagEndpoint },
    );
    assert.equal(found, "sg-0000000b");
  });

  it("is asked for, with the candidates, when several ALBs or none could be meant", async () => {
    const two = balancers(loadBalancer("zeta"), loadBalancer("alpha"));
    await assert.rejects(
      securityGroup(two),
      /several internet-facing ALBs: alpha, zeta\. Set loadBalancerName/,
    );
    await assert.rejects(
      securityGroup(balancers()),
      /no internet-facing ALB, which access natGateways is for\. Set loadBalancerName/,
    );
  });

  it("is that of the ALB by ARN", async () => {
    const { arn } = loadBalancer("digdag-stg");
    assert.equal(await securityGroup({}, { loadBalancerName: arn }), "sg-00000001");
  });

  it("is that of the only internal ALB where a security group is to be admitted", async () => {
    const both = balancers(
      loadBalancer("public"),
      loadBalancer("private", { internal: true, securityGroups: ["sg-00000002"] }),
    );
    const groups = { ...both, securityGroups: { "sg-00000002": {} } };
    assert.equal(await securityGroup(groups, { access: "securityGroup" }), "sg-00000002");
    await assert.rejects(
      securityGroup(balancers(loadBalancer("public")), { access: "securityGroup" }),
      /no internal ALB, which access securityGroup is for/,
    );
  });

  it("is never that of an internet-facing ALB where a security group is to be admitted", async () => {
    await assert.rejects(
      securityGroup({}, { loadBalancerName: "digdag-stg", access: "securityGroup" }),
      /internet-facing.*would have no effect\. Set access to natGateways/,
    );
  });

  it("is never that of an internal ALB, and the message names the right rule", async () => {
    const internal = balancers(loadBalancer("digdag-stg", { internal: true }));
    await assert.rejects(
      securityGroup(internal, { loadBalancerName: "digdag-stg" }),
      /internal.*never a NAT address.*Set access to securityGroup/,
    );
  });

  it("is never that of another kind of load balancer", async () => {
    const network = balancers(loadBalancer("digdag-stg", { loadBalancerType: "network" }));
    await assert.rejects(
      securityGroup(network, { loadBalancerName: "digdag-stg" }),
      /type network, not an ALB/,
    );
  });

  it("is never one that the load balancer controller manages, named or found", async () => {
    const remedy =
      /managed by the AWS Load Balancer Controller.*alb\.ingress\.kubernetes\.io\/security-groups/;
    const securityGroups = { "sg-00000001": managed };
    await assert.rejects(securityGroup({ securityGroups }, { loadBalancerName: "digdag-stg" }), remedy);
    await assert.rejects(securityGroup({ securityGroups }, { securityGroupId: "sg-00000001" }), remedy);
  });

  it("is the user's own beside the controller's", async () => {
    const both = balancers(loadBalancer("digdag-stg", { securityGroups: ["sg-0000000a", "sg-0000000b"] }));
    const securityGroups = { "sg-0000000a": managed, "sg-0000000b": {} };
    assert.equal(
      await securityGroup({ ...both, securityGroups }, { loadBalancerName: "digdag-stg" }),
      "sg-0000000b",
    );
  });

  it("is asked for when the ALB has several of the user's own", async () => {
    const both = balancers(loadBalancer("digdag-stg", { securityGroups: ["sg-0000000a", "sg-0000000b"] }));
    const securityGroups = { "sg-0000000a": {}, "sg-0000000b": {} };
    await assert.rejects(
      securityGroup({ ...both, securityGroups }, { loadBalancerName: "digdag-stg" }),
      /several security groups: sg-0000000a, sg-0000000b\. Set securityGroupId/,
    );
  });

  it("must belong to the ALB when both are named", async () => {
    const asked = { loadBalancerName: "digdag-stg", securityGroupId: "sg-00000009" };
    await assert.rejects(
      securityGroup({}, asked),
      /sg-00000009 does not belong to ALB digdag-stg, which has sg-00000001/,
    );
  });

  it("says what to check when it does not exist", async () => {
    await assert.rejects(
      securityGroup({}, { loadBalancerName: "gone" }),
      /Cannot look up ALB gone\. Check loadBalancerName/,
    );
    await assert.rejects(securityGroup({}, { securityGroupId: "sg-00000009" }), /Check securityGroupId/);
  });
});
