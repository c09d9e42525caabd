// biome-ignore-all lint/suspicious/noExplicitAny: a plan holds resources of any shape
import { credentialHasNoOtherReader } from "../../../../policy/rules/credential";
import { credentialComesByReference } from "../../../../policy/rules/externalSecrets";
import { noServiceAccountToken } from "../../../../policy/rules/serviceAccount";
import { unknown } from "../../../../policy/values";
import type { Draft } from "../draft";
import type { Case, RuleCases } from "../ruleCases";

const from = "externalSecrets" as const;
const api = "kubernetes:external-secrets.io/v1:";
const namespace = "digdag-runner-stg";
const secret = "github-credential-external";

const changed = (what: string, kind: string, change: (spec: any) => void, says: RegExp) => ({
  what,
  from,
  change: (draft: Draft) => change(draft.inputs(kind).spec),
  says,
});
const inExternalSecret = (what: string, change: (spec: any) => void, says: RegExp) =>
  changed(what, "ExternalSecret", change, says);
const inStore = (what: string, change: (aws: any) => void, says: RegExp) =>
  changed(what, "SecretStore", ({ provider }) => change(provider.aws), says);

/** Something of the stack that is none of ours, by default in the runners' namespace. */
const other = (what: string, type: string, spec: object, inNamespace = namespace): Case => ({
  what,
  from,
  change: (draft) => draft.add(type, { metadata: { name: "other", namespace: inNamespace }, spec }),
});
const pod = (spec: object) => ({ template: { metadata: { labels: { app: "inspector" } }, spec } });
const deployment = "kubernetes:apps/v1:Deployment";
const storeRef = { kind: "SecretStore", name: "digdag-runner" };

export const externalSecretCases: RuleCases[] = [
  {
    rule: credentialComesByReference,
    accepts: [
      {
        what: "a parameter that is not known yet",
        from,
        change: (draft) => {
          draft.inputs("ExternalSecret").spec.data[0].remoteRef.key = unknown;
        },
      },
      other("a store of the whole cluster that is none of ours", `${api}ClusterSecretStore`, {}),
    ],
    refuses: [
      inExternalSecret(
        "a value in the template",
        (spec) => {
          spec.target.template.data = { token: "x" };
        },
        /^spec\.target\.template\.data is .*Allowed: a template of metadata and type alone/,
      ),
      inExternalSecret(
        "a template from elsewhere",
        (spec) => {
          spec.target.template.templateFrom = [{ literal: "token: x" }];
        },
        /^spec\.target\.template\.templateFrom is /,
      ),
      inExternalSecret(
        "whatever the store finds",
        (spec) => {
          spec.dataFrom = [{ find: { path: "/" } }];
        },
        /^spec\.dataFrom is .*Allowed: keys that are named one by one/,
      ),
      inExternalSecret(
        "no parameter",
        (spec) => {
          spec.data[0].remoteRef = {};
        },
        /^spec\.data\[0\]\.remoteRef\.key is not set\. Allowed: the name of a parameter/,
      ),
      inExternalSecret(
        "another source for one key",
        (spec) => {
          spec.data[0].sourceRef = { storeRef: { kind: "ClusterSecretStore", name: "all" } };
        },
        /^spec\.data\[0\]\.sourceRef is /,
      ),
      inExternalSecret(
        "a store of the whole cluster",
        (spec) => {
          spec.secretStoreRef.kind = "ClusterSecretStore";
        },
        /^spec\.secretStoreRef\.kind is "ClusterSecretStore"\. Allowed: "SecretStore"/,
      ),
      ...["Merge", "Orphan"].map((policy) =>
        inExternalSecret(
          `the creation policy ${policy}`,
          (spec) => {
            spec.target.creationPolicy = policy;
          },
          /^spec\.target\.creationPolicy is "\w+"\. Allowed: "Owner"/,
        ),
      ),
      inStore(
        "another service",
        (aws) => {
          aws.service = "SecretsManager";
        },
        /^spec\.provider\.aws\.service is "SecretsManager"/,
      ),
      inStore(
        "an access key",
        (aws) => {
          aws.auth = { secretRef: { accessKeyIDSecretRef: { name: "key", key: "id" } } };
        },
        /^spec\.provider\.aws\.auth\.secretRef is .*Allowed: a service account with a role/,
      ),
      inStore(
        "an account of another namespace",
        (aws) => {
          aws.auth.jwt.serviceAccountRef.namespace = "elsewhere";
        },
        /^spec\.provider\.aws\.auth\.jwt\.serviceAccountRef\.namespace is "elsewhere"/,
      ),
      changed(
        "another provider",
        "SecretStore",
        (spec) => {
          spec.provider = { fake: { data: [] } };
        },
        /^spec\.provider\.aws\.service is not set/,
      ),
      ...["ClusterSecretStore", "ClusterExternalSecret", "PushSecret"].map((kind) => ({
        what: `a ${kind} of ours`,
        from,
        change: (draft: Draft) => draft.addOwn(`${api}${kind}`, { kind, metadata: { namespace } }),
        says: new RegExp(`^kind is "${kind}"\\. Allowed: an ExternalSecret and a SecretStore`),
      })),
    ],
  },
  {
    rule: credentialHasNoOtherReader,
    accepts: [
      other("a store of others with their own account", `${api}SecretStore`, {
        provider: { aws: { auth: { jwt: { serviceAccountRef: { name: "other" } } } } },
      }),
      other(
        "an ExternalSecret of another namespace whose store has the same name",
        `${api}ExternalSecret`,
        { secretStoreRef: storeRef },
        "elsewhere",
      ),
    ],
    refuses: [
      {
        ...other(
          "a volume with the operator's Secret",
          deployment,
          pod({ volumes: [{ name: "s", secret: { secretName: secret } }] }),
        ),
        says: /secret\.secretName is "github-credential-external"\. Allowed: another Secret/,
      },
      {
        ...other("another ExternalSecret by our store", `${api}ExternalSecret`, { secretStoreRef: storeRef }),
        says: /^spec\.secretStoreRef\.name is "digdag-runner"\. Allowed: another SecretStore/,
      },
      {
        ...other("our store for one key of another ExternalSecret", `${api}ExternalSecret`, {
          secretStoreRef: { name: "other" },
          data: [{ secretKey: "a", remoteRef: { key: "/a" }, sourceRef: { storeRef } }],
        }),
        says: /^spec\.data\[0\]\.sourceRef\.storeRef\.name is "digdag-runner"/,
      },
      {
        ...other("a PushSecret of our Secret", `${api}PushSecret`, {
          selector: { secret: { name: secret } },
        }),
        says: /^spec\.selector\.secret\.name is "github-credential-external"/,
      },
      {
        ...other("another store by our account", `${api}SecretStore`, {
          provider: { aws: { auth: { jwt: { serviceAccountRef: { name: "digdag-runner-secret-store" } } } } },
        }),
        says: /serviceAccountRef\.name is "digdag-runner-secret-store"\. Allowed: another ServiceAccount/,
      },
      {
        ...other(
          "Pods by our store's account",
          deployment,
          pod({ serviceAccountName: "digdag-runner-secret-store" }),
        ),
        says: /^spec\.template\.spec\.serviceAccountName is "digdag-runner-secret-store"/,
      },
    ],
  },
  {
    rule: noServiceAccountToken,
    accepts: [],
    refuses: [
      {
        what: "runners by the store's account",
        from,
        change: (draft) => {
          draft.pod.serviceAccountName = "digdag-runner-secret-store";
        },
        says: /^spec\.template\.spec\.serviceAccountName is "digdag-runner-secret-store"\. Allowed: an account without an AWS role/,
      },
      {
        what: "a token of the store's account in every Pod",
        from,
        change: (draft) => {
          draft.account("digdag-runner-secret-store").automountServiceAccountToken = true;
        },
        says: /^automountServiceAccountToken is true\. Allowed: false/,
      },
      {
        what: "the role of the store on the runners' account",
        from,
        change: (draft) => {
          draft.account("digdag-runner").metadata.annotations = { "eks.amazonaws.com/role-arn": "arn:x" };
        },
        says: /role-arn"\] is "arn:x"\. Allowed: no role/,
      },
    ],
  },
];
