// biome-ignore-all lint/suspicious/noExplicitAny: objects of any kind
import { type KubernetesObject, objectOf } from "./objects";

/** A mistake in a plan, and the checks that find it. */
export interface Weakening {
  change: (objects: KubernetesObject[]) => void;
  kubeScore?: string;
  checkov?: string;
}

const inPod = (change: (pod: any, runner: any) => void) => (objects: KubernetesObject[]) => {
  const pod = objectOf(objects, "Deployment").spec.template.spec;
  change(pod, pod.containers[0]);
};

const without = (kind: string) => (objects: KubernetesObject[]) => {
  objects.splice(objects.indexOf(objectOf(objects, kind)), 1);
};

/** By a name that is a file's as well. */
export const weakenings: Record<string, Weakening> = {
  "a privileged container": {
    change: inPod((_, runner) => {
      runner.securityContext.privileged = true;
    }),
    kubeScore: "container-security-context-privileged",
    checkov: "CKV_K8S_16",
  },
  "a writable root": {
    change: inPod((_, runner) => {
      runner.securityContext.readOnlyRootFilesystem = false;
    }),
    kubeScore: "container-security-context-readonlyrootfilesystem",
    checkov: "CKV_K8S_22",
  },
  "a user whom other images have": {
    change: inPod((pod) => {
      pod.securityContext.runAsUser = 1001;
    }),
    kubeScore: "container-security-context-user-group-id",
    checkov: "CKV_K8S_40",
  },
  "no seccomp profile": {
    change: inPod((pod) => {
      delete pod.securityContext.seccompProfile;
    }),
    kubeScore: "container-seccomp-profile",
    checkov: "CKV_K8S_31",
  },
  "an image by tag": {
    change: inPod((_, runner) => {
      runner.image = "example.com/runner:latest";
    }),
    kubeScore: "container-image-tag",
    checkov: "CKV_K8S_43",
  },
  "memory without a limit": {
    change: inPod((_, runner) => {
      delete runner.resources.limits.memory;
    }),
    kubeScore: "container-resources",
    checkov: "CKV_K8S_13",
  },
  "disk without a limit": {
    change: inPod((_, runner) => {
      delete runner.resources.limits["ephemeral-storage"];
    }),
    kubeScore: "container-ephemeral-storage-request-and-limit",
  },
  "no CPU request": {
    change: inPod((_, runner) => {
      delete runner.resources.requests.cpu;
    }),
    checkov: "CKV_K8S_10",
  },
  "no liveness probe": {
    change: inPod((_, runner) => {
      delete runner.livenessProbe;
    }),
    checkov: "CKV_K8S_8",
  },
  "a spread of no Pods": {
    change: inPod((pod) => {
      delete pod.topologySpreadConstraints[0].labelSelector;
    }),
    kubeScore: "pod-topology-spread-constraints",
  },
  "a service account token": {
    change: inPod((pod) => {
      pod.automountServiceAccountToken = true;
    }),
    checkov: "CKV_K8S_38",
  },
  "a secret in a variable": {
    change: inPod((_, runner) => {
      const secretKeyRef = { name: "github-credential", key: "token" };
      runner.env.push({ name: "TOKEN", valueFrom: { secretKeyRef } });
    }),
    checkov: "CKV_K8S_35",
  },
  "no network policy": {
    change: without("NetworkPolicy"),
    kubeScore: "pod-networkpolicy",
    checkov: "CKV2_K8S_6",
  },
  "no disruption budget": {
    change: without("PodDisruptionBudget"),
    kubeScore: "deployment-has-poddisruptionbudget",
  },
  "a role that may do everything": {
    change: (objects) => {
      objectOf(objects, "Role").rules = [{ apiGroups: ["*"], resources: ["*"], verbs: ["*"] }];
    },
    checkov: "CKV_K8S_49",
  },
};
