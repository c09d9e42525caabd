/** SHA-256 of the archives this program was written for, so that nobody has to copy them. */
const runnerChecksums: Record<string, Record<string, string>> = {
  "2.337.0": {
    x64: "70920811a4f8ad4328818682bca5c6469c1c942fab52448868071d0063816613",
    arm64: "9b1dc70626422526e3c94767cf024896beb15da5342a3f4819bf2feac13e0393",
  },
};
const digdagChecksums: Record<string, string> = {
  "0.10.5": "97b50ae37dd5f96e44e9557846ba7b5cddfea0b1b927d7597886dc604f9387b6",
};

/** A file to download: where from, and its SHA-256 when this program knows it. */
export interface Release {
  url: string;
  sha256: string | undefined;
}

/** The archive of the GitHub Actions runner. @param architecture as GitHub calls it, `x64` or `arm64` */
export function runnerRelease(version: string, architecture: string): Release {
  const file = `actions-runner-linux-${architecture}-${version}.tar.gz`;
  return {
    url: `https://github.com/actions/runner/releases/download/v${version}/${file}`,
    sha256: runnerChecksums[version]?.[architecture],
  };
}

/** The Digdag CLI, one self-contained jar. */
export function digdagRelease(version: string): Release {
  return { url: `https://dl.digdag.io/digdag-${version}.jar`, sha256: digdagChecksums[version] };
}
