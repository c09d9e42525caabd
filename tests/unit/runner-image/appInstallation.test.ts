import assert from "node:assert/strict";
import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { pino } from "pino";
import type { App, GitHubOptions } from "../../../local/github/server";
import { AppInstallation, narrowed } from "../../../runner-image/broker/appInstallation";
import { createClientFactory } from "../../../runner-image/broker/githubClient";
import { describeScope, type RunnerScope } from "../../../runner-image/broker/runnerScope";
import { register } from "../../runtime/github/support";
import { GitHubScene, rejects } from "./gitHubScene";

const newKey = () =>
  generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs1", format: "pem" },
  });
const key = newKey();
const otherKey = newKey();
const app: App = { appId: 7, installationId: 70, account: "acme", publicKey: key.publicKey };
const minute = 60_000;

describe("a GitHub App of the broker", () => {
  let scene: GitHubScene;
  const start = async (changes: Partial<App> = {}, options: GitHubOptions = {}) => {
    scene = await GitHubScene.start({ apps: [{ ...app, ...changes }], ...options });
    scene.writeCredential(key.privateKey);
  };
  const connect = (appId = "7") => scene.connect({ appId });
  const installation = async (
    scope: RunnerScope = { owner: "acme", repository: "etl" },
    now?: () => number,
  ): Promise<AppInstallation> => {
    const log = pino({ level: "silent" });
    const clients = await createClientFactory(scene.github.apiUrl, describeScope(scope), scene, log);
    const signIn = (privateKey: string) => clients.asApp("7", privateKey);
    return new AppInstallation({ appId: "7", keyFile: scene.credentialFile, scope, signIn }, now);
  };
  const mints = () => scene.github.requests().filter(({ path }) => path.endsWith("/access_tokens"));

  afterEach(() => scene?.close());

  it("manages runners with one token for many calls", async () => {
    await start();
    const runners = await connect();
    const { id } = await runners.mint("runner-1", ["stg"]);
    assert.equal((await runners.get(id))?.name, "runner-1");
    assert.equal((await runners.list()).length, 1);
    assert.equal(await runners.delete(id), "deleted");
    assert.equal(mints().length, 1);
    assert.deepEqual(scene.expiries, [], "a token of an hour must not alarm");
  });

  it("asks for one token only when several calls need one at the same time", async () => {
    await start();
    const runners = await connect();
    await Promise.all([runners.list(), runners.list(), runners.newestVersion()]);
    assert.equal(mints().length, 1);
  });

  it("may be named by its client ID, and its key may be PKCS#8 or have carriage returns", async () => {
    await start({ clientId: "Iv23liExampleExample" });
    const pkcs8 = createPrivateKey(key.privateKey).export({ type: "pkcs8", format: "pem" }).toString();
    for (const text of [key.privateKey, pkcs8, pkcs8.replaceAll("\n", "\r\n")]) {
      scene.writeCredential(text);
      await (await connect("Iv23liExampleExample")).list();
    }
  });

  it("gets tokens for nothing but this repository's runners, or this organization's", async () => {
    await start();
    const paths = [
      "/repos/acme/etl/actions/runners",
      "/repos/acme/other/actions/runners",
      "/orgs/acme/actions/runners",
    ];
    const reached = async (repository: string | undefined) => {
      const authorization = await (await installation({ owner: "acme", repository })).authorization();
      const ask = async (path: string) =>
        (await fetch(scene.github.apiUrl + path, { headers: { authorization } })).status;
      return Promise.all(paths.map(ask));
    };
    assert.deepEqual(await reached("etl"), [200, 404, 404]);
    assert.deepEqual(await reached(undefined), [403, 403, 200]);
  });

  it("is found on GitHub Enterprise Server too", async () => {
    await start({}, { apiPath: "/api/v3" });
    await (await connect()).list();
  });

  it("mints a new token when the one it has is refused, and not when that was the one before", async () => {
    await start();
    let now = 0;
    const credential = await installation(undefined, () => now);
    const first = await credential.authorization();
    now = 6000;
    assert.equal(await credential.refused(first), true);
    const second = await credential.authorization();
    assert.notEqual(second, first);
    assert.equal(await credential.refused(first), true);
    assert.equal(await credential.authorization(), second);
  });

  it("gives GitHub a moment to know a token that is new", async () => {
    await start();
    scene.github.addFault({ path: "/runners$", action: { type: "respond", status: 401, body: {} } });
    await (await connect()).list();
    assert.equal(mints().length, 1);
  });

  it("uses a rotated key for the next call, while the old one still works", async () => {
    await start();
    const runners = await connect();
    await runners.list();
    scene.github.putApp({ ...app, publicKey: otherKey.publicKey });
    scene.writeCredential(otherKey.privateKey);
    await runners.list();
    assert.equal(mints().length, 2);
    scene.writeCredential(key.privateKey);
    await rejects(runners.list(), "unauthorized", /do not belong together/);
  });

  // A JWT is good for nine and a half minutes and dated half a minute back, so only the first is no trouble.
  for (const [minutes, refused] of [
    [2, 0],
    [10, 2],
    [120, 2],
    [-2, 2],
    [-10, 2],
    [-120, 2],
  ] as const) {
    it(`works where GitHub's clock is ${minutes} minutes ahead of the Pod's`, async () => {
      await start();
      scene.github.advanceClock(minutes * minute);
      const runners = await connect();
      await runners.list();
      await runners.list();
      const statuses = scene.github.requests().map(({ status }) => status);
      assert.equal(statuses.filter((status) => status === 401).length, refused);
      assert.equal(mints().filter(({ status }) => status === 201).length, 1);
    });
  }

  describe("says what is wrong", () => {
    const forApp = /GitHub refuses App 7 \(/;

    it("when the App ID or the key is another's", async () => {
      await start();
      const wrongId = await rejects((await connect("8")).list(), "unauthorized", /refuses App 8 \(404/);
      assert.match(wrongId.message, /githubAppId and the private key do not belong together/);
      scene.writeCredential(otherKey.privateKey);
      await rejects((await connect()).list(), "unauthorized", /401, "A JSON web token could not be decoded"/);
    });

    it("when it is not installed there", async () => {
      await start({ repositories: ["other"] });
      const error = await rejects((await connect()).list(), "not-found", forApp);
      assert.match(error.message, /not installed on the repository acme\/etl/);
      await rejects((await scene.connect({ appId: "7", owner: "else" })).list(), "not-found", /else\/etl/);
    });

    it("when the installation is suspended, before and after it got a token", async () => {
      const suspended = /installation is suspended: an owner of the repository acme\/etl can unsuspend it/;
      await start();
      const runners = await connect();
      await runners.list();
      scene.github.putApp({ ...app, suspendedAt: new Date().toISOString() });
      await rejects(runners.list(), "forbidden", suspended);
      await rejects((await connect()).list(), "forbidden", suspended);
    });

    for (const permission of ["read", "none"] as const) {
      it(`when it was granted ${permission}`, async () => {
        await start({ permission });
        const error = await rejects((await connect()).list(), "forbidden", forApp);
        assert.match(error.message, /needs the repository permission "Administration: write"/);
        assert.match(error.message, /owner accept it/);
        const organization = (await scene.connect({ appId: "7", repository: undefined })).list();
        await rejects(organization, "forbidden", /organization permission "Self-hosted runners: write"/);
      });
    }

    it("when a page answers instead of GitHub", async () => {
      await start();
      const body = "<html><title>Sign in</title></html>";
      for (const [path, status] of [
        ["/installation$", 200],
        ["/access_tokens$", 201],
        ["/installation$", 401],
      ] as const) {
        scene.github.addFault({ path, action: { type: "respond", status, body } });
        await rejects((await connect()).list(), "unexpected", /"Sign in"/);
      }
    });

    const files: [string, string, RegExp][] = [
      ["a token", "github_pat_11AAAAAAAAAAAAAAAAAAAA\n", /holds a token, not a private key/],
      ["a public key", key.publicKey, /holds a public key, not a private key/],
      ["a cut key", key.privateKey.slice(0, 300), /holds a private key that is damaged/],
      ["a key on one line", key.privateKey.replaceAll("\n", " "), /whose line breaks were lost/],
      ["nothing", "", /is empty/],
    ];
    for (const [what, text, reason] of files) {
      it(`when the file holds ${what}, and shows nothing of it`, async () => {
        await start();
        scene.writeCredential(text);
        const error = await rejects((await connect()).list(), "credential", reason);
        assert.match(error.message, /under the key `private-key\.pem`/);
        const secret = text.split("\n")[1] ?? text;
        assert.ok(secret === "" || !error.message.includes(secret));
        assert.equal(scene.github.requests().length, 0);
      });
    }

    it("when there is no file", async () => {
      await start();
      const credentialFile = `${scene.credentialFile}.missing`;
      const runners = await scene.connect({ appId: "7", credentialFile });
      await rejects(runners.list(), "credential", /missing cannot be read \(ENOENT\)/);
    });
  });

  it("follows a repository to its new name, and is narrowed to it by id", async () => {
    await start();
    await register(scene.github);
    scene.github.renameRepository("acme/etl", "acme/pipelines");
    const runners = await connect();
    assert.equal((await runners.list()).length, 1);
    assert.ok(scene.log.some((line) => line.includes("is now acme/pipelines")));
  });

  it("renews its token five minutes before GitHub stops to accept it, by GitHub's clock", async () => {
    await start();
    scene.github.advanceClock(-600 * minute);
    let now = 0;
    const credential = await installation(undefined, () => now);
    const first = await credential.authorization();
    now = 54 * minute;
    assert.equal(await credential.authorization(), first);
    now = 56 * minute;
    assert.notEqual(await credential.authorization(), first);
  });
});

describe("a token for an App", () => {
  it("asks for the least permission", () => {
    assert.deepEqual(narrowed({ owner: "acme", repository: undefined }, ""), {
      permissions: { organization_self_hosted_runners: "write" },
    });
    const scope = { owner: "acme", repository: "etl" };
    assert.deepEqual(narrowed(scope, "https://api.github.com/repos/acme/etl/installation"), {
      permissions: { administration: "write" },
      repositories: ["etl"],
    });
    assert.deepEqual(narrowed(scope, "https://ghe.example.com/api/v3/repositories/12/installation"), {
      permissions: { administration: "write" },
      repository_ids: [12],
    });
  });
});
