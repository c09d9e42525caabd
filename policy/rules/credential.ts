import { storeAccount } from "../../components/externalSecret";
import {
  isOwn,
  must,
  ownObjects,
  type PlanResource,
  type Problem,
  type ResourceRule,
  type StackRule,
} from "../plan";
import { type Container, type Pod, podOf, runnerPodOf } from "../pods";
import type { Place } from "../values";
import { aboutPods } from "./pods";

/** Names of a Pod's volumes that hold something of a kind. */
export const volumesWith = ({ spec }: Pod, holds: (volume: Place) => boolean): Set<string> =>
  new Set(
    spec
      .get("volumes")
      .items.filter(holds)
      .flatMap((volume) => volume.get("name").text ?? []),
  );

export const sources = (volume: Place) => volume.get("projected", "sources").items;
const holdsSecret = (volume: Place) =>
  volume.get("secret").isSet || sources(volume).some((source) => source.get("secret").isSet);

/** Mounts of some volumes in every container but the broker, each as a problem; and in the broker when it can be written. */
export function onlyInBroker({ containers }: Pod, volumes: Set<string>, remedy: string): Problem[] {
  const mounts = (container: Container) =>
    container.mounts.filter(({ volume }) => volume !== undefined && volumes.has(volume));
  return containers.flatMap((container) =>
    mounts(container).flatMap(({ at, readOnly }) =>
      container.name === "broker"
        ? must(at.get("readOnly"), () => readOnly, "true", "Mount it read-only.")
        : must(at.get("name"), () => false, 'a mount in the container "broker" alone', remedy),
    ),
  );
}

export const credentialIsTheBrokersAlone: ResourceRule = {
  name: "credential-is-the-brokers-alone",
  description:
    "No container of the runners' Pods but the broker mounts a Secret, and the files are not for everybody.",
  resource: aboutPods((pod) => [
    ...onlyInBroker(
      pod,
      volumesWith(pod, holdsSecret),
      "Remove the mount: a job reads every file of its own container.",
    ),
    ...pod.spec
      .get("volumes")
      .items.flatMap((volume) => [
        ...(volume.get("secret").isSet ? [volume.get("secret")] : []),
        ...(sources(volume).some((source) => source.get("secret").isSet) ? [volume.get("projected")] : []),
      ])
      .flatMap((volume) =>
        must(
          volume.get("defaultMode"),
          (mode) => typeof mode === "number" && (mode & 0o007) === 0,
          "a mode without rights for others, such as 288 (octal 0440)",
          "Set it.",
        ),
      ),
  ]),
};

/** Variables whose name says that they hold a secret, but not those that say where one is. */
const secretName = /TOKEN|SECRET|PASSW(OR)?D|PASSPHRASE|PRIVATE_?KEY|API_?KEY|ACCESS_?KEY|CREDENTIAL/i;
const placeName = /_(FILE|PATH|DIR|NAME|ID|URL)$/i;

function variableProblems({ env, at }: Container): Problem[] {
  const remedy =
    "Remove it: every process of a container, and whoever may read the Pod, sees its variables. Give it to the broker as a file of a Secret.";
  return [
    ...env.flatMap(({ name, at: entry, value }) => [
      ...must(
        entry.get("valueFrom", "secretKeyRef"),
        (reference) => reference === undefined || reference === null,
        "no value from a Secret",
        remedy,
      ),
      ...(secretName.test(name) && !placeName.test(name) && value.isKnown && value.text !== ""
        ? [{ path: value.path, seen: `the value of ${name} (not shown)`, allowed: "no secret", remedy }]
        : []),
      ...(hasPassword(value)
        ? [
            {
              path: value.path,
              seen: `a URL with a user name or password in ${name} (not shown)`,
              allowed: "a URL without them",
              remedy,
            },
          ]
        : []),
    ]),
    ...at
      .get("envFrom")
      .items.flatMap((entry) =>
        must(
          entry.get("secretRef"),
          (reference) => reference === undefined || reference === null,
          "no Secret",
          remedy,
        ),
      ),
  ];
}

function hasPassword({ text }: Place): boolean {
  if (text === undefined || !URL.canParse(text)) return false;
  const { username, password } = new URL(text);
  return username !== "" || password !== "";
}

export const noSecretInEnvironment: ResourceRule = {
  name: "no-secret-in-environment",
  description: "No environment variable of the runners' Pods holds a secret.",
  resource: aboutPods(({ containers }) => containers.flatMap(variableProblems)),
};

/** The names of Secrets wherever a Pod can take one from. */
function secretsOf(pod: Pod): Place[] {
  return [
    ...pod.spec
      .get("volumes")
      .items.flatMap((volume) => [
        volume.get("secret", "secretName"),
        ...sources(volume).map((source) => source.get("secret", "name")),
      ]),
    ...pod.containers.flatMap(({ at, env }) => [
      ...env.map((entry) => entry.at.get("valueFrom", "secretKeyRef", "name")),
      ...at.get("envFrom").items.map((entry) => entry.get("secretRef", "name")),
    ]),
  ];
}

type Readable = "Secret" | "SecretStore" | "ServiceAccount";

/** Where other objects than Pods get at a Secret (PushSecret), or at what it is made from (ExternalSecret, SecretStore). */
function objectsReadBy({ inputs }: PlanResource): [Place, Readable][] {
  const spec = inputs.get("spec");
  const entries = [...spec.get("data").items, ...spec.get("dataFrom").items];
  return [
    [spec.get("selector", "secret", "name"), "Secret"],
    [spec.get("secretStoreRef", "name"), "SecretStore"],
    ...entries.map((entry): [Place, Readable] => [entry.get("sourceRef", "storeRef", "name"), "SecretStore"]),
    [spec.get("provider", "aws", "auth", "jwt", "serviceAccountRef", "name"), "ServiceAccount"],
  ];
}

export const credentialHasNoOtherReader: StackRule = {
  name: "credential-has-no-other-reader",
  description:
    "No Pod of the stack but the runners' uses the Secret with their credential, and nothing else reads what it comes from.",
  stack: (resources) => {
    const own: Record<Readable, Set<string>> = {
      Secret: new Set([...ownObjects(resources, "Secret"), ...ownObjects(resources, "ExternalSecret")]),
      SecretStore: ownObjects(resources, "SecretStore"),
      ServiceAccount: ownObjects(resources, "ServiceAccount"),
    };
    const problems = (resource: PlanResource, kind: Readable, places: Place[], instead: string) => {
      const namespace = resource.inputs.get("metadata", "namespace").text;
      return places
        .filter(({ text }) => own[kind].has(`${namespace}/${text}`))
        .flatMap((place) =>
          must(
            place,
            () => false,
            `another ${kind}`,
            `Give ${instead} of their own, in a namespace of their own.`,
          ),
        )
        .map((problem) => ({ ...problem, urn: resource.urn }));
    };
    return resources.flatMap((resource) => {
      if (isOwn(resource)) return [];
      const pod = podOf(resource);
      const read = objectsReadBy(resource).flatMap(([place, kind]) =>
        problems(resource, kind, [place], "these objects a store and a credential"),
      );
      if (!pod || runnerPodOf(resource)) return read;
      const account = pod.spec.get("serviceAccountName");
      return [
        ...read,
        ...problems(resource, "Secret", secretsOf(pod), "these Pods a credential"),
        ...(account.text === storeAccount
          ? problems(resource, "ServiceAccount", [account], "these Pods an account")
          : []),
      ];
    });
  },
};
