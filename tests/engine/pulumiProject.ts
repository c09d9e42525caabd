import { spawn } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, delimiter, dirname, join } from "node:path";
import { parseDocument } from "yaml";
import { ensureEngine } from "../../local/engine";
import { inheritedEnvironment } from "../../local/environment";
import { root } from "../../local/lib/paths";
import { withTypeScript } from "../../local/lib/typescript";
import { copyProjectIn } from "../../local/project";
import { type Providers, startProviders } from "../../local/providers";
import type { GitHubAccess } from "../../local/providers/github/client";
import type { Cluster } from "../../local/providers/kubernetes/cluster";
import type { Intercept } from "../../local/providers/protocol";
import { changingSteps, type Step } from "./eventLog";
import { killTree } from "./killTree";

/** Found once for all projects. */
let engine: ReturnType<typeof ensureEngine> | undefined;

/** What a project's stand-ins work on, and what stands in their way. */
export interface ProjectOptions {
  /** File of another program than the project's own. */
  program?: string;
  /** Variables of every command. */
  environment?: NodeJS.ProcessEnv;
  /** What the stand-in for the provider of GitHub talks to. */
  github?: GitHubAccess;
  /** What the stand-in for the provider of Kubernetes applies to. Default: a memory of the project's own. */
  cluster?: Cluster;
  /** Stands between the engine and every change. */
  intercept?: Intercept;
}

/** Where AWS is: an emulated account, or something before it. */
type Aws = { endpoint: string };

/** How a command ended. */
export interface Result {
  code: number;
  /** Standard output and standard error together. */
  output: string;
  stdout: string;
  /** Steps that change something: no `same`, no `read`. */
  steps: Step[];
  /** The engine's event log as text, debug messages included. */
  events: string;
}

/** What `pulumi stack export` prints, as far as tests read it. */
interface State {
  deployment: {
    resources?: { urn: string; type: string; dependencies?: string[] }[];
    pending_operations?: { type: string; resource: { urn: string } }[];
  };
}

/** What the secrets of every back end are encrypted with. */
export const passphrase = "engine tests";

/** A copy of the project with a back end, a home and provider stand-ins of its own. */
export class PulumiProject {
  private commands = 0;

  private constructor(
    readonly directory: string,
    private readonly environment: NodeJS.ProcessEnv,
    private readonly providers: Providers,
    /** Every line that a stand-in said to people so far. */
    readonly said: readonly string[],
  ) {}

  /**
   * The checkout's own project.
   * @param configuration replaces or, with undefined, removes keys of the stack file, such as `digdag-runner:clusterName`
   */
  static async create(
    account: Aws,
    stack: string,
    configuration: Record<string, unknown> = {},
    options: ProjectOptions = {},
  ): Promise<PulumiProject> {
    const directory = newDirectory();
    copyProjectIn(directory);
    if (options.program) runInstead(directory, options.program);
    configure(directory, stack, configuration);
    const programDirectory = options.program ? dirname(options.program) : root;
    const project = await PulumiProject.openIn(directory, account, programDirectory, options);
    await project.run("stack", "init", stack);
    return project;
  }

  /** A copy of another program, such as an example; without its dependencies, SDKs and stacks. */
  static async copyOf(program: string, account: Aws): Promise<PulumiProject> {
    const directory = newDirectory();
    const isMade = (path: string) => /^(node_modules|sdks)$/.test(basename(path));
    cpSync(program, directory, { recursive: true, filter: (path) => !isMade(path) });
    return PulumiProject.openIn(directory, account, directory);
  }

  /** @param programDirectory what the program's relative paths start from */
  private static async openIn(
    directory: string,
    account: Aws,
    programDirectory: string,
    { environment = {}, github, cluster, intercept }: ProjectOptions = {},
  ): Promise<PulumiProject> {
    engine ??= ensureEngine({ report: (line) => console.error(line) });
    const { path } = await engine;
    const said: string[] = [];
    const providers = await startProviders({
      awsEndpoint: account.endpoint,
      programDirectory,
      say: (line) => said.push(line),
      ...(github && { github }),
      ...(cluster && { cluster }),
      ...(intercept && { intercept }),
    });
    return new PulumiProject(
      directory,
      {
        ...inheritedEnvironment(),
        PATH: [...path, process.env.PATH].join(delimiter),
        PULUMI_HOME: join(directory, ".home"),
        PULUMI_BACKEND_URL: `file://${join(directory, ".backend")}`,
        PULUMI_CONFIG_PASSPHRASE: passphrase,
        PULUMI_SKIP_UPDATE_CHECK: "true",
        // Shows the flag --event-log.
        PULUMI_DEBUG_COMMANDS: "true",
        PULUMI_DEBUG_PROVIDERS: providers.attach,
        ...environment,
      },
      providers,
      said,
    );
  }

  /** Runs `pulumi` in the project. Commands that change or preview resources are asked for an event log. */
  run(...args: string[]): Promise<Result> {
    return this.runWith({}, ...args);
  }

  /** The same with other variables in its environment; undefined removes one. */
  runWith(environment: NodeJS.ProcessEnv, ...args: string[]): Promise<Result> {
    return this.pulumi(environment, args).result;
  }

  /** The same, but the engine and all that it started are killed as soon as `moment` comes, if it comes. */
  runUntil(moment: Promise<unknown>, ...args: string[]): Promise<Result> {
    const { child, result } = this.pulumi({}, args);
    moment.then(() => killTree(child.pid as number));
    return result;
  }

  /** Runs a script of a workflow, as GitHub does with `shell: bash`. */
  async bash(script: string, environment: NodeJS.ProcessEnv): Promise<{ code: number; output: string }> {
    const args = ["--noprofile", "--norc", "-eo", "pipefail", "-c", script];
    return this.start("bash", args, environment).ended;
  }

  private pulumi(environment: NodeJS.ProcessEnv, args: string[]) {
    this.commands += 1;
    const log = join(this.directory, `events-${this.commands}.json`);
    const logged = ["up", "preview", "destroy", "refresh"].includes(args[0] ?? "");
    const flags = ["--non-interactive", ...(logged ? ["--event-log", log] : [])];
    const { child, ended } = this.start("pulumi", [...args, ...flags], environment);
    const result = ended.then((how): Result => {
      // A command that is refused before the engine starts, such as by the stack's lock, writes none.
      const events = logged && (how.code === 0 || existsSync(log)) ? readFileSync(log, "utf8") : "";
      return { ...how, events, steps: changingSteps(events) };
    });
    return { child, result };
  }

  private start(command: string, args: string[], environment: NodeJS.ProcessEnv) {
    const child = spawn(command, args, {
      cwd: this.directory,
      env: { ...this.environment, ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    let stdout = "";
    child.stdout.setEncoding("utf8").on("data", (text) => {
      stdout += text;
      output += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text) => {
      output += text;
    });
    const ended = new Promise<{ code: number; output: string; stdout: string }>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (status) => resolve({ code: status ?? 1, output, stdout }));
    });
    return { child, ended };
  }

  /** Replaces or, with undefined, removes keys of a stack file, such as `digdag-runner:clusterName`. */
  configure(stack: string, configuration: Record<string, unknown>): void {
    configure(this.directory, stack, configuration);
  }

  /**
   * Types of the resources in the state, without the stack itself.
   * @param stack default: the one that was last made or selected
   */
  async resources(stack?: string): Promise<string[]> {
    const { resources = [] } = (await this.state(stack)).deployment;
    return resources.map(({ type }) => type).filter((type) => type !== "pulumi:pulumi:Stack");
  }

  /** URNs of what the last command was making when it was cut off. */
  async pendingCreations(): Promise<string[]> {
    const { pending_operations = [] } = (await this.state()).deployment;
    return pending_operations.filter(({ type }) => type === "creating").map(({ resource }) => resource.urn);
  }

  private async state(stack?: string): Promise<State> {
    const { code, output, stdout } = await this.run("stack", "export", ...(stack ? ["--stack", stack] : []));
    if (code !== 0) throw new Error(output);
    return JSON.parse(stdout);
  }

  /** Removes resources from the state, as if a command had ended before it could write them down. */
  async forget(which: (urn: string) => boolean): Promise<void> {
    const state = await this.state();
    const { resources = [] } = state.deployment;
    const kept = resources.filter(({ urn }) => !which(urn));
    if (kept.length === resources.length) throw new Error("the state has no such resource");
    const known = (urns?: string[]) => urns?.filter((urn) => !which(urn));
    state.deployment.resources = kept.map((resource) => ({
      ...resource,
      ...(resource.dependencies && { dependencies: known(resource.dependencies) }),
    }));
    const file = join(this.directory, "state.json");
    writeFileSync(file, JSON.stringify(state));
    const { code, output } = await this.run("stack", "import", "--file", file);
    if (code !== 0) throw new Error(output);
  }

  /** The text of every file that the back end holds. */
  backendFiles(): string[] {
    return readdirSync(join(this.directory, ".backend"), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8"));
  }

  async remove(): Promise<void> {
    await this.providers.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

function runInstead(directory: string, program: string): void {
  const projectFile = join(directory, "Pulumi.yaml");
  const document = parseDocument(readFileSync(projectFile, "utf8"));
  document.set("main", program);
  // Relative to the program.
  document.setIn(["runtime", "options", "nodeargs"], withTypeScript.join(" "));
  writeFileSync(projectFile, document.toString());
}

function newDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "engine-test-"));
  mkdirSync(join(directory, ".backend"));
  return directory;
}

function configure(directory: string, stack: string, configuration: Record<string, unknown>): void {
  const stackFile = join(directory, `Pulumi.${stack}.yaml`);
  const document = parseDocument(readFileSync(stackFile, "utf8"));
  for (const [key, value] of Object.entries(configuration)) {
    if (value === undefined) {
      document.deleteIn(["config", key]);
    } else {
      document.setIn(["config", key], value);
    }
  }
  writeFileSync(stackFile, document.toString());
}
