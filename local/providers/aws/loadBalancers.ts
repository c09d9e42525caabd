import {
  DescribeLoadBalancersCommand,
  DescribeTagsCommand,
  type LoadBalancer,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import { isObject, type Values } from "../standIn";
import type { AwsClients } from "./clients";
import { toTagMap } from "./tags";

/** What AWS allows in one DescribeTags call. */
const TAGS_PER_CALL = 20;

/** `aws.lb.getLbs`: the ARNs of the load balancers that carry all the given tags. */
export async function getLbs({ loadBalancing, region }: AwsClients, args: Values): Promise<Values> {
  const found = await withTags(loadBalancing, {});
  return {
    id: region,
    arns: found
      .filter(({ tags }) => carries(tags, args.tags))
      .map(({ balancer }) => balancer.LoadBalancerArn),
    tags: args.tags,
    region,
  };
}

/** `aws.lb.getLoadBalancer`. */
export async function getLoadBalancer({ loadBalancing, region }: AwsClients, args: Values): Promise<Values> {
  const all = await withTags(loadBalancing, {
    LoadBalancerArns: typeof args.arn === "string" ? [args.arn] : undefined,
    Names: typeof args.name === "string" && args.arn === undefined ? [args.name] : undefined,
  });
  const found = all.filter(({ tags }) => carries(tags, args.tags));
  const [first] = found;
  if (!first || found.length > 1) {
    throw new Error(`Search returned ${found.length} results, please revise so only one is returned`);
  }
  return { ...describe(first.balancer), tags: first.tags, region };
}

type Query = { LoadBalancerArns?: string[]; Names?: string[] };

async function withTags(client: AwsClients["loadBalancing"], query: Query) {
  const balancers: LoadBalancer[] = [];
  let Marker: string | undefined;
  do {
    const page = await client.send(new DescribeLoadBalancersCommand({ ...query, Marker }));
    balancers.push(...(page.LoadBalancers ?? []));
    Marker = page.NextMarker;
  } while (Marker);
  const tagsByArn = new Map<string, Record<string, string>>();
  for (let start = 0; start < balancers.length; start += TAGS_PER_CALL) {
    const ResourceArns = balancers
      .slice(start, start + TAGS_PER_CALL)
      .flatMap(({ LoadBalancerArn }) => LoadBalancerArn ?? []);
    const { TagDescriptions } = await client.send(new DescribeTagsCommand({ ResourceArns }));
    for (const { ResourceArn = "", Tags } of TagDescriptions ?? []) {
      tagsByArn.set(ResourceArn, toTagMap(Tags));
    }
  }
  return balancers.map((balancer) => ({
    balancer,
    tags: tagsByArn.get(balancer.LoadBalancerArn ?? "") ?? {},
  }));
}

function carries(tags: Record<string, string>, wanted: unknown): boolean {
  return Object.entries(isObject(wanted) ? wanted : {}).every(([key, value]) => tags[key] === value);
}

function describe(balancer: LoadBalancer): Values {
  const zones = balancer.AvailabilityZones ?? [];
  return {
    id: balancer.LoadBalancerArn,
    arn: balancer.LoadBalancerArn,
    arnSuffix: balancer.LoadBalancerArn?.split(":loadbalancer/")[1] ?? "",
    name: balancer.LoadBalancerName,
    dnsName: balancer.DNSName,
    zoneId: balancer.CanonicalHostedZoneId ?? "",
    internal: balancer.Scheme === "internal",
    loadBalancerType: balancer.Type,
    ipAddressType: balancer.IpAddressType ?? "ipv4",
    vpcId: balancer.VpcId,
    securityGroups: balancer.SecurityGroups ?? [],
    subnets: zones.flatMap(({ SubnetId }) => SubnetId ?? []),
    subnetMappings: zones.map(({ SubnetId }) => ({ subnetId: SubnetId })),
    accessLogs: { bucket: "", enabled: false, prefix: "" },
    connectionLogs: [],
    healthCheckLogs: [],
    ipamPools: [],
    idleTimeout: 60,
    clientKeepAlive: 3600,
    customerOwnedIpv4Pool: balancer.CustomerOwnedIpv4Pool ?? "",
    desyncMitigationMode: "defensive",
    dnsRecordClientRoutingPolicy: "",
    dropInvalidHeaderFields: false,
    enableCrossZoneLoadBalancing: true,
    enableDeletionProtection: false,
    enableHttp2: true,
    enablePrefixForIpv6SourceNat: "off",
    enableTlsVersionAndCipherSuiteHeaders: false,
    enableWafFailOpen: false,
    enableXffClientPort: false,
    enableZonalShift: false,
    enforceSecurityGroupInboundRulesOnPrivateLinkTraffic: "",
    preserveHostHeader: false,
    secondaryIpsAutoAssignedPerSubnet: 0,
    xffHeaderProcessingMode: "append",
  };
}
