import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { generate } from "selfsigned";
import { defaultToken, type GitHub, startGitHub } from "../../../local/github/server";
import { directoryOf, quick, RunnerHome } from "./support";

describe("GitHub stand-in over TLS", () => {
  let github: GitHub;
  let home: RunnerHome;
  let files: string;
  let cert: string;
  before(async () => {
    const altNames = [{ type: 7 as const, ip: "127.0.0.1" }];
    const extensions = [
      { name: "basicConstraints" as const, cA: true },
      { name: "subjectAltName" as const, altNames },
    ];
    const pems = await generate([{ name: "commonName", value: "127.0.0.1" }], { extensions });
    cert = pems.cert;
    github = await startGitHub({ tls: { key: pems.private, cert }, timings: quick });
    files = directoryOf({ "a.txt": "over TLS\n", "ca.pem": cert });
    await github.addRepository("acme/etl", files);
    home = await RunnerHome.create();
  });
  after(async () => {
    await home?.remove();
    await github?.close();
    rmSync(files, { recursive: true, force: true });
  });

  const jit = async (): Promise<string> => {
    const body = JSON.stringify({ name: "tls", runner_group_id: 1, labels: ["digdag"] });
    const headers = { authorization: `Bearer ${defaultToken}` };
    const url = `${github.apiUrl}/repos/acme/etl/actions/runners/generate-jitconfig`;
    return new Promise((resolve, reject) => {
      const call = request(url, { method: "POST", ca: cert, headers }, async (response) =>
        resolve(JSON.parse(await text(response)).encoded_jit_config),
      );
      call.once("error", reject);
      call.end(body);
    });
  };

  it("cuts a connection off without an answer, and goes on", async () => {
    for (const type of ["reset", "lose-answer"] as const) {
      github.addFault({ path: "/generate-jitconfig$", action: { type } });
      await assert.rejects(jit());
    }
    assert.equal(github.runners().length, 1);
    for (const { id } of github.runners()) github.removeRunner(id);
  });

  it("runs a job for a listener that trusts NODE_EXTRA_CA_CERTS, checkout included", async () => {
    assert.match(github.apiUrl, /^https:/);
    const job = github.queueJob({
      repository: "acme/etl",
      labels: ["digdag"],
      steps: [{ name: "show", run: "cat a.txt" }],
    });
    const trust = { NODE_EXTRA_CA_CERTS: join(files, "ca.pem"), GIT_SSL_CAINFO: undefined };
    const listener = home.start(await jit(), trust);
    assert.equal(await listener.ends(), 0, listener.stderr);
    assert.equal(github.job(job.id).conclusion, "success", github.job(job.id).log);
    assert.match(github.job(job.id).log, /\nover TLS\n/);
  });
});
