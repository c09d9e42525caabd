import "../shared/ignoreInspectorSignal";
import { backoffSeconds, sleepSeconds } from "../shared/backoff";
import { createLog, messageOf } from "../shared/log";
import { Broker } from "./broker";
import { connectGitHub } from "./connectGitHub";
import { probeDigdag } from "./digdagProbe";
import { DigdagWatch } from "./digdagWatch";
import { EgressAddress } from "./egressAddress";
import { serveHealth } from "./httpServer";
import { LeaseServer } from "./leaseServer";
import { LeaseStateFile } from "./leaseState";
import { Metrics } from "./metrics";
import { deleteOwnPod } from "./ownPod";
import { Readiness } from "./readiness";
import { RunnerVersion } from "./runnerVersion";
import { readBrokerSettings } from "./settings";
import { warnOfTokenExpiry } from "./tokenExpiry";

const SHUTDOWN_LIMIT_SECONDS = 10;

async function main(): Promise<void> {
  const settings = readBrokerSettings(process.env);
  const { ownPod } = settings;
  const metrics = new Metrics();
  const readiness = new Readiness(settings.pollSeconds);
  const state = new LeaseStateFile(settings.stateDirectory);
  const lease = new LeaseServer(settings.leaseSocket, settings.takeoverSeconds, state, log);
  const github = await connectGitHub(settings, warnOfTokenExpiry(metrics, log), log);
  const egress = new EgressAddress(settings.egressAddressUrl);
  const digdag = new DigdagWatch({
    settings,
    readiness,
    metrics,
    log,
    probe: () => probeDigdag(settings.digdagEndpoint),
    egressAddress: () => egress.describe(),
  });
  const version = new RunnerVersion({
    runnerSource: settings.runnerSource,
    newestVersion: () => github.newestVersion(),
    metrics,
    log,
  });
  const broker = new Broker({
    settings,
    github,
    lease,
    state,
    readiness,
    metrics,
    log,
    digdag,
    version: (seen) => version.seen(seen),
    deletePod: ownPod && (() => deleteOwnPod(ownPod)),
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

  await Promise.all([sweepAgainAndAgain(broker, settings.sweepSeconds), version.follow()]);
}

async function sweepAgainAndAgain(broker: Broker, intervalSeconds: number): Promise<never> {
  for (;;) {
    await broker.sweep();
    // A random part of the interval keeps the Pods of a pool from sweeping all at once.
    await sleepSeconds(backoffSeconds(1, intervalSeconds, intervalSeconds));
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
