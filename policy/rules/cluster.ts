import { publicRangeProblem } from "../../components/addresses";
import { isOwn, must, type PlanResource, type Problem, type ResourceRule } from "../plan";
import type { Place } from "../values";

/** The component of @pulumi/eks, and what it makes. */
const places: Record<string, (inputs: Place) => Place> = {
  "eks:index:Cluster": (inputs) => inputs,
  "aws:eks/cluster:Cluster": (inputs) => inputs.get("vpcConfig"),
};

function endpointProblems(settings: Place): Problem[] {
  const [isPublic, ranges] = [settings.get("endpointPublicAccess"), settings.get("publicAccessCidrs")];
  // EKS opens the endpoint where nothing is said of it.
  if (isPublic.isUnknown || isPublic.value === false) return [];
  return [
    ...must(
      ranges,
      () => ranges.items.length > 0,
      "a list of ranges, because the endpoint is public",
      "Name who may reach the Kubernetes API, or make it private: EKS opens it to the whole internet otherwise.",
    ),
    ...ranges.items.flatMap((range) =>
      must(
        range,
        (value) => typeof value === "string" && publicRangeProblem(value) === undefined,
        "a public IPv4 range, /16 or narrower",
        "Name the ranges that people and CI come from.",
      ),
    ),
  ];
}

export const clusterIsNotOpen: ResourceRule = {
  name: "cluster-is-not-open",
  description: "The Kubernetes API of a cluster that this product makes admits named ranges at most.",
  resource: (resource) => {
    const settings = places[resource.type];
    // A component that another registered for it shows its arguments there, or nothing at all.
    if (!isOwn(resource) || !settings || resource.inputs.properties.length === 0) return [];
    return endpointProblems(settings(resource.inputs));
  },
};

const isTemplate = ({ type }: PlanResource) => type === "aws:ec2/launchTemplate:LaunchTemplate";

export const nodesKeepTheirRole: ResourceRule = {
  name: "nodes-keep-their-role",
  description: "Nodes that this product makes hand their AWS role to no Pod, and encrypt their disks.",
  resource: (resource) => {
    if (!isOwn(resource) || !isTemplate(resource)) return [];
    const metadata = resource.inputs.get("metadataOptions");
    return [
      ...must(
        metadata.get("httpTokens"),
        (value) => value === "required",
        '"required"',
        "Require IMDSv2: without a token every Pod on the node gets its AWS role.",
      ),
      ...must(
        metadata.get("httpPutResponseHopLimit"),
        () => metadata.get("httpPutResponseHopLimit").number === 1,
        "1",
        "Let the token go no hop further than the node, so that no Pod gets it.",
      ),
      ...resource.inputs
        .get("blockDeviceMappings")
        .items.flatMap((mapping) =>
          must(
            mapping.get("ebs", "encrypted"),
            (value) => value === true || value === "true",
            "true",
            "Encrypt the disk: what jobs write is on it.",
          ),
        ),
    ];
  },
};
