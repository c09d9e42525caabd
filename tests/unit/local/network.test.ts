import assert from "node:assert/strict";
import { isIPv4 } from "node:net";
import { bridge, reachingBridge, serverAddresses, serviceRange } from "../../../local/network/addresses";
import { overlaps } from "../../../local/network/bridge";
import { dnsmasqArguments } from "../../../local/network/dns";

const lastNumber = (address: string) => Number(address.split(".")[3]);

describe("local network", () => {
  it("gives no Pod an address of the host or of a server", () => {
    const fixed = [bridge.address, ...Object.values(serverAddresses)];
    assert.ok(fixed.every(isIPv4));
    assert.equal(new Set(fixed).size, fixed.length);
    assert.ok(fixed.every((address) => lastNumber(address) < lastNumber(bridge.podRange.first)));
  });

  it("reaches the API server at the first address of the Services, which are nobody else's", () => {
    const [network, length] = serviceRange.split("/") as [string, string];
    const first = lastNumber(network);
    const last = first + 2 ** (32 - Number(length)) - 1;
    assert.equal(lastNumber(serverAddresses.kubernetes), first + 1);
    const { kubernetes: _, ...others } = serverAddresses;
    for (const address of [bridge.address, ...Object.values(others), bridge.podRange.first])
      assert.ok(lastNumber(address) < first || lastNumber(address) > last, address);
  });

  it("is reached directly, beside what else the machine reaches without its proxy", () => {
    assert.equal(
      reachingBridge({ no_proxy: "a.example.com" }).NO_PROXY,
      "a.example.com,127.0.0.1,10.88.0.0/24",
    );
    const { https_proxy, NO_PROXY, no_proxy } = reachingBridge({ https_proxy: "http://proxy:3128" });
    assert.deepEqual([https_proxy, NO_PROXY], ["http://proxy:3128", "127.0.0.1,10.88.0.0/24"]);
    assert.equal(no_proxy, NO_PROXY);
  });

  it("tells networks that share an address from those that do not", () => {
    const cases: [string, string, boolean][] = [
      ["10.88.0.0/24", "10.88.0.0/16", true],
      ["10.0.0.0/8", "10.88.0.0/24", true],
      ["10.88.0.7", "10.88.0.0/24", true],
      ["10.88.1.0/24", "10.88.0.0/24", false],
      ["10.87.255.255", "10.88.0.0/24", false],
      ["default", "10.88.0.0/24", false],
    ];
    for (const [one, other, expected] of cases) {
      assert.equal(overlaps(one, other), expected, `${one} and ${other}`);
      assert.equal(overlaps(other, one), expected, `${other} and ${one}`);
    }
  });

  it("asks no other DNS server, reads no file of the machine and listens on the bridge alone", () => {
    const args = dnsmasqArguments({ "api.github.com": "10.88.0.2" });
    for (const flag of [
      "--no-resolv",
      "--no-hosts",
      "--conf-file=/dev/null",
      "--bind-interfaces",
      "--local=/#/",
    ]) {
      assert.ok(args.includes(flag), flag);
    }
    assert.deepEqual(
      args.filter((arg) => arg.startsWith("--listen-address")),
      ["--listen-address=10.88.0.1"],
    );
  });

  it("starts DNS with the same command for the same names in another order", () => {
    const one = dnsmasqArguments({ "a.example.com": "10.88.0.3", "b.example.com": "10.88.0.4" });
    const other = dnsmasqArguments({ "b.example.com": "10.88.0.4", "a.example.com": "10.88.0.3" });
    assert.deepEqual(one, other);
    assert.ok(one.includes("--host-record=b.example.com,10.88.0.4"));
  });
});
