import { type CredentialKind, credentialSecrets } from "./credential";
import { kubernetesLabels } from "./identity";

/** Of the External Secrets Operator's objects: what it serves from version 0.17 on, and nothing older (its release notes). */
export const externalSecretsApi = "external-secrets.io/v1";

/** The service account by which the operator takes a role for our store. No Pod runs as it. */
export const storeAccount = "digdag-runner-secret-store";

/** The store of the runners' namespace. */
export const secretStore = "digdag-runner";

/** How often the operator reads the parameter, as Go writes durations, so that the API server has nothing to rewrite. */
const refreshInterval = "5m0s";

/**
 * The Kubernetes Secret that the operator makes, which bears the ExternalSecret's name. Another name than the one that Pulumi makes:
 * the operator adopts a Secret of its name that has no owner ("Lifecycle", Owner, of its documentation), and Pulumi would then
 * delete the adopted one as its own. So a stack that changes its delivery gets a new Secret, then new Pods, and only then loses
 * the old Secret, in both directions.
 */
export const externalSecretName = (kind: CredentialKind) => `${credentialSecrets[kind].name}-external`;

/**
 * Metadata of an object that the engine waits for: its condition Ready says that the operator could do what it asks for
 * (`pulumi.com/waitFor`, in the provider for Kubernetes since 4.18: "Improved Kubernetes Await Logic" in Pulumi's blog).
 */
export function awaitedMetadata<Text>(environment: string, name: string, namespace: Text) {
  return {
    name,
    namespace,
    labels: kubernetesLabels(environment),
    annotations: { "pulumi.com/waitFor": "condition=Ready" },
  };
}

/**
 * Where the parameter is. With `account` the operator asks for a token of that service account, and takes the role in its
 * annotation (IRSA); without, it reads as itself, which is the only way with EKS Pod Identity: the operator cannot act for an
 * account that has its role by Pod Identity ("AWS Access" of its documentation). The account belongs to the store's own namespace.
 */
export function secretStoreSpec<Text>(region: Text, account?: string) {
  const auth = account === undefined ? {} : { auth: { jwt: { serviceAccountRef: { name: account } } } };
  return { provider: { aws: { service: "ParameterStore", region, ...auth } } };
}

/** What is read, and the Secret that it becomes: the value as it is in the parameter, which only the broker looks at. */
export function externalSecretSpec<Text>(environment: string, kind: CredentialKind, parameter: Text) {
  return {
    refreshInterval,
    secretStoreRef: { kind: "SecretStore", name: secretStore },
    target: {
      name: externalSecretName(kind),
      // It goes with the ExternalSecret, but stays when the parameter is lost: the brokers still have to delete their runners.
      creationPolicy: "Owner",
      deletionPolicy: "Retain",
      template: {
        type: "Opaque",
        metadata: {
          labels: { ...kubernetesLabels(environment), "app.kubernetes.io/managed-by": "external-secrets" },
        },
      },
    },
    data: [{ secretKey: credentialSecrets[kind].key, remoteRef: { key: parameter } }],
  };
}
