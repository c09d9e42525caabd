/** What is wrong with a base URL of GitHub's REST API, and the right one where it can be told; undefined when it is fine. */
export function githubApiUrlProblem(value: string): string | undefined {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url?.protocol !== "https:") return "must be a URL that starts with https://";
  if (url.username || url.password) return "must not carry a user name or password";
  if (url.search || url.hash) return "must not have a query or a fragment";
  const right = apiUrlOf(url);
  return url.href.replace(/\/+$/, "") === right
    ? undefined
    : `must be ${right} for ${hostKind(url.hostname)}`;
}

/** The base of the API of the GitHub that this URL belongs to, whether it is one of its pages or its API. */
function apiUrlOf({ hostname, host }: URL): string {
  if (/^((www|api)\.)?github\.com$/.test(hostname)) return "https://api.github.com";
  const tenant = /^(?:api\.)?([^.]+)\.ghe\.com$/.exec(hostname)?.[1];
  return tenant === undefined ? `https://${host}/api/v3` : `https://api.${tenant}.ghe.com`;
}

function hostKind(hostname: string): string {
  if (hostname.endsWith("github.com")) return "github.com";
  return hostname.endsWith(".ghe.com")
    ? "GitHub Enterprise Cloud with data residency"
    : "GitHub Enterprise Server";
}
