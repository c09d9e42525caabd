export { DigdagAccess, type DigdagAccessArgs } from "./digdagAccess";
export { DigdagRunner, type DigdagRunnerArgs } from "./digdagRunner";
export { ExternalRunnerSecret, type ExternalRunnerSecretArgs } from "./externalRunnerSecret";
export { GitHubRunnerGroup, type GitHubRunnerGroupArgs } from "./githubRunnerGroup";
export { GitHubSettings, type GitHubSettingsArgs } from "./githubSettings";
export { RunnerDeployment, type RunnerDeploymentArgs } from "./runnerDeployment";
export { RunnerImage, type RunnerImageArgs } from "./runnerImage";
export { RunnerSecret, type RunnerSecretArgs } from "./runnerSecret";
