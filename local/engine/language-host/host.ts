import { type ChildProcess, type ChildProcessByStdio, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Readable } from "node:stream";
import type {
  ServerUnaryCall,
  ServerWritableStream,
  sendUnaryData,
  UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { status } from "@grpc/grpc-js";
import type { ProgramInfo } from "@pulumi/pulumi/proto/language_pb";
import * as language from "@pulumi/pulumi/proto/language_pb";
import * as plugin from "@pulumi/pulumi/proto/plugin_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { generateSdk, linkPackages, pluginCommand } from "./packages";
import { programCommand, programResult, type RunRequest } from "./program";

type Unary<Request, Response> = (
  call: ServerUnaryCall<Request, Response>,
  done: sendUnaryData<Response>,
) => void;

function runRequest(request: language.RunRequest): RunRequest {
  const info = request.getInfo();
  const workingDirectory = request.getPwd();
  return {
    rootDirectory: info?.getRootDirectory() || workingDirectory,
    programDirectory: info?.getProgramDirectory() || workingDirectory,
    entryPoint: info?.getEntryPoint() || request.getProgram(),
    options: (info?.getOptions()?.toJavaScript() ?? {}) as Record<string, unknown>,
    workingDirectory,
    organization: request.getOrganization(),
    project: request.getProject(),
    stack: request.getStack(),
    dryRun: request.getDryrun(),
    parallel: request.getParallel(),
    monitorAddress: request.getMonitorAddress(),
    args: request.getArgsList(),
    config: Object.fromEntries(request.getConfigMap().getEntryList()),
    configSecretKeys: request.getConfigsecretkeysList(),
  };
}

/** Direct dependencies of a program and the versions that are installed. */
export function dependencies(programDirectory: string): { name: string; version: string }[] {
  const manifest = JSON.parse(readFileSync(join(programDirectory, "package.json"), "utf8")) as {
    dependencies?: Record<string, string>;
  };
  const resolve = createRequire(join(programDirectory, "package.json")).resolve;
  return Object.entries(manifest.dependencies ?? {}).map(([name, wanted]) => {
    try {
      return {
        name,
        version: JSON.parse(readFileSync(resolve(`${name}/package.json`), "utf8")).version as string,
      };
    } catch {
      return { name, version: wanted };
    }
  });
}

/**
 * A language host for Node.js programs: a stand-in for `pulumi-language-nodejs`, which no registry has. It runs
 * programs, policy packs, and packages written as programs, through the SDK's own entry points, and generates SDKs by
 * the engine's own generator. Conversion from other languages and publishing it leaves out. Unlike the official one it
 * gives a policy pack no stack configuration in the environment.
 */
export class LanguageHost {
  private readonly programs = new Set<ChildProcess>();

  constructor(private readonly engineAddress: string) {}

  /** Methods of the gRPC service that the engine calls; for all others it answers UNIMPLEMENTED. */
  service(): UntypedServiceImplementation {
    return {
      handshake: this.handshake,
      getPluginInfo: this.getPluginInfo,
      getRequiredPackages: this.getRequiredPackages,
      getRequiredPlugins: this.getRequiredPlugins,
      getProgramDependencies: this.getProgramDependencies,
      about: this.about,
      installDependencies: this.installDependencies,
      run: this.run,
      runPlugin: this.runPlugin,
      generatePackage: this.generatePackage,
      link: this.link,
      cancel: this.cancel,
    };
  }

  private readonly handshake: Unary<language.LanguageHandshakeRequest, language.LanguageHandshakeResponse> = (
    _,
    done,
  ) => done(null, new language.LanguageHandshakeResponse());

  private readonly getPluginInfo: Unary<Empty, plugin.PluginInfo> = (_, done) =>
    done(null, new plugin.PluginInfo().setVersion("1.0.0"));

  // None: the engine would download them, and the providers here are processes that it attaches to.
  private readonly getRequiredPackages: Unary<
    language.GetRequiredPackagesRequest,
    language.GetRequiredPackagesResponse
  > = (_, done) => done(null, new language.GetRequiredPackagesResponse());

  private readonly getRequiredPlugins: Unary<
    language.GetRequiredPluginsRequest,
    language.GetRequiredPluginsResponse
  > = (_, done) => done(null, new language.GetRequiredPluginsResponse());

  private readonly about: Unary<language.AboutRequest, language.AboutResponse> = (_, done) =>
    done(null, new language.AboutResponse().setExecutable(process.execPath).setVersion(process.version));

  private readonly getProgramDependencies: Unary<
    language.GetProgramDependenciesRequest,
    language.GetProgramDependenciesResponse
  > = ({ request }, done) => {
    const info: ProgramInfo | undefined = request.getInfo();
    try {
      const list = dependencies(info?.getProgramDirectory() || request.getPwd()).map(({ name, version }) =>
        new language.DependencyInfo().setName(name).setVersion(version),
      );
      done(null, new language.GetProgramDependenciesResponse().setDependenciesList(list));
    } catch (error) {
      done({ code: status.FAILED_PRECONDITION, details: (error as Error).message });
    }
  };

  private readonly installDependencies = (
    call: ServerWritableStream<language.InstallDependenciesRequest, language.InstallDependenciesResponse>,
  ): void => {
    const cwd = call.request.getInfo()?.getProgramDirectory() || call.request.getDirectory();
    const npm = spawn("npm", ["install"], { cwd, stdio: ["ignore", "pipe", "pipe"] });
    npm.stdout.on("data", (chunk: Buffer) =>
      call.write(new language.InstallDependenciesResponse().setStdout(chunk)),
    );
    npm.stderr.on("data", (chunk: Buffer) =>
      call.write(new language.InstallDependenciesResponse().setStderr(chunk)),
    );
    const fail = (details: string) => call.emit("error", { code: status.UNKNOWN, details });
    npm.once("error", (error) => fail(`npm could not be started: ${error.message}`));
    npm.once("close", (code) =>
      code === 0 ? call.end() : fail(`npm install failed with exit code ${code}`),
    );
  };

  private readonly run: Unary<language.RunRequest, language.RunResponse> = (call, done) => {
    let program: ChildProcess;
    try {
      const { args, env } = programCommand(runRequest(call.request), this.engineAddress);
      // The engine shows what a language host prints as messages of the program.
      program = spawn(process.execPath, args, {
        cwd: call.request.getPwd(),
        env: { ...process.env, ...env },
        stdio: ["ignore", "inherit", "inherit"],
      });
    } catch (error) {
      return done(null, new language.RunResponse().setError((error as Error).message));
    }
    this.programs.add(program);
    call.once("cancelled", () => program.kill());
    const end = (result: { error?: string; bail?: boolean }) => {
      this.programs.delete(program);
      done(null, new language.RunResponse().setError(result.error ?? "").setBail(result.bail ?? false));
    };
    program.once("error", (error) => end({ error: `Node.js could not be started: ${error.message}` }));
    program.once("close", (code, signal) => end(programResult(code, signal)));
  };

  /** Serves a policy pack or a package until the engine has no more use for it. */
  private readonly runPlugin = (
    call: ServerWritableStream<language.RunPluginRequest, language.RunPluginResponse>,
  ): void => {
    const { request } = call;
    const fail = (code: status, details: string) => call.emit("error", { code, details });
    let plugin: ChildProcessByStdio<null, Readable, Readable>;
    try {
      const kind = request.getKind();
      const directory = request.getInfo()?.getProgramDirectory() || request.getPwd();
      const { args, env } = pluginCommand({
        kind,
        directory,
        args: request.getArgsList(),
        environment: request.getEnvList(),
      });
      plugin = spawn(process.execPath, args, {
        // The policy SDK reads the package.json of the directory it is started in; a package's paths are the program's.
        cwd: kind === "analyzer" ? directory : request.getPwd(),
        env,
        stdio: ["ignore", "pipe", "pipe"],
      });
    } catch (error) {
      return void fail(status.FAILED_PRECONDITION, (error as Error).message);
    }
    this.programs.add(plugin);
    call.once("cancelled", () => plugin.kill());
    plugin.stdout.on("data", (chunk: Buffer) =>
      call.write(new language.RunPluginResponse().setStdout(chunk)),
    );
    plugin.stderr.on("data", (chunk: Buffer) =>
      call.write(new language.RunPluginResponse().setStderr(chunk)),
    );
    plugin.once("error", (error) => fail(status.UNKNOWN, `Node.js could not be started: ${error.message}`));
    plugin.once("close", (code) => {
      this.programs.delete(plugin);
      call.end(new language.RunPluginResponse().setExitcode(code ?? 1));
    });
  };

  private readonly generatePackage: Unary<language.GeneratePackageRequest, language.GeneratePackageResponse> =
    ({ request }, done) => {
      generateSdk(request.getSchema(), request.getDirectory(), request.getLoaderTarget()).then(
        () => done(null, new language.GeneratePackageResponse()),
        (error: Error) => done({ code: status.INTERNAL, details: error.message }),
      );
    };

  private readonly link: Unary<language.LinkRequest, language.LinkResponse> = ({ request }, done) => {
    try {
      const directory = request.getInfo()?.getProgramDirectory() ?? "";
      const packages = request.getPackagesList().map((dependency) => dependency.getPath());
      done(null, new language.LinkResponse().setImportInstructions(linkPackages(directory, packages)));
    } catch (error) {
      done({ code: status.FAILED_PRECONDITION, details: (error as Error).message });
    }
  };

  private readonly cancel: Unary<Empty, Empty> = (_, done) => {
    this.cancelAll();
    done(null, new Empty());
  };

  /** Ends all programs that run. */
  cancelAll(): void {
    for (const program of this.programs) program.kill();
  }
}
