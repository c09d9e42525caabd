import * as grpc from "@grpc/grpc-js";
import { PluginInfo } from "@pulumi/pulumi/proto/plugin_pb";
import * as service from "@pulumi/pulumi/proto/provider_grpc_pb";
import * as pb from "@pulumi/pulumi/proto/provider_pb";
import { Status } from "@pulumi/pulumi/proto/status_pb";
import { Any } from "google-protobuf/google/protobuf/any_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import { construct } from "./construct";
import { planChange } from "./diff";
import { type EngineSession, Sessions } from "./session";
import {
  type ConfiguredProvider,
  InitializationError,
  InputError,
  notKnown,
  type Operation,
  type ProviderStandIn,
  UNKNOWN,
  type Values,
} from "./standIn";

/** A stand-in that engines can attach to with `PULUMI_DEBUG_PROVIDERS=name:port`. */
export interface ServedProvider {
  port: number;
  close(): Promise<void>;
}

/** One change that an engine asks for. */
export interface Change {
  operation: "create" | "update" | "delete";
  urn: string;
}

/** Stands between the engine and every change: may refuse it, or hold it up before `proceed` or after it. */
export type Intercept = <T>(change: Change, proceed: () => Promise<T>) => Promise<T>;

/**
 * Serves one stand-in on a loopback port until it is closed.
 *
 * The SDK's own provider server is not used: it keeps the engine's address in one global and neither passes the
 * configuration, the preview flag nor the old inputs to the provider.
 *
 * @param say receives every line that the stand-in shows to people, for a log of the process
 * @param intercept stands between the engine and every change; lets it pass where there is none
 */
export async function serveProvider(
  standIn: ProviderStandIn,
  say: (line: string) => void = () => {},
  intercept: Intercept = (_change, proceed) => proceed(),
): Promise<ServedProvider> {
  const sessions = new Sessions(`${standIn.name} stand-in`, say);
  const server = new grpc.Server({
    "grpc.max_receive_message_length": -1,
    "grpc.max_send_message_length": -1,
  });
  server.addService(service.ResourceProviderService, handlers(standIn, sessions, intercept));
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, found) =>
      error ? reject(error) : resolve(found),
    );
  });
  return {
    port: bound,
    close: () =>
      new Promise((resolve) => {
        sessions.closeAll();
        server.forceShutdown();
        resolve();
      }),
  };
}

type Call<Request> = grpc.ServerUnaryCall<Request, unknown>;

function handlers(
  standIn: ProviderStandIn,
  sessions: Sessions,
  intercept: Intercept,
): grpc.UntypedServiceImplementation {
  const session = (call: Call<unknown>) => sessions.get(call.getPeer());
  const provider = (call: Call<unknown>): ConfiguredProvider => {
    const configured = session(call).provider;
    if (!configured) {
      throw new Error(`the ${standIn.name} stand-in was used before it was configured`);
    }
    return configured;
  };
  const kind = (call: Call<{ getUrn(): string }>) => provider(call).resource(typeOf(call.request.getUrn()));
  const change = <T>(
    operation: Change["operation"],
    call: Call<{ getUrn(): string; getTimeout(): number }>,
    action: (run: Operation) => Promise<T>,
  ) =>
    perform(session(call), call.request, (run) =>
      intercept({ operation, urn: call.request.getUrn() }, () => action(run)),
    );

  return {
    attach: unary(async (call: Call<{ getAddress(): string }>) => {
      sessions.open(call.getPeer(), call.request.getAddress());
      return new Empty();
    }),
    getPluginInfo: unary(async () => new PluginInfo().setVersion(standIn.version)),
    configure: unary(async (call: Call<pb.ConfigureRequest>) => {
      const settings = parseSettings(standIn.name, call.request.getVariablesMap().toObject());
      const configured = await standIn.configure(settings, session(call));
      session(call).provider = configured;
      // Secrets are accepted where the engine insists on it: elsewhere it keeps the secretness of equally named outputs itself.
      const makesComponents = configured.construct !== undefined;
      return new pb.ConfigureResponse().setSupportspreview(true).setAcceptsecrets(makesComponents);
    }),
    invoke: unary(async (call: Call<pb.InvokeRequest>) => {
      const outputs = await provider(call).invoke(call.request.getTok(), values(call.request.getArgs()));
      return new pb.InvokeResponse().setReturn(struct(outputs));
    }),
    construct: unary(async (call: Call<pb.ConstructRequest>) => {
      const component = provider(call).construct;
      if (!component) throw notKnown(standIn.name, `the component ${call.request.getType()}`);
      return construct(call.request, component);
    }),
    check: unary((call: Call<pb.CheckRequest>) => check(call.request, kind(call))),
    diff: unary(async (call: Call<pb.DiffRequest>) => diff(call.request, kind(call))),
    create: unary(async (call: Call<pb.CreateRequest>) => {
      const { request } = call;
      const inputs = values(request.getProperties());
      if (request.getPreview()) {
        return new pb.CreateResponse().setProperties(struct({ ...unknown(kind(call).computed), ...inputs }));
      }
      const made = await change("create", call, (run) => kind(call).create(inputs, run));
      return new pb.CreateResponse().setId(made.id).setProperties(struct(made.outputs));
    }),
    read: unary(async (call: Call<pb.ReadRequest>) => {
      const { request } = call;
      const id = request.getId();
      const inputs = values(request.getInputs());
      const found = await kind(call).read(id, inputs, values(request.getProperties()));
      const response = new pb.ReadResponse();
      return found
        ? response.setId(id).setProperties(struct(found.outputs)).setInputs(struct(found.inputs))
        : response;
    }),
    update: unary(async (call: Call<pb.UpdateRequest>) => {
      const { request } = call;
      const inputs = values(request.getNews());
      const state = values(request.getOlds());
      const outputs = request.getPreview()
        ? { ...state, ...inputs, ...unknown(kind(call).recomputed ?? []) }
        : await change("update", call, (run) => kind(call).update(request.getId(), inputs, state, run));
      return new pb.UpdateResponse().setProperties(struct(outputs));
    }),
    delete: unary(async (call: Call<pb.DeleteRequest>) => {
      const { request } = call;
      const state = values(request.getProperties());
      await change("delete", call, (run) => kind(call).delete(request.getId(), state, run));
      return new Empty();
    }),
    cancel: unary(async (call: Call<Empty>) => {
      session(call).cancel();
      return new Empty();
    }),
  };
}

async function check(request: pb.CheckRequest, kind: ReturnType<ConfiguredProvider["resource"]>) {
  const inputs = values(request.getNews());
  const oldInputs = values(request.getOlds());
  try {
    const checked = await kind.check?.(inputs, {
      name: request.getUrn().split("::").at(-1) ?? "",
      random: Buffer.from(request.getRandomseed_asU8()).toString("hex"),
      oldInputs: Object.keys(oldInputs).length === 0 ? undefined : oldInputs,
    });
    return new pb.CheckResponse().setInputs(struct(checked ?? inputs));
  } catch (error) {
    if (!(error instanceof InputError)) {
      throw error;
    }
    const failure = new pb.CheckFailure().setProperty(error.property).setReason(error.message);
    return new pb.CheckResponse().setInputs(struct(inputs)).setFailuresList([failure]);
  }
}

function diff(request: pb.DiffRequest, kind: ReturnType<ConfiguredProvider["resource"]>): pb.DiffResponse {
  const plan = planChange(kind, values(request.getOldInputs()), values(request.getNews()));
  const { DiffChanges } = pb.DiffResponse;
  const response = new pb.DiffResponse()
    .setChanges(plan.changes.length > 0 ? DiffChanges.DIFF_SOME : DiffChanges.DIFF_NONE)
    .setHasdetaileddiff(true)
    .setDeletebeforereplace(plan.deleteBeforeReplace);
  for (const change of plan.changes) {
    const name = change.replace ? `${change.kind}_replace` : change.kind;
    const detail = new pb.PropertyDiff().setInputdiff(true);
    detail.setKind(pb.PropertyDiff.Kind[name.toUpperCase() as keyof typeof pb.PropertyDiff.Kind]);
    response.getDetaileddiffMap().set(change.path, detail);
    response.addDiffs(change.path.split(/[.[]/, 1)[0] ?? change.path);
    if (change.replace) {
      response.addReplaces(change.path);
    }
  }
  return response;
}

async function perform<T>(
  session: EngineSession,
  request: { getUrn(): string; getTimeout(): number },
  action: (operation: Operation) => Promise<T>,
): Promise<T> {
  const urn = request.getUrn();
  try {
    return await action({
      urn,
      cancelled: session.cancelled,
      timeoutSeconds: request.getTimeout(),
      log: (message, options) => session.log(message, { urn, ...options }),
    });
  } finally {
    await session.flushed();
  }
}

function unary<Request, Response>(
  handle: (call: Call<Request>) => Promise<Response>,
): grpc.handleUnaryCall<Request, Response> {
  return (call, callback) => {
    // `then` on a resolved promise, so that what `handle` throws at once is answered as well.
    Promise.resolve()
      .then(() => handle(call))
      .then(
        (response) => callback(null, response),
        (error) => callback(serviceError(error)),
      );
  };
}

function serviceError(error: unknown): Partial<grpc.StatusObject> {
  const message = error instanceof Error ? described(error) : String(error);
  if (!(error instanceof InitializationError)) {
    return { code: grpc.status.UNKNOWN, details: message };
  }
  const detail = new pb.ErrorResourceInitFailed()
    .setId(error.id)
    .setProperties(struct(error.outputs))
    .setInputs(struct(error.inputs))
    .setReasonsList(error.reasons);
  const packed = new Any();
  packed.pack(detail.serializeBinary(), "pulumirpc.ErrorResourceInitFailed");
  const status = new Status();
  status.setCode(grpc.status.UNKNOWN);
  status.setMessage(message);
  status.addDetails(packed);
  const metadata = new grpc.Metadata();
  metadata.add("grpc-status-details-bin", Buffer.from(status.serializeBinary()));
  return { code: grpc.status.UNKNOWN, details: message, metadata };
}

/** `aws:config:allowedAccountIds = '["1"]'` -> `{ allowedAccountIds: ["1"] }`. */
function parseSettings(name: string, variables: [string, string][]): Values {
  return Object.fromEntries(
    variables.map(([key, value]) => [key.replace(`${name}:config:`, ""), parseSetting(value)]),
  );
}

function parseSetting(value: string): unknown {
  if (!/^\s*([[{]|true$|false$)/.test(value)) {
    return value;
  }
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

/** With the error code of AWS, which its SDK keeps in the name and the message often leaves out. */
function described({ name, message }: Error): string {
  return /^(\w*Error|Error)$/.test(name) ? message : `${name}: ${message}`;
}

function unknown(names: readonly string[]): Values {
  return Object.fromEntries(names.map((name) => [name, UNKNOWN]));
}

/** The resource type in `urn:pulumi:stack::project::parent$type::name`. */
function typeOf(urn: string): string {
  return urn.split("::")[2]?.split("$").at(-1) ?? "";
}

function values(message: Struct | undefined): Values {
  return (message?.toJavaScript() ?? {}) as Values;
}

function struct(object: Values): Struct {
  // Through JSON, because a Struct refuses undefined.
  return Struct.fromJavaScript(JSON.parse(JSON.stringify(object)));
}
