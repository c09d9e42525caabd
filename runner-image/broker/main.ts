import "../shared/ignoreInspectorSignal";
import { backoffSeconds, sleepSeconds } from "../shared/backoff";
import { createLog, messageOf } from "../shared/log";
import { Broker } from "./broker";
import { connectGitHub } from "./connectGitHub";
import { probeDigdag } from "./digdagProbe";
import { EgressAddress } from "./egressAddress";
import { serveHealth } from "./httpServer";
import { LeaseServer } from "./leaseServer";
import { LeaseStateFile } from "./leaseState";
import { Metrics } from "./metrics";
import { Readiness } from "./readiness";
import { readBrokerSettings } from "./settings";

const SHUTDOWN_LIMIT_SECONDS = 10;

async function main(): Promise<void> {
  const settings = readBrokerSettings(process.env);
  const metrics = new Metrics();
  const readiness = new Readiness(settings.pollSeconds);
  const state = new LeaseStateFile(settings.stateDirectory);
  const lease = new LeaseServer(settings.leaseSocket, settings.takeoverSeconds, state, log);
  const github = await connectGitHub(settings, metrics, log);
  const egress = new EgressAddress(settings.egressAddressUrl);
  const broker = new Broker({
    settings,
    github,
    lease,
    state,
    readiness,
    metrics,
    log,
    probe: () => probeDigdag(settings.digdagEndpoint),
    egressAddress: () => egress.describe(),
  });
  await serveHealth(settings.httpPort, () => readiness.report(), metrics.registry);
  await lease.listen();
  log.info(
    { githubApiUrl: settings.githubApiUrl, labels: settings.labels },
    "the broker waits for its supervisor",
  );

  process.once("SIGTERM", () => {
    log.info("SIGTERM: the broker stops");
    void broker.shutdown(SHUTDOWN_LIMIT_SECONDS).finally(() => process.exit(0));
  });

  for (;;) {
    await broker.sweep();
    // A random part of the interval keeps the Pods of a pool from sweeping all at once.
    await sleepSeconds(backoffSeconds(1, settings.sweepSeconds, settings.sweepSeconds));
  }
}

const log = createLog("broker");
process.on("uncaughtException", (error) => {
  log.fatal(messageOf(error));
  process.exit(1);
});
main().catch((error) => {
  log.fatal(messageOf(error));
  process.exit(1);
});
