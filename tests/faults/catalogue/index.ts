import type { Fault } from "../fault";
import { credentialFaults } from "./credential";
import { digdagFaults, networkFaults } from "./digdag";
import { gitHubApiFaults } from "./gitHubApi";
import { jobFaults } from "./jobs";
import { listenerFaults } from "./listener";
import { nodeFaults } from "./node";
import { podFaults } from "./pods";
import { processFaults } from "./processes";

/** Every kind of fault, in the order of the report. */
export const catalogue: readonly Fault[] = [
  ...gitHubApiFaults,
  ...credentialFaults,
  ...listenerFaults,
  ...processFaults,
  ...podFaults,
  ...jobFaults,
  ...digdagFaults,
  ...networkFaults,
  ...nodeFaults,
];
