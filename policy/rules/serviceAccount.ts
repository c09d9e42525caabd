import { storeAccount } from "../../components/externalSecret";
import { isOwn, kindOf, must, type Problem, type ResourceRule } from "../plan";
import { containersNamed, type Pod, variable } from "../pods";
import type { Place } from "../values";
import { onlyInBroker, sources, volumesWith } from "./credential";
import { aboutPods } from "./pods";

/** What `podPerJob` gives a Pod to delete itself with is good for this long; the API server refuses less than ten minutes. */
const tokenSeconds = 3600;

const tokensIn = (volume: Place): Place[] =>
  sources(volume)
    .map((source) => source.get("serviceAccountToken"))
    .filter(({ isSet }) => isSet);

function podProblems(pod: Pod): Problem[] {
  const remedy = "Remove it: a job that can read the token acts in the cluster with it.";
  return [
    ...must(
      pod.spec.get("automountServiceAccountToken"),
      (value) => value === false,
      "false",
      "Set it: a job that can read the token acts in the cluster with it.",
    ),
    ...must(
      pod.spec.get("serviceAccountName"),
      (name) => name !== storeAccount,
      "an account without an AWS role",
      "Remove it: the role of this account reads the credential.",
    ),
    ...onlyInBroker(
      pod,
      volumesWith(pod, (volume) => tokensIn(volume).length > 0),
      remedy,
    ),
    ...pod.spec
      .get("volumes")
      .items.flatMap(tokensIn)
      .flatMap((token) => tokenProblems(pod, token)),
  ];
}

function tokenProblems(pod: Pod, token: Place): Problem[] {
  const modes = containersNamed(pod, "broker").map((broker) => variable(broker, "POD_PER_JOB"));
  return [
    ...must(
      token,
      () => modes.some((mode) => mode.isUnknown || mode.text === "1"),
      "no token, but with podPerJob",
      "Remove the volume, or set podPerJob.",
    ),
    ...must(
      token.get("expirationSeconds"),
      // Not set is an hour.
      (seconds) => seconds === undefined || seconds === null || Number(seconds) <= tokenSeconds,
      `at most ${tokenSeconds}`,
      "Lower it: a token that was copied is good until then.",
    ),
  ];
}

export const noServiceAccountToken: ResourceRule = {
  name: "no-service-account-token",
  description:
    "Runners get no service account token and no AWS role; with `podPerJob` one token of an hour that the broker alone mounts.",
  resource: (resource) => [
    ...aboutPods(podProblems)(resource),
    ...(isOwn(resource) && kindOf(resource) === "ServiceAccount"
      ? [
          ...must(
            resource.inputs.get("automountServiceAccountToken"),
            (value) => value === false,
            "false",
            "Set it, so that no Pod gets a token by forgetting to refuse it.",
          ),
          // The account by which the External Secrets Operator takes its role is no Pod's; see podProblems.
          ...(resource.inputs.get("metadata", "name").text === storeAccount
            ? []
            : must(
                resource.inputs.get("metadata", "annotations", "eks.amazonaws.com/role-arn"),
                (value) => value === undefined || value === null,
                "no role",
                "Remove the annotation: every job would act in AWS with that role.",
              )),
        ]
      : []),
  ],
};
