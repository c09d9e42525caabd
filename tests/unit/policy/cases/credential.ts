import {
  credentialHasNoOtherReader,
  credentialIsTheBrokersAlone,
  noSecretInEnvironment,
} from "../../../../policy/rules/credential";
import { noCredentialInOutputs, noCredentialInTheOpen } from "../../../../policy/rules/credentialText";
import type { Draft } from "../draft";
import type { RuleCases } from "../ruleCases";

// Shaped like GitHub's, and put together here so that no scanner takes them for real ones.
const classic = `ghp_${"A1b2".repeat(9)}`;
const fineGrained = `github_pat_${"A1b2".repeat(20)}`;
const installation = `ghs_${"A1b2".repeat(9)}`;
const key = (kind: string) => `-----BEGIN ${kind}PRIVATE KEY-----\nMIIE\n-----END ${kind}PRIVATE KEY-----\n`;
const base64 = (text: string) => Buffer.from(text).toString("base64");

const stack = "pulumi:pulumi:Stack";
const secret = "github-credential";
const namespace = "digdag-runner-stg";
const deployment = "kubernetes:apps/v1:Deployment";
const configMap = "kubernetes:core/v1:ConfigMap";

const inspector = (spec: object, namespaceOfIt = namespace) => ({
  metadata: { name: "inspector", namespace: namespaceOfIt },
  spec: { template: { metadata: { labels: { app: "inspector" } }, spec } },
});

const mountInRunner = (draft: Draft, volume: string) =>
  draft.runner.volumeMounts.push({ name: volume, mountPath: "/run/secrets/github", readOnly: true });

export const credentialCases: RuleCases[] = [
  {
    rule: noCredentialInTheOpen,
    accepts: [
      {
        what: "another Kubernetes Secret with a key",
        change: (draft) => draft.add("kubernetes:core/v1:Secret", { data: { key: base64(key("RSA ")) } }),
      },
      {
        what: "the GitHub provider's token",
        change: (draft) => draft.add("pulumi:providers:github", { token: classic }),
      },
      {
        what: "a parameter that SSM encrypts",
        change: (draft) =>
          draft.add("aws:ssm/parameter:Parameter", { type: "SecureString", value: key("RSA ") }),
      },
      {
        what: "a certificate's private key",
        change: (draft) => draft.add("aws:acm/certificate:Certificate", { privateKey: key("") }),
      },
      {
        what: "certificates and words that only begin alike",
        change: (draft) =>
          draft.add(configMap, {
            data: {
              ca: key("").replaceAll("PRIVATE KEY", "CERTIFICATE"),
              text: "ghp_short, github_pat_ and ghosts",
            },
          }),
      },
    ],
    refuses: [
      ...[
        ["a classic token", classic, "a personal access token"],
        ["a fine-grained token", `token=${fineGrained}`, "a personal access token"],
        ["an installation token", installation, "a GitHub token"],
        ["an App's key", key("RSA "), "a private key"],
        ["a key in PKCS#8", key(""), "a private key"],
        ["a token in base64", base64(classic), "a personal access token"],
        ["a key in base64 with line breaks", base64(key("RSA ")).replace(/.{30}/g, "$&\n"), "a private key"],
      ].map(([what, text, seen]) => ({
        what: `${what} in a ConfigMap`,
        change: (draft: Draft) => draft.add(configMap, { data: { token: text } }),
        says: new RegExp(`^data\\.token is ${seen} \\(not shown\\)\\.(?!.*(A1b2|MIIE))`, "s"),
      })),
      {
        what: "a token in a variable of the broker",
        change: (draft) => draft.setVariable(draft.broker, "EXTRA", classic),
        says: /^spec\.template\.spec\.initContainers\[0\]\.env\[\d+\]\.value is a personal access token/,
      },
      {
        what: "a token in an annotation of the Secret itself",
        change: (draft) => {
          draft.inputs("Secret").metadata.annotations.copy = classic;
        },
        says: /^metadata\.annotations\.copy is a personal/,
      },
      {
        what: "a token in the image's build arguments",
        change: (draft) => {
          draft.inputs("Image").build.args.TOKEN = classic;
        },
        says: /^build\.args\.TOKEN is a personal/,
      },
      {
        what: "a token in a parameter that SSM does not encrypt",
        change: (draft) => draft.add("aws:ssm/parameter:Parameter", { type: "String", value: classic }),
        says: /^value is a personal/,
      },
      {
        what: "a token in an Actions variable",
        change: (draft) => draft.add("github:index/actionsVariable:ActionsVariable", { value: classic }),
        says: /^value is a personal/,
      },
    ],
  },
  {
    rule: noCredentialInOutputs,
    accepts: [
      {
        what: "an output that names the parameter",
        change: (draft) => draft.add(stack, {}, { githubTokenParameter: "/digdag-runner/stg/github-token" }),
      },
    ],
    refuses: [
      {
        what: "a token, whatever the output is called",
        change: (draft) => draft.add(stack, {}, { help: [`curl -H "Authorization: ${classic}"`] }),
        says: /^help\[0\] is a personal access token \(not shown\)/,
      },
      {
        what: "a key in an output of a component",
        change: (draft) => draft.add("digdag-runner:index:RunnerSecret", {}, { key: key("RSA ") }),
        says: /^key is a private key/,
      },
    ],
  },
  {
    rule: noSecretInEnvironment,
    accepts: [
      {
        what: "a variable that says where a secret is",
        change: (draft) => draft.setVariable(draft.runner, "DIGDAG_TOKEN_FILE", "/run/token"),
      },
      {
        what: "variables from a ConfigMap",
        change: (draft) => {
          draft.runner.envFrom = [{ configMapRef: { name: "settings" } }];
        },
      },
      {
        what: "an empty variable",
        change: (draft) => draft.setVariable(draft.runner, "DIGDAG_PASSWORD", ""),
      },
    ],
    refuses: [
      {
        what: "a literal secret by its name",
        change: (draft) => draft.setVariable(draft.runner, "DIGDAG_PASSWORD", "hunter2"),
        says: /^[\w.[\]]+ is the value of DIGDAG_PASSWORD \(not shown\)\.(?!.*hunter2)/,
      },
      {
        what: "a proxy with a password",
        change: (draft) => draft.setVariable(draft.runner, "HTTPS_PROXY", "http://me:hunter2@proxy:3128"),
        says: /is a URL with a user name or password in HTTPS_PROXY \(not shown\)\.(?!.*hunter2)/,
      },
      {
        what: "a proxy with a user name alone",
        change: (draft) => draft.setVariable(draft.runner, "HTTPS_PROXY", "http://me@proxy:3128"),
        says: /is a URL with a user name or password in HTTPS_PROXY/,
      },
      {
        what: "a value from a Secret",
        change: (draft) =>
          draft.broker.env.push({ name: "X", valueFrom: { secretKeyRef: { name: secret, key: "token" } } }),
        says: /\.valueFrom\.secretKeyRef is \{"name":"github-credential"/,
      },
      {
        what: "a whole Secret",
        change: (draft) => {
          draft.runner.envFrom = [{ secretRef: { name: secret } }];
        },
        says: /containers\[0\]\.envFrom\[0\]\.secretRef is /,
      },
    ],
  },
  {
    rule: credentialIsTheBrokersAlone,
    accepts: [],
    refuses: [
      {
        what: "the credential in the runner",
        change: (draft) => mountInRunner(draft, "credential"),
        says: /^spec\.template\.spec\.containers\[0\]\.volumeMounts\[\d\]\.name is "credential"\. Allowed: a mount in the container "broker" alone/,
      },
      {
        what: "another Secret in the runner, as a part of a projected volume",
        change: (draft) => {
          draft.pod.volumes.push({
            name: "all",
            projected: { defaultMode: 0o440, sources: [{ secret: { name: secret } }] },
          });
          mountInRunner(draft, "all");
        },
        says: /is "all"\. Allowed: a mount in the container "broker" alone/,
      },
      {
        what: "the credential in another sidecar",
        change: (draft) => draft.pod.initContainers.push({ ...draft.broker, name: "metrics" }),
        says: /initContainers\[1\]\.volumeMounts\[0\]\.name is "credential"/,
      },
      {
        what: "a credential that the broker can write",
        change: (draft) => {
          draft.broker.volumeMounts[0].readOnly = false;
        },
        says: /volumeMounts\[0\]\.readOnly is false\. Allowed: true/,
      },
      ...[0o444, undefined].map((mode) => ({
        what: `the files' mode ${mode ?? "by default"}`,
        change: (draft: Draft) => {
          draft.pod.volumes[0].secret.defaultMode = mode;
        },
        says: /volumes\[0\]\.secret\.defaultMode is (292|not set)/,
      })),
    ],
  },
  {
    rule: credentialHasNoOtherReader,
    accepts: [
      {
        what: "a Secret of the same name in another namespace",
        change: (draft) =>
          draft.add(
            deployment,
            inspector({ volumes: [{ name: "s", secret: { secretName: secret } }] }, "elsewhere"),
          ),
      },
      {
        what: "Pods of the same namespace with another Secret",
        change: (draft) => {
          draft.add("kubernetes:core/v1:Secret", { metadata: { name: "other", namespace } });
          draft.add(deployment, inspector({ volumes: [{ name: "s", secret: { secretName: "other" } }] }));
        },
      },
    ],
    refuses: [
      {
        what: "a volume",
        change: (draft) =>
          draft.add(deployment, inspector({ volumes: [{ name: "s", secret: { secretName: secret } }] })),
        says: /^spec\.template\.spec\.volumes\[0\]\.secret\.secretName is "github-credential"/,
      },
      {
        what: "a projected volume of a CronJob",
        change: (draft) =>
          draft.add("kubernetes:batch/v1:CronJob", {
            metadata: { namespace },
            spec: {
              jobTemplate: {
                spec: {
                  template: {
                    spec: {
                      volumes: [{ name: "s", projected: { sources: [{ secret: { name: secret } }] } }],
                    },
                  },
                },
              },
            },
          }),
        says: /sources\[0\]\.secret\.name is "github-credential"/,
      },
      {
        what: "a variable",
        change: (draft) =>
          draft.add(
            deployment,
            inspector({
              containers: [
                {
                  name: "c",
                  env: [{ name: "T", valueFrom: { secretKeyRef: { name: secret, key: "token" } } }],
                },
              ],
            }),
          ),
        says: /secretKeyRef\.name is "github-credential"/,
      },
      {
        what: "all variables",
        change: (draft) =>
          draft.add(
            deployment,
            inspector({ containers: [{ name: "c", envFrom: [{ secretRef: { name: secret } }] }] }),
          ),
        says: /secretRef\.name is "github-credential"/,
      },
    ],
  },
];
