import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generate } from "selfsigned";
import { deleteOwnPod, type OwnPod } from "../../../runner-image/broker/ownPod";

const token = "the-token-of-the-service-account";

/** What the API server says about a request it does not fulfil. */
const status = (code: number, message: string) => ({
  code,
  text: JSON.stringify({ kind: "Status", message }),
});

async function authority() {
  return generate([{ name: "commonName", value: "127.0.0.1" }], {
    keyType: "ec",
    algorithm: "sha256",
    extensions: [
      { name: "basicConstraints", cA: true },
      { name: "subjectAltName", altNames: [{ type: 7, ip: "127.0.0.1" }] },
    ],
  });
}

describe("a Pod that deletes itself", () => {
  let server: Server;
  let directory: string;
  let pod: OwnPod;
  let answer: { code: number; text: string };
  let asked: { method?: string; url?: string; authorization?: string }[];

  before(async () => {
    const { cert, private: key } = await authority();
    directory = mkdtempSync(join(tmpdir(), "own-pod-"));
    writeFileSync(join(directory, "ca.crt"), cert);
    server = createServer({ cert, key }, ({ method, url, headers }, response) => {
      asked.push({ method, url, authorization: headers.authorization });
      response.writeHead(answer.code, { "content-type": "application/json" }).end(answer.text);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    pod = {
      name: "digdag-runner-1",
      namespace: "digdag-runner-stg",
      apiHost: "127.0.0.1",
      apiPort: (server.address() as AddressInfo).port,
      accountDirectory: directory,
    };
  });
  beforeEach(() => {
    answer = { code: 200, text: '{"kind":"Pod"}' };
    asked = [];
    writeFileSync(join(directory, "token"), `${token}\n`);
  });
  after(async () => {
    rmSync(directory, { recursive: true });
    server.close();
    await once(server, "close");
  });

  const failure = async (of = pod) => {
    const error = await deleteOwnPod(of).then(
      () => assert.fail("it succeeded"),
      (reason: Error) => reason,
    );
    assert.ok(!error.message.includes(token), error.message);
    return error.message;
  };

  it("asks the API server for it, as its service account", async () => {
    await deleteOwnPod(pod);
    const url = "/api/v1/namespaces/digdag-runner-stg/pods/digdag-runner-1";
    assert.deepEqual(asked, [{ method: "DELETE", url, authorization: `Bearer ${token}` }]);
  });

  it("reads the token at each use, because it is renewed", async () => {
    await deleteOwnPod(pod);
    writeFileSync(join(directory, "token"), "renewed");
    await deleteOwnPod(pod);
    assert.deepEqual(
      asked.map(({ authorization }) => authorization),
      [`Bearer ${token}`, "Bearer renewed"],
    );
  });

  it("is content where it is on its way or gone already", async () => {
    for (const code of [202, 404]) {
      answer = status(code, "whatever");
      await deleteOwnPod(pod);
    }
  });

  it("says which Role and policy to look at where it is not allowed to", async () => {
    answer = status(403, "pods is forbidden.");
    const message = await failure();
    assert.match(
      message,
      /answered 403 to the deletion of this Pod, digdag-runner-stg\/digdag-runner-1: pods is forbidden\./,
    );
    assert.match(
      message,
      /Role and RoleBinding digdag-runner .*digdag-runner-stg-own-pod .*pulumi up --refresh/,
    );
  });

  it("says so where its token is not accepted", async () => {
    answer = status(401, "Unauthorized");
    assert.match(await failure(), /answered 401 .*: Unauthorized\. It does not accept the token in /);
  });

  it("shows the beginning of an answer that is not Kubernetes'", async () => {
    answer = { code: 502, text: "<html>".repeat(100) };
    const message = await failure();
    assert.match(message, /answered 502 .*: "<html><html>/);
    assert.ok(message.length < 400, message);
  });

  it("names the file that cannot be read", async () => {
    rmSync(join(directory, "token"));
    assert.match(
      await failure(),
      /own-pod-\w+\/token cannot be read \(ENOENT\): the Deployment must mount it/,
    );
    assert.deepEqual(asked, []);
  });

  it("names the address that it could not reach", async () => {
    assert.match(
      await failure({ ...pod, apiPort: 1 }),
      /the API server at 127\.0\.0\.1:1 cannot be reached from this Pod: .*ECONNREFUSED/,
    );
  });

  it("gives its token to no server that the cluster's CA does not vouch for", async () => {
    const elsewhere = mkdtempSync(join(tmpdir(), "own-pod-"));
    try {
      writeFileSync(join(elsewhere, "token"), token);
      writeFileSync(join(elsewhere, "ca.crt"), (await authority()).cert);
      assert.match(await failure({ ...pod, accountDirectory: elsewhere }), /cannot be reached .*certificate/);
      assert.deepEqual(asked, []);
    } finally {
      rmSync(elsewhere, { recursive: true });
    }
  });
});
