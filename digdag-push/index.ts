/** What `digdag-push` does, for programs: the command line and the action are made of these. */
export { NetworkError } from "./advice";
export { type ApplyRequest, type ApplyResult, apply } from "./apply";
export { type Archive, buildArchive } from "./archive";
export { DigdagApi, type DigdagApiOptions } from "./digdagApi";
export { type DoctorRequest, examine, type Step } from "./doctor";
export { EXIT, EXIT_MEANING, type ExitCode, type Problem, PushError } from "./errors";
export { RequestFailure } from "./http";
export { DEFAULT_LIMITS, type Limits } from "./limits";
export { run } from "./main";
export { type Prepared, type ProjectFiles, prepare } from "./prepare";
export { type Preview, preview } from "./preview";
export { type RollbackRequest, rollback } from "./rollback";
export { firstRun, readSchedule } from "./schedule";
