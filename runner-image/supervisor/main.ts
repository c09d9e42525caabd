import "../shared/ignoreInspectorSignal";
import { lightBeacon } from "../shared/beacon";
import { createLog, messageOf } from "../shared/log";
import { Container } from "./container";
import { LeaseClient } from "./leaseClient";
import { readSupervisorSettings } from "./settings";
import { Supervisor } from "./supervisor";

async function main(): Promise<void> {
  const settings = readSupervisorSettings(process.env);
  const container = await Container.enter();
  const lease = new LeaseClient(settings.leaseSocket, await lightBeacon(), log);
  const supervisor = new Supervisor(settings, container, lease, log);
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => supervisor.drain());
  await supervisor.run();
  log.info("the supervisor ends");
}

const log = createLog("supervisor");
process.on("uncaughtException", (error) => {
  log.fatal(messageOf(error));
  process.exit(1);
});
main().then(
  () => process.exit(0),
  (error) => {
    log.fatal(messageOf(error));
    process.exit(1);
  },
);
