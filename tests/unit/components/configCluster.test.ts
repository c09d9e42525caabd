import assert from "node:assert/strict";
import fc from "fast-check";
import { publicRangeProblem } from "../../../components/addresses";
import { validate } from "../../../components/configValidation";
import { missingOf, upgradeProblem } from "../../../components/kubernetesVersion";
import { isOlder } from "../../../components/versions";
import { type Changes, mended, onlyProblem, problemsOf, raw, valid } from "./configFixture";

const subnets = ["subnet-0000000a", "subnet-0000000b"];
const admin = "arn:aws:iam::123456789012:role/admin";
const created = {
  createCluster: true,
  clusterSubnetIds: subnets,
  clusterPublicAccessCidrs: ["203.0.113.0/24"],
};

describe("the configuration of a new cluster", () => {
  it("is off by default: the cluster exists", () => {
    assert.equal(valid().newCluster, undefined);
  });

  it("is complete with subnets and who reaches the Kubernetes API", () => {
    assert.deepEqual(valid(created).newCluster, {
      subnetIds: subnets,
      version: undefined,
      adminRoleArns: [],
      publicAccessCidrs: ["203.0.113.0/24"],
      autoMode: false,
      instanceType: "t3.large",
      nodes: 2,
    });
    assert.equal(valid({ ...created, platform: "linux/arm64" }).newCluster?.instanceType, "t4g.large");
  });

  it("names every subnet, role and range once", () => {
    const twice = (values: string[]) => [...values, ...values];
    const config = valid({
      ...created,
      clusterSubnetIds: twice(subnets),
      clusterAdminRoleArns: twice([admin]),
      clusterPublicAccessCidrs: twice(["203.0.113.0/24"]),
    });
    assert.deepEqual(config.newCluster?.subnetIds, subnets);
    assert.deepEqual(config.newCluster?.adminRoleArns, [admin]);
    assert.deepEqual(config.newCluster?.publicAccessCidrs, ["203.0.113.0/24"]);
  });

  it("has a private API, and then no range", () => {
    const config = valid({ ...created, clusterPublicAccessCidrs: [], clusterPrivateEndpoint: true });
    assert.deepEqual(config.newCluster?.publicAccessCidrs, []);
  });

  for (const [key, value] of Object.entries({
    clusterSubnetIds: subnets,
    clusterVersion: "1.34",
    clusterAdminRoleArns: [admin],
    clusterPrivateEndpoint: true,
    clusterPublicAccessCidrs: ["203.0.113.0/24"],
    clusterAutoMode: true,
    clusterInstanceType: "m7i.large",
    clusterNodes: 3,
  })) {
    it(`is refused by name for ${key} without createCluster, which alone makes one`, () => {
      const problem = onlyProblem({ [key]: value });
      assert.equal(problem.key, key);
      assert.match(problem.reason, /means nothing while createCluster is false/);
      assert.equal(problem.command, `pulumi config rm --stack stg ${key}`);
    });
  }

  const mendable: [string, Changes, RegExp][] = [
    ["no range and no private API", { ...created, clusterPublicAccessCidrs: [] }, /name the ranges/],
    ["one subnet", { ...created, clusterSubnetIds: [subnets[0]] }, /at least two private subnets/],
    ["the same subnet twice", { ...created, clusterSubnetIds: [subnets[0], subnets[0]] }, /only one/],
    ["ranges beside a private API", { ...created, clusterPrivateEndpoint: true }, /means nothing while/],
    [
      "a role of another account",
      { ...created, clusterAdminRoleArns: [admin, admin.replace("123456789012", "210987654321")] },
      /a role of account 210987654321, but aws:allowedAccountIds has 123456789012/,
    ],
    [
      "an instance type for Auto Mode",
      { ...created, clusterAutoMode: true, clusterInstanceType: "m7i.large" },
      /means nothing while clusterAutoMode is true/,
    ],
    ["a number of nodes for Auto Mode", { ...created, clusterAutoMode: true, clusterNodes: 3 }, /is true/],
    [
      "Arm nodes for Auto Mode",
      { ...created, clusterAutoMode: true, platform: "linux/arm64" },
      /are linux\/amd64/,
    ],
    ["Kubernetes 1.28", { ...created, clusterVersion: "1.28" }, /must be 1\.29 or later/],
    [
      "Kubernetes 1.29 with podPerJob",
      { ...created, clusterVersion: "1.29", podPerJob: true },
      /must be 1\.30 or later, because podPerJob/,
    ],
  ];
  for (const [what, changes, reason] of mendable) {
    it(`is refused with ${what}, and says what mends it`, () => {
      const problem = onlyProblem(changes);
      assert.match(problem.reason, reason);
      valid({ ...changes, ...mended(problem.command, changes) });
    });
  }

  it("is refused without any subnet, by the first that is missing", () => {
    assert.match(onlyProblem({ ...created, clusterSubnetIds: [] }).command, /clusterSubnetIds\[0\]/);
  });

  const wrong: Record<string, unknown[]> = {
    clusterSubnetIds: ["subnet-1", "private-a", "", "vpc-0000000a"],
    clusterVersion: ["1", "1.9.2", "v1.35", "latest", "1.035"],
    clusterAdminRoleArns: [
      "admin",
      admin.replace("role", "user"),
      "arn:aws:sts::123456789012:assumed-role/admin/me",
      "arn:aws:iam::123456789012:role/",
      "*",
    ],
    clusterPublicAccessCidrs: [
      "0.0.0.0/0",
      "0.0.0.0/1",
      "203.0.0.0/15",
      "10.0.0.0/16",
      "203.0.113.1",
      "::/0",
      "",
      "203.0.113.0/033",
    ],
    clusterInstanceType: ["large", "t3", "T3.large", "t3.large "],
    clusterNodes: [0, 1, 21, -1],
  };
  for (const [key, values] of Object.entries(wrong)) {
    for (const value of values) {
      it(`refuses ${JSON.stringify(value)} in ${key}`, () => {
        const isList = Array.isArray((created as Changes)[key]) || key === "clusterAdminRoleArns";
        const [kept = []] = [(created as Changes)[key] as string[] | undefined];
        const problems = problemsOf({ ...created, [key]: isList ? [...kept, value] : value });
        const path = isList ? `${key}[${kept.length}]` : key;
        assert.deepEqual(
          problems.map((problem) => problem.key),
          [path],
        );
        assert.match(problems[0]?.reason ?? "", /must be|would open|is not public/);
      });
    }
  }

  it("never opens the Kubernetes API to more than a /16, whatever its address", () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.integer({ min: 0, max: 15 }), (address, prefix) => {
        assert.notEqual(publicRangeProblem(`${address}/${prefix}`), undefined);
      }),
    );
  });

  it("makes a cluster exactly where createCluster says so, whatever else is set", () => {
    const some = <T>(value: T) => fc.option(fc.constant(value), { nil: undefined });
    fc.assert(
      fc.property(
        fc.record({
          createCluster: fc.constantFrom(undefined, true, false),
          clusterSubnetIds: some(subnets),
          clusterPrivateEndpoint: some(true),
          clusterPublicAccessCidrs: some(["203.0.113.0/24"]),
          clusterAutoMode: some(true),
          clusterNodes: some(3),
          podPerJob: some(true),
        }),
        (changes) => {
          const { config } = validate(raw(changes));
          if (config) assert.equal(config.newCluster !== undefined, changes.createCluster === true);
        },
      ),
    );
  });
});

describe("the version of Kubernetes", () => {
  it("is compared by number", () => {
    assert.ok(isOlder("1.9", "1.29"));
    assert.ok(isOlder("1.29", "1.30"));
    assert.ok(!isOlder("1.100", "1.30"));
    assert.ok(!isOlder("1.30", "1.30"));
  });

  it("must have native sidecars, and with podPerJob also its admission policy", () => {
    assert.equal(missingOf("1.28", { podPerJob: false })?.oldest, "1.29");
    assert.equal(missingOf("1.28", { podPerJob: true })?.oldest, "1.29");
    assert.equal(missingOf("1.29", { podPerJob: false }), undefined);
    assert.equal(missingOf("1.29", { podPerJob: true })?.oldest, "1.30");
    assert.equal(missingOf("1.30", { podPerJob: true }), undefined);
  });

  it("goes forward, one minor version at a time", () => {
    assert.equal(upgradeProblem("1.35", "1.35"), undefined);
    assert.equal(upgradeProblem("1.35", "1.36"), undefined);
    assert.match(upgradeProblem("1.35", "1.37") ?? "", /one minor version at a time: 1\.36 is next/);
    assert.match(upgradeProblem("1.36", "1.35") ?? "", /no cluster back/);
  });

  it("is not judged where it is not known", () => {
    assert.equal(upgradeProblem("", "1.35"), undefined);
    for (const version of ["", "unknown"]) assert.equal(missingOf(version, { podPerJob: true }), undefined);
  });
});
