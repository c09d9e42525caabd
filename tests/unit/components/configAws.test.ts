import assert from "node:assert/strict";
import fc from "fast-check";
import { type Changes, mended, onlyProblem, problemsOf, valid } from "./configFixture";

const albArn = (region: string, account: string) =>
  `arn:aws:elasticloadbalancing:${region}:${account}:loadbalancer/app/digdag/50dc6c495c0c9188`;
const parameterArn = (region: string, account: string) =>
  `arn:aws:ssm:${region}:${account}:parameter/digdag-runner/stg/github-token`;

/** The stack's own, as `configFixture.ts` has them. */
const region = "ap-northeast-1";
const account = "123456789012";

describe("an ARN in the configuration", () => {
  it("may be of the stack's own region and account", () => {
    valid({ loadBalancerName: albArn(region, account), githubTokenParameter: parameterArn(region, account) });
    const accounts = { "aws:allowedAccountIds": ["210987654321", account] };
    valid({ ...accounts, loadBalancerName: albArn(region, account) });
  });

  it("is refused when it is of another region, with both regions and the key that may be wrong instead", () => {
    for (const changes of [
      { loadBalancerName: albArn("us-east-1", account) },
      { githubTokenParameter: parameterArn("us-east-1", account) },
    ]) {
      const { key, reason } = onlyProblem(changes);
      assert.equal(key, Object.keys(changes)[0]);
      assert.match(reason, /it is in us-east-1, and the stack in ap-northeast-1 \(aws:region\)$/);
    }
    const app = { githubTokenParameter: undefined, githubAppId: "123456" };
    const githubAppParameter = parameterArn("us-east-1", account);
    assert.equal(onlyProblem({ ...app, githubAppParameter }).key, "githubAppParameter");
  });

  it("is refused when the ALB is of another account, which a parameter may be of, since SSM shares them", () => {
    const { key, reason } = onlyProblem({ loadBalancerName: albArn(region, "210987654321") });
    assert.equal(key, "loadBalancerName");
    assert.match(
      reason,
      /belongs to account 210987654321, and the stack to 123456789012 \(aws:allowedAccountIds\)$/,
    );
    valid({ githubTokenParameter: parameterArn(region, "210987654321") });
  });

  it("is mended by the command that comes with the problem", () => {
    const before: Changes = { loadBalancerName: albArn("us-east-1", "210987654321") };
    const changes = mended(onlyProblem(before).command);
    assert.deepEqual(changes, { loadBalancerName: albArn(region, account) });
    valid({ ...before, ...changes });
  });

  it("of no region or account but the stack's own is ever taken", () => {
    const regions = fc.constantFrom("ap-northeast-1", "us-east-1", "eu-central-1");
    const accounts = fc.constantFrom(account, "210987654321");
    fc.assert(
      fc.property(regions, accounts, regions, (arnRegion, arnAccount, stackRegion) => {
        const changes = { "aws:region": stackRegion, loadBalancerName: albArn(arnRegion, arnAccount) };
        if (arnRegion === stackRegion && arnAccount === account) valid(changes);
        else assert.equal(problemsOf(changes).length, 1);
      }),
    );
  });

  it("does not hide that region or accounts are wrong themselves", () => {
    const changes = { loadBalancerName: albArn(region, account) };
    assert.equal(onlyProblem({ ...changes, "aws:region": "tokyo" }).key, "aws:region");
    for (const wrong of ["none", "[1]", `["${account}", 5]`])
      assert.equal(onlyProblem({ ...changes, "aws:allowedAccountIds": wrong }).key, "aws:allowedAccountIds");
  });
});
