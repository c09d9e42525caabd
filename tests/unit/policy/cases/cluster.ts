import { clusterIsNotOpen, nodesKeepTheirRole } from "../../../../policy/rules/cluster";
import { unknown } from "../../../../policy/values";
import type { Draft } from "../draft";
import type { Case, RuleCases } from "../ruleCases";

const from = "newCluster";
const component = "eks:index:Cluster";
const template = "aws:ec2/launchTemplate:LaunchTemplate";

const changed = (what: string, type: string, changes: object): Case => ({
  what,
  from,
  change: (draft) => Object.assign(draft.inputs(type.split(":").at(-1) ?? ""), changes),
});

const metadata = (changes: object) => (draft: Draft) =>
  Object.assign(draft.inputs("LaunchTemplate").metadataOptions, changes);

export const clusterCases: RuleCases[] = [
  {
    rule: clusterIsNotOpen,
    accepts: [
      changed("a private API", component, { endpointPublicAccess: false, publicAccessCidrs: undefined }),
      changed("ranges that are not known yet", component, { publicAccessCidrs: unknown }),
      {
        what: "an open cluster of somebody else's",
        from,
        change: (draft) =>
          draft.add("aws:eks/cluster:Cluster", { vpcConfig: { endpointPublicAccess: true } }),
      },
      {
        what: "what @pulumi/eks makes of it",
        from,
        change: (draft) =>
          draft.addOwn("aws:eks/cluster:Cluster", {
            vpcConfig: { endpointPublicAccess: true, publicAccessCidrs: ["203.0.113.0/24"] },
          }),
      },
    ],
    refuses: [
      {
        ...changed("an API that is open by default", component, { publicAccessCidrs: undefined }),
        says: /^publicAccessCidrs is not set\. Allowed: a list of ranges/,
      },
      {
        ...changed("no ranges", component, { publicAccessCidrs: [] }),
        says: /^publicAccessCidrs is \[\]/,
      },
      ...["0.0.0.0/0", "203.0.0.0/15", "10.0.0.0/16", "::/0"].map((range) => ({
        ...changed(`the range ${range}`, component, { publicAccessCidrs: ["203.0.113.0/24", range] }),
        says: /^publicAccessCidrs\[1\] is .*Allowed: a public IPv4 range, \/16 or narrower/,
      })),
      {
        what: "an open cluster that @pulumi/eks makes of a closed one",
        from,
        change: (draft) => draft.addOwn("aws:eks/cluster:Cluster", { vpcConfig: { subnetIds: [] } }),
        says: /^vpcConfig\.publicAccessCidrs is not set/,
      },
    ],
  },
  {
    rule: nodesKeepTheirRole,
    accepts: [
      {
        what: "a template of somebody else's",
        from,
        change: (draft) => draft.add(template, { metadataOptions: { httpTokens: "optional" } }),
      },
    ],
    refuses: [
      {
        what: "metadata without a token",
        from,
        change: metadata({ httpTokens: "optional" }),
        says: /^metadataOptions\.httpTokens is "optional"\. Allowed: "required"/,
      },
      {
        what: "a template that says nothing of metadata",
        from,
        change: (draft) => {
          delete draft.inputs("LaunchTemplate").metadataOptions;
        },
        says: /^metadataOptions\.http\w+ is not set/,
      },
      {
        what: "a token that reaches Pods",
        from,
        change: metadata({ httpPutResponseHopLimit: 2 }),
        says: /^metadataOptions\.httpPutResponseHopLimit is 2\. Allowed: 1/,
      },
      {
        what: "a disk that is not encrypted",
        from,
        change: (draft) => {
          draft.inputs("LaunchTemplate").blockDeviceMappings[0].ebs.encrypted = "false";
        },
        says: /^blockDeviceMappings\[0\]\.ebs\.encrypted is "false"/,
      },
    ],
  },
];
