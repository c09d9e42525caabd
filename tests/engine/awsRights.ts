import type { IncomingHttpHeaders } from "node:http";
import type { Right } from "./iamPolicy";

/** One request of an AWS SDK. */
export interface AwsRequest {
  method: string;
  /** Path and query. */
  url: string;
  headers: IncomingHttpHeaders;
  body: string;
}

const account = "123456789012";

/** Requests of REST services, by method and path, as actions. A look-up of another service belongs in here. */
const restActions: [service: string, method: string, path: RegExp, action: string][] = [
  ["eks", "GET", /^\/clusters\/[^/]+$/, "DescribeCluster"],
];

/** Actions that AWS checks beside the one that is called, by a part of the body that makes it do so. */
const further: Record<string, [part: RegExp, action: string]> = {
  "ec2:AuthorizeSecurityGroupIngress": [/TagSpecification/, "ec2:CreateTags"],
  "ecr:CreateRepository": [/"tags"/, "ecr:TagResource"],
};

/** What everybody may call, and what the stand-ins ask only because the emulated account leaves a cluster's VPC out. */
const free = ["sts:GetCallerIdentity", "ec2:DescribeSubnets"];

/**
 * What a caller must be allowed for one request, by the service authorization reference of AWS. Where a request names no resource, it is `*`.
 * @throws Error for a request whose action nobody wrote down here
 */
export function requiredRights(request: AwsRequest): Right[] {
  const scope = /Credential=[^/]+\/\d+\/([^/]+)\/([^/]+)\//.exec(String(request.headers.authorization));
  const [, region = "", service = ""] = scope ?? [];
  const name = actionOf(service, request);
  const action = `${service}:${name}`;
  if (free.includes(action)) return [];
  const resource = resourceOf(service, name, region, request);
  const [part, more] = further[action] ?? [];
  return [{ action, resource }, ...(more && part?.test(request.body) ? [{ action: more, resource }] : [])];
}

function actionOf(service: string, { method, url, headers, body }: AwsRequest): string {
  const target = headers["x-amz-target"];
  if (typeof target === "string") return target.split(".").at(-1) ?? "";
  const named = new URLSearchParams(body).get("Action");
  if (named) return named;
  const path = url.split("?")[0] ?? "";
  const found = restActions.find(
    ([of, by, pattern]) => of === service && by === method && pattern.test(path),
  );
  if (!found)
    throw new Error(`which right ${method} ${url} of ${service} needs is not in tests/engine/awsRights.ts`);
  return found[3];
}

function resourceOf(service: string, action: string, region: string, { url, body }: AwsRequest): string {
  const arn = (rest: string) => `arn:aws:${service}:${region}:${account}:${rest}`;
  if (service === "eks") return arn(`cluster/${url.split("/")[2]}`);
  if (service === "ssm") return arn(`parameter/${String(JSON.parse(body).Name).replace(/^\//, "")}`);
  if (service === "ecr") {
    const { repositoryName, repositoryNames, resourceArn } = JSON.parse(body);
    const name = repositoryName ?? repositoryNames?.[0];
    return resourceArn ?? (name ? arn(`repository/${name}`) : "*");
  }
  const form = new URLSearchParams(body);
  if (/Tags$/.test(action) && service === "ec2")
    return arn(`security-group-rule/${form.get("ResourceId.1")}`);
  const group = /^(Authorize|Revoke|Modify)SecurityGroup/.test(action) ? form.get("GroupId") : undefined;
  return group ? arn(`security-group/${group}`) : "*";
}
