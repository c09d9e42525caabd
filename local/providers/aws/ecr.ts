import {
  CreateRepositoryCommand,
  DeleteLifecyclePolicyCommand,
  DeleteRepositoryCommand,
  DescribeRepositoriesCommand,
  GetLifecyclePolicyCommand,
  ListTagsForResourceCommand,
  PutImageScanningConfigurationCommand,
  PutImageTagMutabilityCommand,
  PutLifecyclePolicyCommand,
  TagResourceCommand,
  UntagResourceCommand,
} from "@aws-sdk/client-ecr";
import { isObject, type ResourceKind, requiredString, type Values } from "../standIn";
import type { AwsClients } from "./clients";
import { unlessMissing } from "./missing";
import { changedTags, toTagList, toTagMap, withDefaultTags } from "./tags";

type Mutability = "MUTABLE" | "IMMUTABLE";

/** `aws.ecr.Repository`. */
export function repository({ ecr, region }: AwsClients, defaultTags: Record<string, string>): ResourceKind {
  async function describe(name: string): Promise<Values | undefined> {
    const found = await unlessMissing("RepositoryNotFoundException", () =>
      ecr.send(new DescribeRepositoriesCommand({ repositoryNames: [name] })),
    );
    const [item] = found?.repositories ?? [];
    if (!item) {
      return undefined;
    }
    const tags = await ecr.send(new ListTagsForResourceCommand({ resourceArn: item.repositoryArn }));
    return {
      name,
      region,
      arn: item.repositoryArn,
      registryId: item.registryId,
      repositoryUrl: item.repositoryUri,
      imageTagMutability: item.imageTagMutability,
      imageScanningConfiguration: { scanOnPush: item.imageScanningConfiguration?.scanOnPush ?? false },
      encryptionConfigurations: [
        {
          encryptionType: item.encryptionConfiguration?.encryptionType ?? "AES256",
          kmsKey: item.encryptionConfiguration?.kmsKey ?? "",
        },
      ],
      tags: toTagMap(tags.tags),
      tagsAll: toTagMap(tags.tags),
    };
  }

  async function outputs(name: string, inputs: Values): Promise<Values> {
    return { ...(await describe(name)), forceDelete: inputs.forceDelete ?? false };
  }

  return {
    computed: ["arn", "registryId", "repositoryUrl", "tagsAll", "region"],
    check(inputs, { name, random, oldInputs }) {
      const automatic = oldInputs?.name ?? `${name}-${random.slice(0, 7)}`;
      return withDefaultTags({ ...inputs, name: inputs.name ?? automatic }, defaultTags);
    },
    replaces: (path) => path === "name" || path.startsWith("encryptionConfigurations"),
    deleteBeforeReplace: (after, before) => after.name === before.name,
    async create(inputs) {
      const name = requiredString(inputs, "name");
      const [encryption] = (inputs.encryptionConfigurations ?? []) as {
        encryptionType?: "AES256" | "KMS";
        kmsKey?: string;
      }[];
      await ecr.send(
        new CreateRepositoryCommand({
          repositoryName: name,
          imageTagMutability: (inputs.imageTagMutability ?? "MUTABLE") as Mutability,
          imageScanningConfiguration: { scanOnPush: scanOnPush(inputs) },
          encryptionConfiguration: encryption && {
            encryptionType: encryption.encryptionType ?? "AES256",
            kmsKey: encryption.kmsKey,
          },
          tags: toTagList(inputs.tags),
        }),
      );
      return { id: name, outputs: await outputs(name, inputs) };
    },
    async read(id, inputs) {
      const found = await describe(id);
      if (!found) {
        return undefined;
      }
      return {
        outputs: { ...found, forceDelete: inputs.forceDelete ?? false },
        inputs: {
          ...inputs,
          name: id,
          ...("imageTagMutability" in inputs && { imageTagMutability: found.imageTagMutability }),
          ...("imageScanningConfiguration" in inputs && {
            imageScanningConfiguration: found.imageScanningConfiguration,
          }),
          ...("tags" in inputs && { tags: found.tags }),
        },
      };
    },
    async update(id, inputs, state) {
      await ecr.send(
        new PutImageTagMutabilityCommand({
          repositoryName: id,
          imageTagMutability: (inputs.imageTagMutability ?? "MUTABLE") as Mutability,
        }),
      );
      await ecr.send(
        new PutImageScanningConfigurationCommand({
          repositoryName: id,
          imageScanningConfiguration: { scanOnPush: scanOnPush(inputs) },
        }),
      );
      const tags = changedTags(state.tags, inputs.tags);
      const resourceArn = requiredString(state, "arn");
      if (tags.remove.length > 0) {
        await ecr.send(new UntagResourceCommand({ resourceArn, tagKeys: tags.remove }));
      }
      if (tags.set.length > 0) {
        await ecr.send(new TagResourceCommand({ resourceArn, tags: tags.set }));
      }
      return outputs(id, inputs);
    },
    async delete(id, state) {
      await unlessMissing("RepositoryNotFoundException", () =>
        ecr.send(new DeleteRepositoryCommand({ repositoryName: id, force: state.forceDelete === true })),
      );
    },
  };
}

function scanOnPush(inputs: Values): boolean {
  return isObject(inputs.imageScanningConfiguration) && inputs.imageScanningConfiguration.scanOnPush === true;
}

/** `aws.ecr.LifecyclePolicy`. The service has no update: the provider replaces it. */
export function lifecyclePolicy({ ecr, region }: AwsClients): ResourceKind {
  const gone = (action: () => Promise<unknown>) =>
    unlessMissing("LifecyclePolicyNotFoundException", () =>
      unlessMissing("RepositoryNotFoundException", action),
    );
  return {
    computed: ["registryId", "region"],
    check: (inputs) => ({
      ...inputs,
      policy: typeof inputs.policy === "string" ? inputs.policy : JSON.stringify(inputs.policy),
    }),
    replaces: (path) => path === "repository" || path === "policy",
    deleteBeforeReplace: () => true,
    async create(inputs) {
      const id = requiredString(inputs, "repository");
      const made = await ecr.send(
        new PutLifecyclePolicyCommand({
          repositoryName: id,
          lifecyclePolicyText: requiredString(inputs, "policy"),
        }),
      );
      return { id, outputs: { ...inputs, region, registryId: made.registryId } };
    },
    async read(id, inputs, state) {
      const found = (await gone(() => ecr.send(new GetLifecyclePolicyCommand({ repositoryName: id })))) as
        | { lifecyclePolicyText?: string }
        | undefined;
      if (!found?.lifecyclePolicyText) {
        return undefined;
      }
      const policy = sameJson(found.lifecyclePolicyText, inputs.policy ?? state.policy);
      return { outputs: { ...state, repository: id, policy }, inputs: { repository: id, policy } };
    },
    async update() {
      throw new Error("a lifecycle policy is replaced, never updated");
    },
    async delete(id) {
      await gone(() => ecr.send(new DeleteLifecyclePolicyCommand({ repositoryName: id })));
    },
  };
}

/** The known text when it means the same as the live one, so that formatting is no drift. */
function sameJson(live: string, known: unknown): string {
  try {
    return typeof known === "string" && JSON.stringify(JSON.parse(known)) === JSON.stringify(JSON.parse(live))
      ? known
      : live;
  } catch {
    return live;
  }
}
