import {
  CreateClusterCommand,
  DeleteClusterCommand,
  TagResourceCommand,
  UntagResourceCommand,
} from "@aws-sdk/client-eks";
import { isObject, type ResourceKind, requiredString, type Values } from "../standIn";
import type { AwsClients } from "./clients";
import { getCluster } from "./cluster";
import { unlessMissing } from "./missing";
import { changedTags, withDefaultTags } from "./tags";

/** `aws.eks.Cluster`, as far as the emulated account has it: name, version, subnets, endpoints and tags. */
export function eksCluster(clients: AwsClients, defaultTags: Record<string, string>): ResourceKind {
  const { eks } = clients;

  async function outputs(name: string, inputs: Values): Promise<Values> {
    const { certificateAuthorities, vpcConfig, ...found } = await getCluster(clients, { name });
    const [certificateAuthority] = certificateAuthorities as Values[];
    return { ...inputs, ...found, certificateAuthority, vpcConfig: { ...(vpcConfig as Values) } };
  }

  return {
    computed: ["arn", "endpoint", "certificateAuthority", "status", "identities"],
    check: (inputs) => withDefaultTags(inputs, defaultTags),
    replaces: (path) => /^(name|roleArn|vpcConfig\.subnetIds)/.test(path),
    deleteBeforeReplace: () => true,
    async create(inputs) {
      const name = requiredString(inputs, "name");
      const vpc = isObject(inputs.vpcConfig) ? inputs.vpcConfig : {};
      await eks.send(
        new CreateClusterCommand({
          name,
          version: String(inputs.version),
          roleArn: requiredString(inputs, "roleArn"),
          resourcesVpcConfig: vpc,
          tags: inputs.tags as Record<string, string>,
        }),
      );
      return { id: name, outputs: await outputs(name, inputs) };
    },
    async read(id, inputs) {
      const found = await unlessMissing("ResourceNotFoundException", () => outputs(id, inputs)).catch(
        (error: Error) => {
          if (/ResourceNotFoundException/.test(error.message)) return undefined;
          throw error;
        },
      );
      return found && { outputs: found, inputs: { ...inputs, tags: found.tags } };
    },
    async update(id, inputs, state) {
      const { set, remove } = changedTags(state.tags, inputs.tags);
      const resourceArn = String(state.arn);
      const tags = Object.fromEntries(set.map(({ Key, Value }) => [Key, Value]));
      await eks.send(new TagResourceCommand({ resourceArn, tags }));
      if (remove.length > 0) await eks.send(new UntagResourceCommand({ resourceArn, tagKeys: remove }));
      return outputs(id, inputs);
    },
    async delete(id) {
      await unlessMissing("ResourceNotFoundException", () =>
        eks.send(new DeleteClusterCommand({ name: id })),
      );
    },
  };
}
