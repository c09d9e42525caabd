import assert from "node:assert/strict";
import { BlockList, isIPv6 } from "node:net";
import { networkPolicySpec } from "../../../components/manifests";

interface Block {
  cidr: string;
  except: string[];
}

describe("the network policy", () => {
  const policy = networkPolicySpec("stg", ["https://digdag.example.com:8443", "https://api.github.com"]);

  it("lets in those who ask for health and metrics, and nobody else", () => {
    assert.deepEqual(policy.policyTypes, ["Ingress", "Egress"]);
    assert.deepEqual(policy.ingress, [{ ports: [{ protocol: "TCP", port: 8080 }] }]);
  });

  it("lets runners out to DNS and to the ports they need, but not to link-local addresses", () => {
    const tcp = (port: number) => ({ protocol: "TCP", port });
    assert.deepEqual(policy.egress, [
      { ports: [{ protocol: "UDP", port: 53 }, tcp(53)] },
      {
        to: [{ ipBlock: { cidr: "0.0.0.0/0", except: ["169.254.0.0/16"] } }],
        ports: [tcp(443), tcp(8443)],
      },
    ]);
  });

  /** What a network plug-in makes of the rules. */
  const reaches = (address: string, port: number) =>
    policy.egress.some(({ to, ports }: { to?: { ipBlock: Block }[]; ports: { port: number }[] }) => {
      const holds = (range: string) => {
        const [network = "", prefix] = range.split("/");
        const list = new BlockList();
        list.addSubnet(network, Number(prefix), isIPv6(network) ? "ipv6" : "ipv4");
        return list.check(address, isIPv6(address) ? "ipv6" : "ipv4");
      };
      const within = ({ ipBlock }: { ipBlock: Block }) =>
        holds(ipBlock.cidr) && !ipBlock.except.some((range) => holds(range));
      return ports.some((one) => one.port === port) && (to === undefined || to.some(within));
    });

  for (const [what, ...addresses] of [
    ["instance metadata", "169.254.169.254", "fd00:ec2::254"],
    ["the Pod Identity agent", "169.254.170.23", "fd00:ec2::23"],
    ["the agent of ECS", "169.254.170.2"],
  ] as const)
    it(`keeps runners from ${what}`, () => {
      for (const address of addresses)
        for (const port of [80, 443, 8443]) assert.ok(!reaches(address, port), `${address}:${port}`);
    });

  for (const [what, address, port] of [
    ["GitHub", "140.82.112.3", 443],
    ["Digdag", "198.51.100.7", 8443],
    ["the cluster's DNS", "10.100.0.10", 53],
    ["a DNS cache of the node", "169.254.20.10", 53],
    ["the API server, for podPerJob", "10.100.0.1", 443],
  ] as const)
    it(`lets runners reach ${what}`, () => assert.ok(reaches(address, port)));

  it("keeps runners from other ports", () => {
    for (const port of [22, 25, 80, 5432, 10250]) assert.ok(!reaches("10.0.0.1", port), String(port));
  });

  it("lets runners out to the port of a proxy, also where that is the usual one of its scheme", () => {
    const portsFor = (url: string) =>
      networkPolicySpec("stg", [url]).egress[1]?.ports.map(({ port }) => port);
    assert.deepEqual(portsFor("http://proxy.example.com:3128"), [443, 3128]);
    assert.deepEqual(portsFor("http://proxy.example.com:80"), [80, 443]);
  });
});
