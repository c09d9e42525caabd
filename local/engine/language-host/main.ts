import { Server, ServerCredentials, type UntypedServiceImplementation } from "@grpc/grpc-js";
import * as service from "@pulumi/pulumi/proto/language_grpc_pb";
import { LanguageHost } from "./host";

// The engine passes its own address last, and reads the port to call from the first line.
const engineAddress = process.argv.at(-1) ?? "";
const server = new Server({ "grpc.max_receive_message_length": -1 });
const { LanguageRuntimeService } = service as unknown as {
  LanguageRuntimeService: Parameters<Server["addService"]>[0];
};
const host = new LanguageHost(engineAddress);
server.addService(LanguageRuntimeService, host.service() as UntypedServiceImplementation);
server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  console.log(port);
});

// Some commands of the engine end without ending their language host; one without its engine is of no use.
const engine = process.ppid;
setInterval(() => {
  if (process.ppid === engine) return;
  host.cancelAll();
  process.exit();
}, 1000);
