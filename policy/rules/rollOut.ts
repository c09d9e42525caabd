import { gracePeriodSeconds } from "../../components/podManifest";
import { isOwn, kindOf, must, type ResourceRule } from "../plan";
import { containersNamed, variable } from "../pods";
import { aboutPods } from "./pods";

export const rollOutLosesNoJob: ResourceRule = {
  name: "roll-out-loses-no-job",
  description:
    "A Pod that is asked to stop may end its longest job, and no runner is stopped before its successor is ready.",
  resource: (resource) => [
    ...aboutPods((pod) =>
      containersNamed(pod, "broker").flatMap((broker) => {
        const minutes = variable(broker, "MAX_JOB_MINUTES").number;
        if (minutes === undefined) return [];
        const needed = gracePeriodSeconds(minutes);
        return must(
          pod.spec.get("terminationGracePeriodSeconds"),
          (seconds) => typeof seconds === "number" && seconds >= needed,
          `${needed} seconds or more, for MAX_JOB_MINUTES ${minutes}`,
          "Raise it, or lower maxJobMinutes: the kubelet kills the job that is left then.",
        );
      }),
    )(resource),
    ...(isOwn(resource) && kindOf(resource) === "Deployment"
      ? [
          ...must(
            resource.inputs.get("spec", "strategy", "type"),
            (type) => type === "RollingUpdate",
            '"RollingUpdate"',
            "Set it.",
          ),
          ...must(
            resource.inputs.get("spec", "strategy", "rollingUpdate", "maxUnavailable"),
            (value) => value === 0 || value === "0" || value === "0%",
            "0",
            "Set it, so that an image that does not start stops no runner that works.",
          ),
        ]
      : []),
  ],
};
