import * as github from "@pulumi/github";

const variable = "GITHUB_TOKEN";

/**
 * The provider of GitHub's settings. Its plugin takes GITHUB_TOKEN from the environment of pulumi by itself. The SDK would copy it from
 * there into the provider's inputs, and so into the state: in plain text (pulumi/pulumi-github#613), expired when `destroy`
 * or `refresh` reads it back (pulumi-github#203), and as a change in each run whose token was made for it. So it is not shown to the SDK.
 */
export function gitHubProvider(
  name: string,
  { githubOwner, githubApiUrl }: { githubOwner: string; githubApiUrl: string },
): github.Provider {
  const token = process.env[variable];
  delete process.env[variable];
  try {
    return new github.Provider(name, { owner: githubOwner, baseUrl: `${githubApiUrl}/` });
  } finally {
    if (token !== undefined) process.env[variable] = token;
  }
}
