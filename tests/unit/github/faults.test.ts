import assert from "node:assert/strict";
import { scopeOfPath } from "../../../local/github/faults";
import { defaultToken, type GitHub, startGitHub } from "../../../local/github/server";
import { call, register } from "../../runtime/github/support";

const path = "/repos/acme/etl/actions/runners";

describe("GitHub stand-in: ordered faults", () => {
  let github: GitHub;
  beforeEach(async () => {
    github = await startGitHub();
  });
  afterEach(() => github.close());
  const list = () => call(github, `GET ${path}`);

  it("answer with the ordered status, headers and body", async () => {
    const headers = { "retry-after": "7" };
    github.addFault({
      path: "/actions/runners$",
      action: { type: "respond", status: 503, headers, body: { message: "no" } },
    });
    const answer = await list();
    assert.equal(answer.status, 503);
    assert.equal(answer.headers["retry-after"], "7");
    assert.deepEqual(answer.data, { message: "no" });
  });

  it("send a string as HTML, as GitHub's edge does", async () => {
    github.addFault({ path, action: { type: "respond", status: 502, body: "<html>Unicorn</html>" } });
    const response = await fetch(github.apiUrl + path);
    assert.equal(response.status, 502);
    assert.match(response.headers.get("content-type") ?? "", /text\/html/);
    assert.equal(await response.text(), "<html>Unicorn</html>");
  });

  it("replace an answer after what was asked was done", async () => {
    github.addFault({
      path: "/generate-jitconfig$",
      action: { type: "replace-answer", status: 201, body: "<html>" },
    });
    const answer = await call(github, `POST ${path}/generate-jitconfig`, {
      name: "runner-1",
      runner_group_id: 1,
      labels: ["digdag"],
    });
    assert.deepEqual([answer.status, answer.data], [201, "<html>"]);
    assert.equal(github.runners().length, 1);
  });

  it("hit once by default, `times` times when said, and for ever with 0", async () => {
    const statuses = async (count: number) => {
      const result: number[] = [];
      for (let at = 0; at < count; at++) result.push((await list()).status);
      return result;
    };
    const action = { type: "respond", status: 500 } as const;
    github.addFault({ path, action });
    assert.deepEqual(await statuses(2), [500, 200]);
    github.addFault({ path, times: 2, action });
    assert.deepEqual(await statuses(3), [500, 500, 200]);
    github.addFault({ path, times: 0, action });
    assert.deepEqual(github.faults(), [{ path, times: 0, action, hits: 0 }]);
    assert.deepEqual(await statuses(4), [500, 500, 500, 500]);
    assert.deepEqual(
      github.faults().map(({ hits }) => hits),
      [4],
    );
    github.clearFaults();
    assert.deepEqual(await statuses(1), [200]);
  });

  it("hit only the method and path they name", async () => {
    github.addFault({
      method: "POST",
      path: "/generate-jitconfig$",
      action: { type: "respond", status: 500 },
    });
    assert.equal((await list()).status, 200);
    await assert.rejects(register(github), /answered 500/);
  });

  it("delay a truthful answer", async () => {
    github.addFault({ path, action: { type: "delay", ms: 150 } });
    const started = performance.now();
    assert.equal((await list()).status, 200);
    assert.ok(performance.now() - started >= 149);
  });

  it("reset the connection, with nothing done", async () => {
    github.addFault({ path: "/generate-jitconfig$", action: { type: "reset" } });
    await assert.rejects(register(github));
    assert.deepEqual(github.runners(), []);
  });

  it("lose the answer to what was done: the runner exists, and its name is taken", async () => {
    github.addFault({ path: "/generate-jitconfig$", action: { type: "lose-answer" } });
    await assert.rejects(register(github));
    assert.equal(github.runners().length, 1);
    await assert.rejects(register(github), /answered 409/);
  });

  it("hang until the client gives up", async () => {
    github.addFault({ path, action: { type: "hang" } });
    const headers = { authorization: `Bearer ${defaultToken}` };
    await assert.rejects(fetch(github.apiUrl + path, { headers, signal: AbortSignal.timeout(150) }), {
      name: "TimeoutError",
    });
    assert.equal((await list()).status, 200);
  });

  it("hit only the scope they name, and are taken back by scope", async () => {
    const status = async (repository: string) =>
      (await call(github, `GET /repos/${repository}/actions/runners`)).status;
    for (const scope of ["acme/etl", "acme/web"]) {
      github.addFault({ scope, path: ".", times: 0, action: { type: "respond", status: 503 } });
    }
    assert.equal(await status("acme/other"), 200);
    assert.deepEqual([await status("acme/etl"), await status("ACME/web")], [503, 503]);
    github.clearFaults("acme/ETL");
    assert.deepEqual([await status("acme/etl"), await status("acme/web")], [200, 503]);
  });

  it("know whose a path is", () => {
    assert.equal(scopeOfPath("/repos/acme/etl/actions/runners/7"), "acme/etl");
    assert.equal(scopeOfPath("/orgs/acme/actions/runners"), "acme");
    assert.equal(scopeOfPath("/acme/etl.git/info/refs"), "acme/etl");
    assert.equal(scopeOfPath("/acme/etl/info/refs"), "acme/etl");
    assert.equal(scopeOfPath("/meta"), undefined);
  });

  it("are refused when they could never hit", () => {
    assert.throws(() => github.addFault({} as never), /needs "path"/);
    assert.throws(() => github.addFault({ path: "(", action: { type: "reset" } }), SyntaxError);
  });

  it("are recorded as requests, without tokens", async () => {
    github.addFault({ path, action: { type: "respond", status: 500 } });
    await list();
    const records = github.requests();
    assert.deepEqual(
      records.map(({ method, path, status }) => ({ method, path, status })),
      [{ method: "GET", path, status: 500 }],
    );
    assert.ok(!JSON.stringify(records).includes(defaultToken));
  });
});
