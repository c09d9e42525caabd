import { must, type PlanResource, type Problem, type ResourceRule } from "../plan";
import { type Container, containersNamed, type Pod, runnerPodOf } from "../pods";
import { type Place, unknown, type Value } from "../values";

const absentOr =
  (...allowed: Value[]) =>
  (value: Value) =>
    value === undefined || value === null || allowed.includes(value);
const exactly = (allowed: Value) => (value: Value) => value === allowed;

/** A rule about each Pod of the runners, and nothing for any other resource. */
export const aboutPods =
  (check: (pod: Pod, resource: PlanResource) => Problem[]) =>
  (resource: PlanResource): Problem[] => {
    const pod = runnerPodOf(resource);
    return pod ? check(pod, resource) : [];
  };

const remove = "Remove it: job code must have no way to the node or to another container.";

const hostProblems = ({ spec }: Pod): Problem[] => [
  ...["hostNetwork", "hostPID", "hostIPC"].flatMap((key) =>
    must(spec.get(key), absentOr(false), "false or not set", remove),
  ),
  ...must(
    spec.get("shareProcessNamespace"),
    absentOr(false),
    "false or not set",
    "Remove it: jobs would see the broker's processes, which hold the GitHub credential.",
  ),
  ...spec
    .get("securityContext", "sysctls")
    .items.flatMap((sysctl) => must(sysctl, () => false, "no sysctls", remove)),
];

/** A setting of the container, or else of its Pod. */
function effective(pod: Pod, container: Container, ...keys: string[]): Place {
  const own = container.at.get("securityContext", ...keys);
  const common = pod.spec.get("securityContext", ...keys);
  return own.isSet || !common.isSet ? own : common;
}

function containerProblems(pod: Pod, container: Container): Problem[] {
  const own = (...keys: string[]) => container.at.get("securityContext", ...keys);
  const given = (...keys: string[]) => effective(pod, container, ...keys);
  const drop = own("capabilities", "drop");
  return [
    ...must(own("privileged"), absentOr(false), "false or not set", remove),
    ...must(
      own("allowPrivilegeEscalation"),
      exactly(false),
      "false",
      "Set it, so that no program gains rights by being run.",
    ),
    ...must(
      own("readOnlyRootFilesystem"),
      exactly(true),
      "true",
      "Set it, so that a job can write only where it is wiped.",
    ),
    ...must(
      drop,
      (value) => Array.isArray(value) && (value.includes("ALL") || value.includes(unknown)),
      'a list with "ALL"',
      "Drop every capability.",
    ),
    ...own("capabilities", "add").items.flatMap((capability) =>
      must(capability, () => false, "no added capability", "Remove it."),
    ),
    ...must(own("procMount"), absentOr("Default"), '"Default" or not set', remove),
    ...must(given("runAsNonRoot"), exactly(true), "true", "Set it on the Pod."),
    ...must(
      given("runAsUser"),
      (value) => typeof value === "number" && value > 0,
      "the number of a user that is not root",
      "Set the number of a user of the image; Kubernetes proves runAsNonRoot only for numbers.",
    ),
    ...must(
      given("seccompProfile", "type"),
      (value) => value === "RuntimeDefault" || value === "Localhost",
      '"RuntimeDefault" or "Localhost"',
      "Set it on the Pod.",
    ),
    ...must(
      given("appArmorProfile", "type"),
      absentOr("RuntimeDefault", "Localhost"),
      '"RuntimeDefault", "Localhost" or not set',
      "Remove it.",
    ),
    ...container.at
      .get("ports")
      .items.flatMap((port) => must(port.get("hostPort"), absentOr(0), "not set", remove)),
  ];
}

/** Volumes that hold nothing of the node and end with the Pod. */
const volumeKinds = ["emptyDir", "secret", "projected", "configMap", "downwardAPI"];

function volumeProblems({ spec }: Pod): Problem[] {
  return spec
    .get("volumes")
    .items.flatMap((volume) => [
      ...volume.properties
        .filter(({ key, isSet }) => isSet && key !== "name" && !volumeKinds.includes(key))
        .flatMap((kind) =>
          must(
            kind,
            () => false,
            `a volume of the kinds ${volumeKinds.join(", ")}`,
            "Use an emptyDir with a sizeLimit: what outlives the Pod or belongs to the node is shared between jobs.",
          ),
        ),
      ...(volume.get("emptyDir").isSet
        ? must(
            volume.get("emptyDir", "sizeLimit"),
            (value) => typeof value === "string" || typeof value === "number",
            'a quantity, such as "1Gi"',
            "Set a limit, so that one job cannot fill the node's disk or memory.",
          )
        : []),
    ]);
}

function userProblems(pod: Pod): Problem[] {
  const user = (container: Container) => effective(pod, container, "runAsUser");
  return containersNamed(pod, "broker").flatMap((broker) =>
    containersNamed(pod, "runner").flatMap((runner) =>
      must(
        user(broker),
        (value) => user(runner).isUnknown || value !== user(runner).value,
        "another user than the runner's",
        "Give the broker a user of its own: a job may read files and signal processes of its own user.",
      ),
    ),
  );
}

export const podIsRestricted: ResourceRule = {
  name: "pod-is-restricted",
  description:
    "Pods of the runners meet Pod Security `restricted`, on a read-only root, with volumes that end with the Pod, and " +
    "with a user of its own for the broker.",
  resource: aboutPods((pod) => [
    ...hostProblems(pod),
    ...volumeProblems(pod),
    ...pod.containers.flatMap((container) => containerProblems(pod, container)),
    ...userProblems(pod),
  ]),
};
