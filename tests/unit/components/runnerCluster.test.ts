// biome-ignore-all lint/suspicious/noExplicitAny: a plan holds resources of any shape
import assert from "node:assert/strict";
import fc from "fast-check";
import { awsTags } from "../../../components/identity";
import { isUnknown, type Plan, type RunOptions } from "../mocks";
import { type Account, account, deploy, loadBalancer } from "./account";

const owner = { environment: "stg", githubOwner: "example-org", githubRepository: "digdag-workflows" };
const admin = "arn:aws:iam::123456789012:role/team/admin";
const subnetIds = ["subnet-0000000a", "subnet-0000000b"];

/** The program's configuration with a cluster to make; lists and others as JSON. */
const creating = (changes: Record<string, string> = {}) => ({
  "digdag-runner:clusterName": "new",
  "digdag-runner:createCluster": "true",
  "digdag-runner:clusterSubnetIds": JSON.stringify(subnetIds),
  "digdag-runner:clusterPublicAccessCidrs": '["203.0.113.0/24"]',
  "digdag-runner:clusterAdminRoleArns": JSON.stringify([admin]),
  ...changes,
});

const make = (changes?: Record<string, string>, more: RunOptions = {}, from: Partial<Account> = {}) =>
  deploy(account({ clusters: {}, ...from }), { ...more, config: creating(changes) });

/** The account once the cluster is there, made by this stack. */
const after = { clusters: { new: { tags: awsTags(owner) } } };

const isOfCluster = ({ urn }: { urn: string }) => urn.includes("digdag-runner:index:RunnerCluster");
const ofCluster = (plan: Plan) => plan.resources.filter(isOfCluster);

describe("a cluster of the stack's own", () => {
  let plan: Plan;
  before(async () => {
    // What mocks answer before a cluster is there and after it was made.
    plan = await make({}, {}, after);
  });

  it("is one component beside the runners, with everything under it", () => {
    const top = plan.resources.filter(({ parent }) => parent.includes("pulumi:pulumi:Stack::"));
    assert.deepEqual(top.map(({ type }) => type).sort(), [
      "digdag-runner:index:DigdagRunner",
      "digdag-runner:index:RunnerCluster",
      "pulumi:providers:kubernetes",
    ]);
    const names = new Map(plan.resources.map(({ urn, name }) => [urn, name]));
    const own = ofCluster(plan);
    assert.equal(own.length, 11);
    for (const { name, parent } of own)
      if (names.has(parent)) assert.ok(name.startsWith(`${names.get(parent)}-`), name);
  });

  it("is protected with all of its parts but who administers it, in every environment", async () => {
    for (const stack of ["stg", "prd", "local"]) {
      const tags = awsTags({ ...owner, environment: stack });
      const own = ofCluster(await make({}, { stack }, { clusters: { new: { tags } } }));
      const admitted = own.filter(({ type }) => /:Access(Entry|PolicyAssociation)$/.test(type));
      assert.equal(admitted.length, 2);
      // Whoever is removed from the administrators must lose the cluster.
      for (const part of own) assert.equal(part.protect, !admitted.includes(part), part.name);
    }
    const others = plan.resources.filter((resource) => !isOfCluster(resource));
    for (const { name, protect } of others) assert.ok(!protect, name);
  });

  it("has an API that its VPC and the named ranges reach, and nobody else", async () => {
    const { inputs } = plan.only("eks:index:Cluster");
    assert.deepEqual(
      [inputs.endpointPrivateAccess, inputs.endpointPublicAccess, inputs.publicAccessCidrs],
      [true, true, ["203.0.113.0/24"]],
    );
    const closed = {
      "digdag-runner:clusterPublicAccessCidrs": "",
      "digdag-runner:clusterPrivateEndpoint": "true",
    };
    const { inputs: ownVpc } = (await make(closed, {}, after)).only("eks:index:Cluster");
    assert.deepEqual(
      [ownVpc.endpointPrivateAccess, ownVpc.endpointPublicAccess, ownVpc.publicAccessCidrs],
      [true, false, undefined],
    );
  });

  it("is nowhere but in the private subnets", () => {
    const { inputs: control } = plan.only("eks:index:Cluster");
    assert.deepEqual(control.privateSubnetIds, subnetIds);
    assert.deepEqual(
      [control.vpcId, control.publicSubnetIds, control.subnetIds],
      ["vpc-1", undefined, undefined],
    );
    assert.deepEqual(plan.only("NodeGroup").inputs.subnetIds, subnetIds);
    assert.ok(!JSON.stringify(ofCluster(plan)).includes("0.0.0.0/0"));
  });

  it("admits by IAM alone: no aws-auth ConfigMap, and a named role administers it", () => {
    assert.equal(plan.only("eks:index:Cluster").inputs.authenticationMode, "API");
    const { inputs: entry, urn, name } = plan.only("AccessEntry");
    assert.equal(name, "runner-cluster-admin-123456789012-role-team-admin");
    assert.deepEqual([entry.clusterName, entry.principalArn], ["new", admin]);
    const { inputs: association, dependencies } = plan.only("AccessPolicyAssociation");
    assert.deepEqual(association, {
      clusterName: "new",
      principalArn: admin,
      policyArn: "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy",
      accessScope: { type: "cluster" },
    });
    assert.ok(dependencies.includes(urn));
  });

  it("gives network policies an effect, and logs what its control plane does", () => {
    const { inputs } = plan.only("eks:index:Cluster");
    assert.equal(inputs.useDefaultVpcCni, false);
    assert.equal(inputs.vpcCniOptions.enableNetworkPolicy, true);
    for (const log of ["api", "audit", "authenticator"])
      assert.ok(inputs.enabledClusterLogTypes.includes(log));
  });

  it("has nodes whose metadata no Pod reaches, and whose disks are encrypted", () => {
    const { metadataOptions, blockDeviceMappings } = plan.only("LaunchTemplate").inputs;
    assert.equal(metadataOptions.httpTokens, "required");
    assert.equal(metadataOptions.httpPutResponseHopLimit, 1);
    for (const { ebs } of blockDeviceMappings) assert.equal(ebs.encrypted, "true");
    const { launchTemplate } = plan.only("NodeGroup").inputs;
    assert.equal(launchTemplate.id, `${plan.only("LaunchTemplate").name}-id`);
  });

  it("has as many nodes as are asked for, for the platform of the image", async () => {
    const { inputs } = plan.only("NodeGroup");
    assert.deepEqual(inputs.scalingConfig, { minSize: 2, desiredSize: 2, maxSize: 2 });
    assert.deepEqual([inputs.amiType, inputs.instanceTypes], ["AL2023_x86_64_STANDARD", ["t3.large"]]);
    const other = await make(
      { "digdag-runner:platform": "linux/arm64", "digdag-runner:clusterNodes": "5" },
      {},
      after,
    );
    const arm = other.only("NodeGroup").inputs;
    assert.deepEqual([arm.amiType, arm.instanceTypes], ["AL2023_ARM_64_STANDARD", ["t4g.large"]]);
    assert.equal(arm.scalingConfig.desiredSize, 5);
  });

  it("has the Pod Identity agent", () => {
    const { inputs } = plan.only("Addon");
    assert.deepEqual([inputs.clusterName, inputs.addonName], ["new", "eks-pod-identity-agent"]);
  });

  it("has the stack's tags on everything that takes tags", () => {
    for (const type of ["eks:index:Cluster", "Role", "LaunchTemplate", "NodeGroup", "Addon", "AccessEntry"])
      assert.deepEqual(plan.only(type).inputs.tags, awsTags(owner), type);
    const { tagSpecifications } = plan.only("LaunchTemplate").inputs;
    for (const { tags } of tagSpecifications) assert.deepEqual(tags, awsTags(owner));
  });

  it("has the ARNs of its partition", async () => {
    const own = ofCluster(await make({ "aws:region": "cn-north-1" }, {}, after));
    const policies = own.flatMap(({ inputs }) => inputs.policyArn ?? []);
    assert.equal(policies.length, 4);
    for (const arn of policies) assert.match(arn, /^arn:aws-cn:(iam::aws:policy|eks::aws:cluster-access)/);
  });

  it("makes nodes only once the network plugin is there and their role may use it", () => {
    const { dependencies } = plan.only("NodeGroup");
    for (const { urn } of plan.ofType("RolePolicyAttachment")) assert.ok(dependencies.includes(urn));
    assert.ok(dependencies.includes(plan.only("eks:index:Cluster").urn));
  });

  it("is reached without a credential of its own, and only once its nodes are there", () => {
    const provider = plan.only("pulumi:providers:kubernetes");
    const { users, clusters } = JSON.parse(provider.inputs.kubeconfig);
    assert.deepEqual(Object.keys(users[0].user), ["exec"]);
    assert.equal(users[0].user.exec.args[3], "new");
    assert.equal(clusters[0].cluster.server, "https://cluster.example.com");
    for (const type of ["NodeGroup", "Addon"]) assert.ok(provider.dependencies.includes(plan.only(type).urn));
  });

  it("sends the runners to itself, and changes nothing else of them", async () => {
    const existing = await deploy(account({ clusters: { new: {} } }), {
      config: { "digdag-runner:clusterName": "new" },
    });
    const runners = ({ resources }: Plan) =>
      resources.filter((one) => !isOfCluster(one)).map(({ urn, raw, provider }) => ({ urn, raw, provider }));
    const sorted = (of: Plan) => runners(of).sort((a, b) => a.urn.localeCompare(b.urn));
    assert.deepEqual(sorted(plan), sorted(existing));
  });

  it("admits its own security group to an internal ALB", async () => {
    const internal = {
      loadBalancers: { "digdag-stg": loadBalancer("digdag-stg", { internal: true }) },
    };
    const config = { "digdag-runner:access": "securityGroup" };
    const made = await make(config, {}, { ...after, ...internal });
    assert.equal(made.only("SecurityGroupIngressRule").inputs.referencedSecurityGroupId, "sg-0000000c");
    assert.equal(made.outputs.allowedSecurityGroupId, "sg-0000000c");
    // Before the cluster is there no rule can be named after its group.
    const first = await make(config, { preview: true }, internal);
    assert.deepEqual(first.ofType("SecurityGroupIngressRule"), []);
  });

  describe("in a preview before it is there", () => {
    let preview: Plan;
    before(async () => {
      preview = await make({}, { preview: true });
    });

    it("is planned as a whole, and asks AWS for nothing that is not there yet", () => {
      const urns = (of: Plan) => of.resources.map(({ urn }) => urn).sort();
      assert.deepEqual(urns(preview), urns(plan));
      assert.ok(!preview.calls.some(({ token }) => token === "aws:eks/getCluster:getCluster"));
      assert.ok(isUnknown(preview.only("pulumi:providers:kubernetes").raw.kubeconfig));
    });

    it("opens Digdag to the NAT gateways of its VPC", () => {
      const ranges = preview.ofType("SecurityGroupIngressRule").map(({ inputs }) => inputs.cidrIpv4);
      assert.deepEqual(ranges.sort(), ["198.51.100.1/32", "198.51.100.2/32"]);
    });
  });

  describe("with Auto Mode", () => {
    const auto = { "digdag-runner:clusterAutoMode": "true" };

    it("leaves the nodes to EKS", async () => {
      const own = ofCluster(await make(auto, {}, after)).map(({ type }) => type.split(":").at(-1));
      assert.deepEqual(own.sort(), [
        "AccessEntry",
        "AccessPolicyAssociation",
        "Cluster",
        "ConfigMap",
        "RunnerCluster",
        "kubernetes",
      ]);
      const { inputs } = (await make(auto, {}, after)).only("eks:index:Cluster");
      assert.equal(inputs.autoMode.enabled, true);
      assert.equal(inputs.vpcCniOptions, undefined);
    });

    it("gives network policies an effect before any runner is there", async () => {
      const made = await make(auto, {}, after);
      const config = made.only("ConfigMap");
      assert.deepEqual(config.inputs.data, { "enable-network-policy-controller": "true" });
      assert.deepEqual(
        [config.inputs.metadata.namespace, config.inputs.metadata.name],
        ["kube-system", "amazon-vpc-cni"],
      );
      const provider = made.resources.find(({ name }) => name === "cluster");
      assert.ok(provider?.dependencies.includes(config.urn));
    });
  });
});

describe("without createCluster", () => {
  it("no cluster is made, nor anything of one, whatever else is configured", async () => {
    const registered = new Set<string>();
    const some = (value: string) => fc.option(fc.constant(value), { nil: "" });
    const key = (name: string) => `digdag-runner:${name}`;
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          [key("createCluster")]: fc.constantFrom("", "false"),
          [key("podPerJob")]: fc.constantFrom("true", "false"),
          [key("platform")]: fc.constantFrom("linux/amd64", "linux/arm64"),
          [key("natAddresses")]: some('["203.0.113.7"]'),
          [key("replicas")]: fc.integer({ min: 1, max: 50 }).map(String),
          [key("securityGroupId")]: some("sg-00000001"),
          [key("namespace")]: some("runners"),
        }),
        fc.constantFrom("stg", "prd", "local"),
        fc.boolean(),
        async (config, stack, preview) => {
          const { resources } = await deploy(account(), { config, stack, preview });
          for (const { type } of resources) registered.add(type);
        },
      ),
      { numRuns: 8 },
    );
    const made = [...registered].filter((type) => /^eks:|^aws:(eks|iam|ec2)\/|RunnerCluster/.test(type));
    assert.deepEqual(made, []);
    assert.ok(registered.has("kubernetes:apps/v1:Deployment"));
  });
});
