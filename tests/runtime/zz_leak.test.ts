import { readFileSync } from "node:fs";
import { BrokerFixture } from "/work/main/tests/runtime/support/brokerFixture";

describe("leak", function () {
  this.timeout(600_000);
  it("loop", async () => {
    const pod = new BrokerFixture();
    await pod.open();
    await pod.world.startBroker();
    const probe = await pod.ready();
    const pid = pod.world.broker.child.pid;
    for (let n = 0; n < 1500; n++) {
      const { runnerId } = await probe.message("jit", 60000);
      probe.send({ type: "job", runnerId, event: "started", name: "x" });
      pod.world.github.removeRunner(runnerId);
      probe.send({ type: "ended", runnerId, exitCode: 0, signal: null });
      probe.send({ type: "ready" });
      if (n % 150 === 0)
        console.log(
          n,
          /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1],
          /nodejs_heap_size_used_bytes (\d+)/.exec(await pod.world.metrics())?.[1],
        );
    }
    await pod.close();
  });
});
