import { networkIsLimited, networkStaysLimited } from "../../../../policy/rules/network";
import { unknown } from "../../../../policy/values";
import type { Draft } from "../draft";
import type { RuleCases } from "../ruleCases";

const type = "kubernetes:networking.k8s.io/v1:NetworkPolicy";
const anywhere = { to: [{ ipBlock: { cidr: "0.0.0.0/0" } }] };

const other = (spec: object, namespace = "digdag-runner-stg") => ({
  metadata: { name: "other", namespace },
  spec: { podSelector: {}, policyTypes: ["Egress"], ...spec },
});

const egress = (rule: object) => (draft: Draft) => void draft.inputs("NetworkPolicy").spec.egress.push(rule);

export const networkCases: RuleCases[] = [
  {
    rule: networkIsLimited,
    accepts: [
      {
        what: "a Service of the cluster",
        change: egress({ to: [{ namespaceSelector: {} }], ports: [{ port: 443 }] }),
      },
      { what: "a block of the company's", change: egress({ to: [{ ipBlock: { cidr: "10.0.0.0/8" } }] }) },
      {
        what: "more than instance metadata excepted",
        change: egress({ to: [{ ipBlock: { cidr: "128.0.0.0/1", except: ["169.0.0.0/8"] } }] }),
      },
      { what: "ports that are not known yet", change: egress({ ports: unknown }) },
      { what: "one port that is not known yet", change: egress({ ports: [{ port: unknown }] }) },
      {
        what: "exceptions that are not known yet",
        change: egress({ to: [{ ipBlock: { cidr: "0.0.0.0/0", except: unknown } }] }),
      },
      {
        what: "a block that is not known yet",
        change: egress({ to: [{ ipBlock: { cidr: unknown, except: [] } }] }),
      },
      { what: "peers that are not known yet", change: egress({ to: unknown }) },
    ],
    refuses: [
      {
        what: "everything",
        change: egress(anywhere),
        says: /^spec\.egress\[2\]\.to\[0\]\.ipBlock is \{"cidr":"0\.0\.0\.0\/0"\}\. Allowed: a block without 169\.254\.169\.254, 169\.254\.170\.23, 169\.254\.170\.2\./,
      },
      {
        what: "instance metadata itself",
        change: egress({ to: [{ ipBlock: { cidr: "169.254.169.254/32" } }], ports: [{ port: 80 }] }),
        says: /without 169\.254\.169\.254\./,
      },
      {
        what: "an exception that is too narrow",
        change: egress({ to: [{ ipBlock: { cidr: "0.0.0.0/0", except: ["169.254.169.254/32"] } }] }),
        says: /without 169\.254\.170\.23/,
      },
      {
        what: "instance metadata in IPv6",
        change: egress({ to: [{ ipBlock: { cidr: "::/0" } }] }),
        says: /without fd00:ec2::254/,
      },
      {
        what: "a port for everybody",
        change: egress({ ports: [{ port: 443 }] }),
        says: /^spec\.egress\[2\]\.to is not set\. Allowed: a list of peers/,
      },
      { what: "an empty rule", change: egress({}), says: /^spec\.egress\[2\]\.to is not set/ },
      {
        what: "a range of ports that begins with DNS",
        change: egress({ ports: [{ port: 53, endPort: 65535 }] }),
        says: /\.to is not set/,
      },
      {
        what: "a direction that is not decided",
        change: (draft) => {
          draft.inputs("NetworkPolicy").spec.policyTypes = ["Ingress"];
        },
        says: /^spec\.policyTypes is \["Ingress"\]\. Allowed: both/,
      },
      ...[{}, { ports: [{ port: 22 }] }, { ports: [{ port: 8080, endPort: 9000 }] }].map((rule) => ({
        what: `a way in ${JSON.stringify(rule)}`,
        change: (draft: Draft) => void draft.inputs("NetworkPolicy").spec.ingress.push(rule),
        says: /^spec\.ingress\[1\]\.ports is .*Allowed: port 8080 alone/,
      })),
    ],
  },
  {
    rule: networkStaysLimited,
    accepts: [
      {
        what: "a policy of another namespace",
        change: (draft) => draft.add(type, other({ egress: [anywhere] }, "elsewhere")),
      },
      {
        what: "a policy that selects by expressions, which is not looked at",
        change: (draft) =>
          draft.add(
            type,
            other({
              podSelector: { matchExpressions: [{ key: "app", operator: "Exists" }] },
              egress: [anywhere],
            }),
          ),
      },
      {
        what: "a policy whose Pods are not known yet",
        change: (draft) => draft.add(type, other({ podSelector: unknown, egress: [anywhere] })),
      },
      {
        what: "Pods with the runners' labels in a namespace of others",
        change: (draft) =>
          draft.add("kubernetes:apps/v1:Deployment", {
            ...draft.inputs("Deployment"),
            metadata: { namespace: "elsewhere" },
          }),
      },
      {
        what: "a policy for other Pods",
        change: (draft) =>
          draft.add(type, other({ podSelector: { matchLabels: { app: "x" } }, egress: [anywhere] })),
      },
      {
        what: "a policy of others that allows no more",
        change: (draft) => draft.add(type, other({ egress: [{ to: [{ podSelector: {} }] }] })),
      },
    ],
    refuses: [
      {
        what: "a policy of others for all Pods",
        change: (draft) => draft.add(type, other({ egress: [anywhere] })),
        says: /^spec\.egress\[0\]\.to\[0\]\.ipBlock/,
      },
      {
        what: "a policy of others for the runners",
        change: (draft) =>
          draft.add(
            type,
            other({
              podSelector: { matchLabels: { "app.kubernetes.io/name": "digdag-runner" } },
              egress: [{}],
            }),
          ),
        says: /^spec\.egress\[0\]\.to is not set/,
      },
      {
        what: "runners without a policy",
        change: (draft) => draft.remove("NetworkPolicy"),
        says: /^It is without a NetworkPolicy in the namespace digdag-runner-stg/,
      },
    ],
  },
];
