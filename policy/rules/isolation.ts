import { must, type Problem, type ResourceRule } from "../plan";
import { type Container, containersNamed, type Pod, variable } from "../pods";
import { show } from "../values";
import { aboutPods } from "./pods";

/** A mount of the runner that the broker has as well, such as the lease: a job must not change what the broker relies on. */
function sharedProblems(broker: Container, runner: Container): Problem[] {
  const ofBroker = new Set(broker.mounts.map(({ volume }) => volume));
  return runner.mounts
    .filter(({ volume }) => ofBroker.has(volume))
    .flatMap(({ at, readOnly }) =>
      must(
        at.get("readOnly"),
        () => readOnly,
        "true, because the broker mounts this volume as well",
        "Mount it read-only, or give the runner a volume of its own.",
      ),
    );
}

/** The broker keeps the lease's key in its state directory. */
function stateProblems(broker: Container, { containers }: Pod): Problem[] {
  const directory = variable(broker, "BROKER_STATE_DIR").text;
  const state = broker.mounts.find(({ at }) => at.get("mountPath").text === directory)?.volume;
  return containers
    .filter(({ name }) => name !== "broker")
    .flatMap(({ mounts }) => mounts)
    .filter(({ volume }) => state !== undefined && volume === state)
    .flatMap(({ at }) =>
      must(
        at.get("name"),
        () => false,
        'a mount in the container "broker" alone',
        "Remove the mount: with the lease's key a job could take the registration of another one.",
      ),
    );
}

function wipedProblems(runner: Container): Problem[] {
  const directories = variable(runner, "WORK_DIRS");
  const wiped = (directories.text ?? "").split(":");
  return runner.mounts
    .filter(({ at, readOnly }) => !readOnly && !at.get("readOnly").isUnknown && !directories.isUnknown)
    .flatMap(({ at }) =>
      must(
        at.get("mountPath"),
        (path) => typeof path === "string" && wiped.includes(path),
        `a directory of the variable WORK_DIRS (${wiped.join(", ")}), or a read-only mount`,
        "Add the directory to WORK_DIRS, so that it is wiped between two jobs.",
      ),
    );
}

function messageProblems({ containers }: Pod): Problem[] {
  return containers.flatMap(({ at }) =>
    must(
      at.get("terminationMessagePath"),
      (path) => typeof path === "string" && path.startsWith("/root/"),
      "a file below /root, which no job may enter",
      "Set it to /root/termination-log: a job could leave a message for the next one in any other.",
    ),
  );
}

/** Everything here, and in other rules, finds the two containers by their names. */
function nameProblems(pod: Pod): Problem[] {
  const lists = { broker: "initContainers", runner: "containers" };
  return Object.entries(lists).flatMap(([name, list]) => {
    const containers = pod.spec.get(list);
    if (containers.isUnknown || containersNamed(pod, name).length === 1) return [];
    const names = containers.items.map((container) => show(container.get("name").value));
    return [
      {
        path: containers.path,
        seen: `a list of ${names.join(", ") || "nothing"}`,
        allowed: `one container of the name "${name}"`,
        remedy: "Keep the name: rules find the containers by it.",
      },
    ];
  });
}

export const jobsShareNothing: ResourceRule = {
  name: "jobs-share-nothing",
  description:
    "What a job can write to is wiped before the next one, and nothing that the broker writes to or relies on is among it.",
  resource: aboutPods((pod) => {
    const [broker] = containersNamed(pod, "broker");
    return [
      ...nameProblems(pod),
      ...(broker ? stateProblems(broker, pod) : []),
      ...containersNamed(pod, "runner").flatMap((runner) => [
        ...wipedProblems(runner),
        ...(broker ? sharedProblems(broker, runner) : []),
      ]),
      ...messageProblems(pod),
    ];
  }),
};
