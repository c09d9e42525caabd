import type { Log } from "../shared/log";
import { AppInstallation } from "./appInstallation";
import { TokenFile } from "./credential";
import { GitHubRunners } from "./github";
import { type ApiObserver, createClientFactory } from "./githubClient";
import { describeScope, type RunnerScope } from "./runnerScope";

export interface GitHubSettings extends RunnerScope {
  githubApiUrl: string;
  /** App ID or client ID. Absent: the credential is a personal access token. */
  appId: string | undefined;
  /** The App's private key or the token. */
  credentialFile: string;
  runnerGroup: string | undefined;
}

/** The runners of the settings' scope, reached with the settings' credential. Asks GitHub nothing yet. */
export async function connectGitHub(
  settings: GitHubSettings,
  observer: ApiObserver,
  log: Log,
): Promise<GitHubRunners> {
  const { appId, credentialFile, runnerGroup } = settings;
  const scope = { owner: settings.owner, repository: settings.repository };
  const clients = await createClientFactory(settings.githubApiUrl, describeScope(scope), observer, log);
  const credential =
    appId === undefined
      ? new TokenFile(credentialFile)
      : new AppInstallation({
          appId,
          keyFile: credentialFile,
          scope,
          signIn: (privateKey) => clients.asApp(appId, privateKey),
        });
  return new GitHubRunners({ client: clients.withCredential(credential), scope, runnerGroup, log });
}
