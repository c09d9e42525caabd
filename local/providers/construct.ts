import * as grpc from "@grpc/grpc-js";
import * as pb from "@pulumi/pulumi/proto/provider_pb";
import { ResourceMonitorClient } from "@pulumi/pulumi/proto/resource_grpc_pb";
import {
  RegisterResourceOutputsRequest,
  RegisterResourceRequest,
  type RegisterResourceResponse,
} from "@pulumi/pulumi/proto/resource_pb";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import type { ConfiguredProvider, Values } from "./standIn";

const struct = (values: Values) =>
  Struct.fromJavaScript(values as Parameters<typeof Struct.fromJavaScript>[0]);
const valuesOf = (found: Struct | undefined) => (found?.toJavaScript() ?? {}) as Values;

/**
 * Registers a component of another package with the engine, and what its stand-in makes of it under it: what a plugin does that
 * serves components.
 */
export async function construct(
  request: pb.ConstructRequest,
  component: NonNullable<ConfiguredProvider["construct"]>,
): Promise<pb.ConstructResponse> {
  const monitor = new ResourceMonitorClient(request.getMonitorendpoint(), grpc.credentials.createInsecure());
  const registered: string[] = [];
  const register = async (resource: RegisterResourceRequest): Promise<RegisterResourceResponse> => {
    resource.setAcceptsecrets(true).setSupportspartialvalues(true);
    if (request.hasProtect()) resource.setProtect(request.getProtect() === true);
    const response = await new Promise<RegisterResourceResponse>((resolve, reject) => {
      monitor.registerResource(resource, (error, answer) => (error ? reject(error) : resolve(answer)));
    });
    registered.push(response.getUrn());
    return response;
  };
  try {
    const [type, name] = [request.getType(), request.getName()];
    const own = new RegisterResourceRequest().setType(type).setName(name).setParent(request.getParent());
    const urn = (await register(own.setDependenciesList(request.getDependenciesList()))).getUrn();
    const inputs = valuesOf(request.getInputs());
    const outputs = await component(
      type,
      name,
      inputs,
      async (childType, childName, version, childInputs) => {
        const child = new RegisterResourceRequest()
          .setType(childType)
          .setName(childName)
          .setParent(urn)
          .setCustom(true)
          .setVersion(version)
          .setObject(struct(childInputs));
        return valuesOf((await register(child)).getObject());
      },
    );
    const state = struct(outputs);
    await new Promise<void>((resolve, reject) => {
      monitor.registerResourceOutputs(
        new RegisterResourceOutputsRequest().setUrn(urn).setOutputs(state),
        (error) => (error ? reject(error) : resolve()),
      );
    });
    const response = new pb.ConstructResponse().setUrn(urn).setState(state);
    for (const key of Object.keys(outputs)) {
      const dependencies = new pb.ConstructResponse.PropertyDependencies().setUrnsList(registered);
      response.getStatedependenciesMap().set(key, dependencies);
    }
    return response;
  } finally {
    monitor.close();
  }
}
