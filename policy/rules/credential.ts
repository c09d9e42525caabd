import { must, ownObjects, type Problem, type ResourceRule, type StackRule } from "../plan";
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
function secretsOf(pod: Pod | undefined): Place[] {
  if (!pod) return [];
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

export const credentialHasNoOtherReader: StackRule = {
  name: "credential-has-no-other-reader",
  description: "No Pod of the stack but the runners' uses the Secret with their credential.",
  stack: (resources) => {
    const secrets = ownObjects(resources, "Secret");
    return resources
      .filter((resource) => !runnerPodOf(resource))
      .flatMap((resource) => {
        const namespace = resource.inputs.get("metadata", "namespace").text;
        return secretsOf(podOf(resource))
          .filter(({ text }) => secrets.has(`${namespace}/${text}`))
          .flatMap((secret) =>
            must(
              secret,
              () => false,
              "another Secret",
              "Give these Pods a credential of their own, in a namespace of their own.",
            ),
          )
          .map((problem) => ({ ...problem, urn: resource.urn }));
      });
  },
};
