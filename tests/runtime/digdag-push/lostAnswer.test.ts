import assert from "node:assert/strict";
import { join } from "node:path";
import type { Digdag } from "../../../local/digdag";
import { Cleaner, DAILY, deploy, push, puts, served } from "../../unit/digdag-push/support";

describe("a push whose answer is lost", () => {
  const cleaner = new Cleaner();
  let digdag: Digdag;
  let directory: string;
  beforeEach(async () => {
    digdag = await cleaner.digdag();
    directory = cleaner.project({ "daily.dig": DAILY });
  });
  afterEach(() => cleaner.clean());

  it("is a success when it landed all the same, and is not sent again", async () => {
    const troubles = [
      { kind: "status", status: 502 },
      { kind: "status", status: 504 },
      { kind: "html" },
      { kind: "reset" },
      { kind: "hang" },
    ] as const;
    for (const [index, trouble] of troubles.entries()) {
      digdag.addFault({ ...trouble, method: "PUT", commit: true });
      const changed = cleaner.project({ "daily.dig": `${DAILY}# ${index}\n` });
      const { exitCode, stderr, json } = await deploy(digdag.url, changed, `r${index}`, {
        limits: { push: 200 },
      });
      assert.equal(exitCode, 0, `${trouble.kind}: ${stderr}`);
      assert.equal(json.verdict, "pushed");
      assert.equal(puts(digdag).length, index + 1);
    }
  });

  it("is sent again when it did not land", async () => {
    const troubles = [{ kind: "status", status: 503 }, { kind: "reset" }, { kind: "hang" }] as const;
    for (const [index, trouble] of troubles.entries()) {
      digdag.addFault({ ...trouble, method: "PUT" });
      const changed = cleaner.project({ "daily.dig": `${DAILY}# ${index}\n` });
      const { exitCode, stderr } = await deploy(digdag.url, changed, `r${index}`, { limits: { push: 200 } });
      assert.equal(exitCode, 0, `${trouble.kind}: ${stderr}`);
      assert.equal(puts(digdag).length, 2 * (index + 1));
    }
  });

  it("is a success when it lands while it is sent again", async () => {
    digdag.addFault({ kind: "delay", milliseconds: 150, method: "PUT" });
    const { exitCode, stderr } = await deploy(digdag.url, directory, "r1", {
      limits: { push: 100, retryPause: 100 },
    });
    assert.equal(exitCode, 0, stderr);
    assert.equal((await served(digdag)).revision, "r1");
  });

  it("fails with code 1 when the server is broken, and shows no stack trace", async () => {
    digdag.addFault({ kind: "html", method: "PUT", times: 9 });
    const env = { GITHUB_STEP_SUMMARY: join(cleaner.folder(), "summary"), GITHUB_ACTIONS: "true" };
    const { exitCode, stdout, stderr } = await deploy(digdag.url, directory, "r1", { env });
    assert.equal(exitCode, 1);
    assert.match(
      stderr,
      /the push of revision r1 of demo failed, layer HTTP: .* answers 500 to \/api\/projects\n/,
    );
    for (const text of [stdout, stderr]) assert.doesNotMatch(text, /at io\.digdag|password=|<html>/);
    assert.equal(puts(digdag).length, 1, "a 500 is not repeated");
  });

  it("fails with code 1 after a few tries when the gateway stays broken", async () => {
    digdag.addFault({ kind: "status", status: 502, method: "PUT", times: 100 });
    const { exitCode, stderr } = await deploy(digdag.url, directory, "r1");
    assert.equal(exitCode, 1);
    assert.match(stderr, /Digdag did not hold the revision when asked afterwards/);
    assert.equal(puts(digdag).length, 4);
  });

  it("says that its fate is unknown when Digdag cannot be asked any more", async () => {
    digdag.addFault({ kind: "reset", method: "PUT", commit: true });
    digdag.addFault({ kind: "status", status: 503, method: "GET", path: "/api/projects", times: 0 });
    const waiting = deploy(digdag.url, directory, "r1", { limits: { push: 3_000 } });
    const deadline = Date.now() + 5_000;
    while (puts(digdag).length === 0 && Date.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, 1));
    digdag.addFault({ kind: "status", status: 503, method: "GET", times: 100 });
    const { exitCode, stderr } = await waiting;
    assert.equal(exitCode, 1);
    assert.match(
      stderr,
      /revision r1 of demo (was sent, but whether it arrived is unknown|is in Digdag, but could not be verified)/,
    );
    assert.match(stderr, /Running the job again is safe/);
    digdag.clearFaults();
    assert.equal((await deploy(digdag.url, directory, "r1")).exitCode, 0);
  });

  it("gives up at the deadline of the whole command", async () => {
    digdag.addFault({ kind: "hang", method: "PUT", times: 100 });
    const started = Date.now();
    const { exitCode, stderr } = await deploy(digdag.url, directory, "r1", {
      argv: ["--timeout", "1"],
      limits: { push: 60_000 },
    });
    assert.equal(exitCode, 1);
    assert.match(stderr, /--timeout/);
    assert.ok(Date.now() - started < 4_000);
  });
});

describe("a read that fails", () => {
  const cleaner = new Cleaner();
  afterEach(() => cleaner.clean());

  it("is repeated when the failure passes", async () => {
    const digdag = await cleaner.digdag();
    digdag.addFault({ kind: "status", status: 503, method: "GET", times: 2 });
    digdag.addFault({ kind: "reset", method: "GET" });
    const { exitCode, stderr } = await deploy(digdag.url, cleaner.project({ "daily.dig": DAILY }), "r1");
    assert.equal(exitCode, 0, stderr);
  });

  it("ends the verification with code 1, since the push is in Digdag", async () => {
    const digdag = await cleaner.digdag();
    digdag.addFault({ kind: "status", status: 500, method: "GET", path: "/api/projects/" });
    const { exitCode, stderr } = await push(
      ["--project", "demo", "--directory", cleaner.project({ "daily.dig": DAILY })],
      { DIGDAG_ENDPOINT: digdag.url, GITHUB_SHA: "r1" },
    );
    assert.equal(exitCode, 1);
    assert.match(stderr, /is in Digdag, but could not be verified, layer HTTP/);
  });
});
