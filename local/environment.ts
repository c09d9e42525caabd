import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { root, stateDir } from "./lib/paths";
import { readState } from "./lib/state";
import { reachingBridge } from "./network/addresses";
import { backendDir, projectDir } from "./project";

/** The user's own settings of the tools we run; the local system neither reads nor changes what they point at. */
const foreign = /^(AWS_|PULUMI_|KUBE|DOCKER_|GITHUB_|GH_)/;

/** This process's environment without the user's settings of those tools. */
export function inheritedEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)));
}

const passphraseFile = join(stateDir, "passphrase");

function passphrase(): string {
  if (!existsSync(passphraseFile)) {
    mkdirSync(stateDir, { recursive: true });
    writeFileSync(passphraseFile, randomBytes(24).toString("hex"), { mode: 0o600 });
  }
  return passphraseFile;
}

/**
 * The environment in which `pulumi`, `kubectl`, `docker` and `aws` speak to the local system and to nothing else.
 * @param enginePath directories of the engine and its language host, put first on PATH
 * @throws Error when the local system was not started
 */
export function environment(enginePath: string[]): NodeJS.ProcessEnv {
  const { ports, providers } = readState();
  const inherited = reachingBridge(inheritedEnvironment());
  mkdirSync(backendDir, { recursive: true });
  return {
    ...inherited,
    PATH: [...enginePath, join(root, "node_modules", ".bin"), inherited.PATH].join(delimiter),
    PULUMI_HOME: join(stateDir, "pulumi-home"),
    PULUMI_BACKEND_URL: `file://${backendDir}`,
    PULUMI_CONFIG_PASSPHRASE_FILE: passphrase(),
    PULUMI_SKIP_UPDATE_CHECK: "true",
    // pulumi reads every flag from PULUMI_OPTION_*: this is its --cwd, so that the commands people know work from the checkout.
    PULUMI_OPTION_CWD: projectDir,
    ...(providers && {
      PULUMI_DEBUG_PROVIDERS: Object.entries(providers)
        .map(([name, port]) => `${name}:${port}`)
        .join(","),
    }),
    AWS_ENDPOINT_URL: `http://127.0.0.1:${ports.moto}`,
    AWS_REGION: "ap-northeast-1",
    AWS_ACCESS_KEY_ID: "local",
    AWS_SECRET_ACCESS_KEY: "local",
    AWS_CONFIG_FILE: "/dev/null",
    AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
    AWS_EC2_METADATA_DISABLED: "true",
    KUBECONFIG: join(stateDir, "kubeconfig"),
    KUBECACHEDIR: join(stateDir, "kubectl-cache"),
    DOCKER_HOST: `unix://${join(stateDir, "run", "docker.sock")}`,
    DOCKER_CONFIG: join(stateDir, "docker-config"),
  };
}
