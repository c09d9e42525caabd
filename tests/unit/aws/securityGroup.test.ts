import assert from "node:assert/strict";
import { admits, chainRules, natAddressOf } from "../../../local/aws/securityGroup";

const NAT = ["203.0.113.10", "198.51.100.20"];
const rule = (CidrIpv4: string, port = 443, IpProtocol = "tcp") => ({
  CidrIpv4,
  IpProtocol,
  FromPort: port,
  ToPort: port,
});

describe("an emulated security group", () => {
  it("admits an address of its range on its port", () => {
    assert.ok(admits([rule("203.0.113.10/32")], "203.0.113.10", 443));
    assert.ok(admits([rule("203.0.113.0/24")], "203.0.113.10", 443));
    assert.ok(admits([rule("0.0.0.0/0", -1, "-1")], "203.0.113.10", 443));
  });

  it("refuses another address, port or protocol", () => {
    assert.ok(!admits([], "203.0.113.10", 443));
    assert.ok(!admits([rule("203.0.113.11/32")], "203.0.113.10", 443));
    assert.ok(!admits([rule("203.0.113.10/32", 80)], "203.0.113.10", 443));
    assert.ok(!admits([rule("203.0.113.10/32", 443, "udp")], "203.0.113.10", 443));
    assert.ok(!admits([{ IpProtocol: "tcp", FromPort: 443, ToPort: 443 }], "203.0.113.10", 443));
  });

  it("sees the NAT gateway of a Pod: A for an even address, B for an odd one", () => {
    assert.equal(natAddressOf("10.88.0.64", NAT), NAT[0]);
    assert.equal(natAddressOf("10.88.0.65", NAT), NAT[1]);
    assert.equal(natAddressOf("10.88.0.65", NAT.slice(0, 1)), NAT[0]);
    assert.equal(natAddressOf("10.88.0.65", []), undefined);
  });
});

describe("the firewall chain", () => {
  const chain = (rules: ReturnType<typeof rule>[], addresses = NAT) =>
    chainRules("ALB", [{ address: "10.88.0.3", port: 443, rules }], addresses).split("\n");

  it("replaces the whole chain in one transaction", () => {
    const lines = chain([]);
    assert.deepEqual(lines.slice(0, 2), ["*filter", ":ALB - [0:0]"]);
    assert.deepEqual(lines.slice(-2), ["COMMIT", ""]);
  });

  it("drops everything where no rule admits anyone", () => {
    assert.deepEqual(chain([]).slice(2, -2), ["-A ALB -d 10.88.0.3/32 -j DROP"]);
  });

  it("accepts only the Pods behind the admitted NAT gateway, and drops the others last", () => {
    assert.deepEqual(chain([rule("198.51.100.20/32")]).slice(2, -2), [
      "-A ALB -s 0.0.0.1/0.0.0.1 -d 10.88.0.3/32 -p tcp --dport 443 -j ACCEPT",
      "-A ALB -d 10.88.0.3/32 -j DROP",
    ]);
  });

  it("lets every Pod use the only NAT gateway", () => {
    assert.deepEqual(chain([rule("203.0.113.10/32")], NAT.slice(0, 1)).slice(2, -2), [
      "-A ALB -s 0.0.0.0/0 -d 10.88.0.3/32 -p tcp --dport 443 -j ACCEPT",
      "-A ALB -d 10.88.0.3/32 -j DROP",
    ]);
  });
});
