import assert from "node:assert/strict";
import { explainProbe, judgeAnswer } from "../../../runner-image/broker/digdagProbe";
import type { Runner } from "../../../runner-image/broker/github";
import { judgeListenerExit } from "../../../runner-image/broker/listenerExit";
import { Readiness } from "../../../runner-image/broker/readiness";
import { newRunnerName } from "../../../runner-image/broker/runnerNames";
import { readBrokerSettings } from "../../../runner-image/broker/settings";
import { findGhosts } from "../../../runner-image/broker/sweep";
import { backoffSeconds } from "../../../runner-image/shared/backoff";

describe("the sweep", () => {
  const now = Date.UTC(2026, 0);
  const rule = { pool: "digdag-stg", ownRunnerId: 1, ghostSeconds: 300 };
  const runner = (id: number, over: Partial<Runner> = {}, age = 301): Runner =>
    ({
      id,
      name: newRunnerName("digdag-stg", "pod", now - age * 1000),
      os: "linux",
      status: "offline",
      busy: false,
      labels: [],
      ...over,
    }) as Runner;

  it("finds what is offline, idle, old and of this pool", () => {
    assert.deepEqual(
      findGhosts([runner(2)], rule, now).map((ghost) => ghost.id),
      [2],
    );
  });

  it("leaves everything else alone", () => {
    const others = [
      runner(1),
      runner(3, { status: "online" }),
      runner(4, { busy: true }),
      runner(5, {}, 299),
      runner(6, { name: newRunnerName("digdag-prd", "pod", 0) }),
      runner(7, { name: newRunnerName("digdag-stg-eu", "pod", 0) }),
      runner(8, { name: "digdag-stg" }),
    ];
    assert.deepEqual(findGhosts(others, rule, now), []);
  });
});

describe("readiness", () => {
  const runner = { id: 7, name: "n" };

  it("is there while GitHub listed the runner as online within the last three polls", () => {
    const readiness = new Readiness(30);
    readiness.clear();
    readiness.online(runner, 0);
    assert.deepEqual([readiness.report(90_000).ready, readiness.report(91_000).ready], [true, false]);
    assert.match(readiness.report(91_000).reason, /91 s ago/);
  });

  it("is not there before the runner was ever seen, and ends at once with an obstacle", () => {
    const readiness = new Readiness(30);
    assert.match(readiness.report().reason, /supervisor/);
    readiness.clear();
    assert.equal(readiness.report().ready, false);
    readiness.online(runner);
    readiness.blocked("Digdag is down");
    assert.deepEqual(readiness.report(), { ready: false, reason: "Digdag is down", runner });
  });
});

describe("the probe of Digdag", () => {
  it("takes 401 for the projects as reachable, as the runner has no credential", () => {
    assert.equal(judgeAnswer("/api/projects?count=1", 401), undefined);
    assert.equal(judgeAnswer("/api/projects?count=1", 200), undefined);
    assert.equal(judgeAnswer("/api/version", 200), undefined);
  });

  const verdicts: [string, number, string, RegExp][] = [
    ["/api/version", 302, "auth", /login/],
    ["/api/version", 401, "auth", /login/],
    ["/api/version", 403, "auth", /refused/],
    ["/api/version", 503, "HTTP", /no healthy Digdag/],
    ["/api/version", 404, "HTTP", /not a working Digdag/],
    ["/api/projects?count=1", 500, "HTTP", /database/],
  ];
  for (const [path, status, layer, detail] of verdicts) {
    it(`blames layer ${layer} for ${status} to ${path}`, () => {
      const verdict = judgeAnswer(path, status);
      assert.equal(verdict?.layer, layer);
      assert.match(verdict?.detail ?? "", detail);
    });
  }

  it("tells endpoint, layer and address in one message, and what to do about a silent load balancer", () => {
    const message = explainProbe(
      "https://digdag.example.com",
      { layer: "TCP", detail: "no answer within 5 s" },
      "203.0.113.10",
    );
    for (const part of [
      "https://digdag.example.com",
      "TCP",
      "no answer within 5 s",
      "203.0.113.10",
      "pulumi up --refresh",
    ]) {
      assert.ok(message.includes(part), part);
    }
  });
});

describe("the end of a listener", () => {
  const verdicts: [number | null, string | null, string][] = [
    [0, null, "register"],
    [1, null, "back-off"],
    [2, null, "back-off"],
    [5, null, "back-off"],
    [7, null, "stop"],
    [99, null, "back-off"],
    [null, "SIGKILL", "back-off"],
  ];
  for (const [code, signal, next] of verdicts) {
    it(`with ${code ?? signal} means ${next}`, () =>
      assert.equal(judgeListenerExit(code, signal).next, next));
  }
});

describe("the broker's settings", () => {
  const env = {
    GITHUB_OWNER: "acme",
    GITHUB_CREDENTIAL_FILE: "/run/secrets/github/token",
    RUNNER_LABELS: "self-hosted, linux ,stg",
    RUNNER_NAME_PREFIX: "digdag-stg",
    POD_NAME: "pod",
    DIGDAG_ENDPOINT: "https://digdag.example.com/",
    LEASE_SOCKET: "/run/lease/broker.sock",
    BROKER_STATE_DIR: "/run/broker",
  };

  it("mean the organization when the repository is empty, and strip what is too much", () => {
    const settings = readBrokerSettings({ ...env, GITHUB_REPOSITORY: "" });
    assert.equal(settings.repository, undefined);
    assert.deepEqual(settings.labels, ["self-hosted", "linux", "stg"]);
    assert.equal(settings.digdagEndpoint, "https://digdag.example.com");
    assert.equal(settings.githubApiUrl, "https://api.github.com");
  });

  it("name every problem in one message", () => {
    assert.throws(
      () =>
        readBrokerSettings({ ...env, GITHUB_OWNER: undefined, RUNNER_NAME_PREFIX: "a.b", HTTP_PORT: "none" }),
      /GITHUB_OWNER is not set[\s\S]*RUNNER_NAME_PREFIX is "a\.b"[\s\S]*HTTP_PORT is "none"/,
    );
  });
});

describe("back-off", () => {
  it("doubles up to its cap and takes off at most half", () => {
    const full = (failures: number) => backoffSeconds(failures, 5, 300, () => 0);
    assert.deepEqual([1, 2, 3, 7, 1000].map(full), [5, 10, 20, 300, 300]);
    assert.equal(
      backoffSeconds(1, 5, 300, () => 1),
      2.5,
    );
  });
});
