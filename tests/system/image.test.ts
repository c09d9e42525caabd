import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { ensureAuthority } from "../../local/network";
import { onlineRunners, requireLocalSystem, runJob, settingsOf, stack } from "./support";

describe("the image that jobs run in", function () {
  this.timeout(180_000);
  before(requireLocalSystem);
  beforeEach(() => onlineRunners(1));

  async function print(step: string): Promise<string> {
    const job = await runJob(step);
    assert.equal(job.conclusion, "success", job.log);
    return job.log.split("##[endgroup]").at(-1) as string;
  }

  it("trusts the configured CA in Java, Node and OpenSSL", async () => {
    const host = new URL(settingsOf(stack).digdagEndpoint).hostname;
    const { fingerprint256 } = new X509Certificate(readFileSync((await ensureAuthority()).certificate));
    const log = await print(`
      keytool -list -cacerts -storepass changeit 2>/dev/null | sed -n 's/^Certificate fingerprint (SHA-256)/JAVA/p'
      for node in /opt/node/bin/node /opt/actions-runner/externals/node*/bin/node; do
        $node -e 'fetch(process.argv[1]).then((r) => console.log("NODE", r.status), (e) => console.log("NODE", e.cause))' https://${host}/api/version
      done
      openssl s_client -connect ${host}:443 -verify_return_error </dev/null 2>/dev/null | sed -n 's/.*Verify return code/OPENSSL/p' | head -n 1
    `);
    assert.ok(log.includes(`JAVA: ${fingerprint256}`), log);
    assert.equal(log.match(/NODE 200/g)?.length, 3, log);
    assert.match(log, /OPENSSL: 0 \(ok\)/);
  });

  it("holds of the runner's archive what the listener and actions use, as old as it was", async () => {
    const log = await print(`
      cd /opt/actions-runner
      ls -d * externals/* externals/*/* externals/*/bin/* bin/* bin/*/* | sed 's/^/HAS /'
      stat --format 'LISTENER %Y' bin/Runner.Listener
    `);
    const has = new Set(Array.from(log.matchAll(/HAS (\S+)/g), ([, path]) => String(path)));
    for (const kept of [
      "bin/Runner.Listener",
      "bin/Runner.Worker",
      "bin/hashFiles/index.js",
      "bin/checkScripts",
    ])
      assert.ok(has.has(kept), `${kept} in ${log}`);
    for (const node of ["node20", "node24"])
      assert.deepEqual(
        [...has].filter((path) => path.startsWith(`externals/${node}/`)).sort(),
        ["LICENSE", "README.md", "bin", "bin/node"].map((path) => `externals/${node}/${path}`),
      );
    const dropped =
      /^(config\.sh|run\.sh|env\.sh|safe_sleep\.sh)|\.template$|_alpine|installdependencies|runsvc|RunnerService/;
    assert.deepEqual(
      [...has].filter((path) => dropped.test(path)),
      [],
    );
    assert.ok(Number(/LISTENER (\d+)/.exec(log)?.[1]) > Date.UTC(2026, 0) / 1000, log);
  });
});
