import { jobsShareNothing } from "../../../../policy/rules/isolation";
import { podIsRestricted } from "../../../../policy/rules/pods";
import { rollOutLosesNoJob } from "../../../../policy/rules/rollOut";
import { noServiceAccountToken } from "../../../../policy/rules/serviceAccount";
import { unknown } from "../../../../policy/values";
import type { Draft } from "../draft";
import type { Case, RuleCases } from "../ruleCases";

const pod = "spec\\.template\\.spec\\.";
const runner = `${pod}containers\\[0\\]\\.`;

/** A case that sets one field of the runner's security context. */
const context = (changes: Record<string, unknown>, path: string) => ({
  what: `a runner with ${JSON.stringify(changes)}`,
  change: (draft: Draft) => {
    draft.runner.securityContext = { ...draft.runner.securityContext, ...changes };
  },
  says: new RegExp(`^${runner}securityContext\\.${path}`),
});

const ofPod = (changes: Record<string, unknown>, path: string) => ({
  what: `a Pod with ${JSON.stringify(changes)}`,
  change: (draft: Draft) => void Object.assign(draft.pod, changes),
  says: new RegExp(`^${pod}${path}`),
});

const volume = (kind: Record<string, unknown>) => ({
  what: `a volume ${JSON.stringify(kind)}`,
  change: (draft: Draft) => void draft.pod.volumes.push({ name: "extra", ...kind }),
  says: new RegExp(`^${pod}volumes\\[\\d+\\]\\.${Object.keys(kind)[0]}`),
});

const privileged = { securityContext: { privileged: true } };
const others: Case[] = [
  {
    what: "Pods that are none of the runners'",
    change: (draft) =>
      draft.add("kubernetes:apps/v1:DaemonSet", {
        spec: {
          template: { spec: { hostNetwork: true, containers: [{ name: "c", image: "c:1", ...privileged }] } },
        },
      }),
  },
  {
    what: "what a preview does not know yet",
    change: (draft) => {
      draft.runner.securityContext = unknown;
      draft.runner.volumeMounts[0].readOnly = unknown;
      draft.pod.automountServiceAccountToken = unknown;
      draft.pod.terminationGracePeriodSeconds = unknown;
      draft.pod.volumes = unknown;
    },
  },
];

export const podCases: RuleCases[] = [
  {
    rule: podIsRestricted,
    accepts: [
      ...others,
      {
        what: "defaults that are written out",
        change: (draft) => {
          Object.assign(draft.pod, { hostNetwork: false, hostPID: null });
          Object.assign(draft.runner.securityContext, { privileged: false, procMount: "Default" });
        },
      },
    ],
    refuses: [
      ...["hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace"].map((key) =>
        ofPod({ [key]: true }, `${key} is true\\. Allowed: false or not set`),
      ),
      ofPod({ securityContext: {} }, "containers|^.*initContainers|securityContext"),
      {
        what: "a Pod with sysctls",
        change: (draft) => {
          draft.pod.securityContext.sysctls = [{ name: "kernel.shm_rmid_forced", value: "0" }];
        },
        says: /securityContext\.sysctls\[0\] is /,
      },
      context({ privileged: true }, "privileged is true"),
      context({ allowPrivilegeEscalation: undefined }, "allowPrivilegeEscalation is not set"),
      context({ readOnlyRootFilesystem: false }, "readOnlyRootFilesystem is false"),
      context({ capabilities: { drop: ["NET_RAW"] } }, 'capabilities\\.drop is \\["NET_RAW"\\]'),
      context({ capabilities: undefined }, "capabilities\\.drop is not set"),
      context(
        { capabilities: { drop: ["ALL"], add: ["SYS_PTRACE"] } },
        'capabilities\\.add\\[0\\] is "SYS_PTRACE"',
      ),
      context({ procMount: "Unmasked" }, 'procMount is "Unmasked"'),
      context({ runAsNonRoot: false }, "runAsNonRoot is false"),
      context({ runAsUser: 0 }, "runAsUser is 0"),
      context({ seccompProfile: { type: "Unconfined" } }, 'seccompProfile\\.type is "Unconfined"'),
      context({ appArmorProfile: { type: "Unconfined" } }, 'appArmorProfile\\.type is "Unconfined"'),
      {
        what: "a port of the node",
        change: (draft) => {
          draft.broker.ports[0].hostPort = 8080;
        },
        says: /ports\[0\]\.hostPort is 8080/,
      },
      volume({ hostPath: { path: "/var/run" } }),
      volume({ persistentVolumeClaim: { claimName: "cache" } }),
      volume({ csi: { driver: "secrets-store.csi.k8s.io" } }),
      {
        what: "an emptyDir without a limit",
        change: (draft) => void draft.pod.volumes.push({ name: "extra", emptyDir: {} }),
        says: /emptyDir\.sizeLimit is not set/,
      },
      {
        what: "a broker of the runner's user",
        change: (draft) => {
          draft.broker.securityContext.runAsUser = 10001;
        },
        says: /initContainers\[0\]\.securityContext\.runAsUser is 10001\. Allowed: another user than the runner's/,
      },
      {
        what: "Pods with the runners' labels that another resource makes",
        change: (draft) => {
          const spec = structuredClone(draft.inputs("Deployment").spec);
          spec.template.spec.hostPID = true;
          draft.add("kubernetes:apps/v1:StatefulSet", { spec });
        },
        says: /hostPID is true/,
      },
      {
        what: "a problem beside what a preview does not know yet",
        from: "preview",
        change: (draft) => {
          draft.runner.securityContext.privileged = true;
        },
        says: /privileged is true/,
      },
    ],
  },
  {
    rule: jobsShareNothing,
    accepts: others,
    refuses: [
      {
        what: "a lease that a job can write to",
        change: (draft) => {
          delete draft.runner.volumeMounts[0].readOnly;
        },
        says: /volumeMounts\[0\]\.(readOnly is not set\. Allowed: true, because the broker|mountPath is "\/run\/lease")/,
      },
      {
        what: "the broker's state in the runner",
        change: (draft) =>
          draft.runner.volumeMounts.push({ name: "broker", mountPath: "/run/broker", readOnly: true }),
        says: /name is "broker"\. Allowed: a mount in the container "broker" alone/,
      },
      {
        what: "a volume of the broker's that a job can write to, although it is wiped",
        change: (draft) => draft.broker.volumeMounts.push({ name: "tmp", mountPath: "/tmp" }),
        says: /readOnly is not set\. Allowed: true, because the broker mounts this volume as well/,
      },
      {
        what: "the broker's state in another sidecar",
        change: (draft) =>
          draft.pod.initContainers.push({
            name: "metrics",
            volumeMounts: [{ name: "broker", mountPath: "/state" }],
            terminationMessagePath: "/root/termination-log",
          }),
        says: /initContainers\[1\]\.volumeMounts\[0\]\.name is "broker"/,
      },
      ...["broker", "runner"].map((name) => ({
        what: `a Pod whose ${name} is called otherwise, because it could not be judged`,
        change: (draft: Draft) => {
          draft[name as "broker" | "runner"].name = "renamed";
        },
        says: new RegExp(
          `is a list of .*"renamed"\\. Allowed: one container of the name "${name}"|WORK_DIRS`,
        ),
      })),
      {
        what: "a cache that is not wiped",
        change: (draft) => {
          draft.pod.volumes.push({ name: "cache", emptyDir: { sizeLimit: "1Gi" } });
          draft.runner.volumeMounts.push({ name: "cache", mountPath: "/cache" });
        },
        says: /mountPath is "\/cache"\. Allowed: a directory of the variable WORK_DIRS \(\/runner, /,
      },
      {
        what: "the message of a container by default",
        change: (draft) => {
          delete draft.runner.terminationMessagePath;
        },
        says: /terminationMessagePath is not set/,
      },
    ],
  },
  {
    rule: noServiceAccountToken,
    accepts: others,
    refuses: [
      ofPod({ automountServiceAccountToken: true }, "automountServiceAccountToken is true"),
      {
        what: "an account that gives its token to every Pod",
        change: (draft) => {
          draft.inputs("ServiceAccount").automountServiceAccountToken = undefined;
        },
        says: /^automountServiceAccountToken is not set/,
      },
      {
        what: "an AWS role of the account",
        change: (draft) => {
          draft.inputs("ServiceAccount").metadata.annotations = {
            "eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/x",
          };
        },
        says: /^metadata\.annotations\["eks\.amazonaws\.com\/role-arn"\] is "arn:/,
      },
      {
        what: "a projected token without podPerJob",
        change: (draft) =>
          draft.pod.volumes.push({
            name: "t",
            projected: { sources: [{ serviceAccountToken: { path: "t" } }] },
          }),
        says: /serviceAccountToken is \{"path":"t"\}\. Allowed: no token, but with podPerJob/,
      },
      {
        what: "the token of podPerJob in the runner",
        from: "podPerJob",
        change: (draft) =>
          draft.runner.volumeMounts.push({ name: "account", mountPath: "/run/account", readOnly: true }),
        says: /name is "account"\. Allowed: a mount in the container "broker" alone/,
      },
      {
        what: "a token of a day",
        from: "podPerJob",
        change: (draft) => {
          const { sources } = draft.pod.volumes.find(
            ({ name }: { name: string }) => name === "account",
          ).projected;
          sources[0].serviceAccountToken.expirationSeconds = 86_400;
        },
        says: /expirationSeconds is 86400\. Allowed: at most 3600/,
      },
    ],
  },
  {
    rule: rollOutLosesNoJob,
    accepts: [
      ...others,
      {
        what: "no unavailable runner in percent",
        change: (draft) => {
          draft.inputs("Deployment").spec.strategy.rollingUpdate.maxUnavailable = "0%";
        },
      },
    ],
    refuses: [
      ofPod(
        { terminationGracePeriodSeconds: 30 },
        "terminationGracePeriodSeconds is 30\\. Allowed: 600 seconds or more",
      ),
      {
        what: "a longest job that the Pod does not wait for",
        change: (draft) => draft.setVariable(draft.broker, "MAX_JOB_MINUTES", "60"),
        says: /is 600\. Allowed: 3660 seconds or more, for MAX_JOB_MINUTES 60/,
      },
      {
        what: "a roll-out that stops everything first",
        change: (draft) => {
          draft.inputs("Deployment").spec.strategy.type = "Recreate";
        },
        says: /^spec\.strategy\.type is "Recreate"/,
      },
      {
        what: "a roll-out that stops an old runner first",
        change: (draft) => {
          draft.inputs("Deployment").spec.strategy.rollingUpdate.maxUnavailable = "25%";
        },
        says: /maxUnavailable is "25%"\. Allowed: 0/,
      },
    ],
  },
];
