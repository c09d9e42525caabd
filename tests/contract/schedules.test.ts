import assert from "node:assert/strict";
import { DAILY, MANUAL } from "./archive";
import { INSTANT, server } from "./server";

/** Far enough that no run comes in between. */
const FROM = "&schedule_from=2040-12-24T00:00:00Z";

const schedulesOf = (id: string) => server.get(`/api/projects/${id}/schedules`, "schedules");
const post = async (id: string, what: "disable" | "enable") => {
  const answer = await server.call(`/api/schedules/${id}/${what}`, { method: "POST" });
  assert.equal(answer.status, 200, answer.body.toString("utf8").slice(0, 300));
  return answer.json;
};

describe("a schedule", () => {
  // Measured on 0.10.5.1; the member `project`, `workflow=` and GET /api/schedules/{id} were read in Digdag's source.
  it("tells its next run as an instant, and the session of that run in the workflow's zone", async () => {
    const project = server.project();
    const { id } = await project.push("r1", { "daily.dig": DAILY, "manual.dig": MANUAL });
    const asked = Date.now();
    const [schedule, ...others] = await schedulesOf(id);
    assert.deepEqual(others, []);
    assert.equal(typeof schedule.id, "string");
    assert.deepEqual(schedule, {
      id: schedule.id,
      project: { id, name: project.name },
      workflow: { id: schedule.workflow.id, name: "daily" },
      nextRunTime: schedule.nextRunTime,
      nextScheduleTime: schedule.nextScheduleTime,
      disabledAt: null,
    });
    assert.match(schedule.nextRunTime, /^\d{4}-\d\d-\d\dT22:00:00Z$/);
    assert.match(schedule.nextScheduleTime, /^\d{4}-\d\d-\d\dT00:00:00\+09:00$/);
    const run = Date.parse(schedule.nextRunTime);
    assert.equal(run - Date.parse(schedule.nextScheduleTime), 7 * 3_600_000);
    // Clocks of two machines may differ by minutes.
    assert.ok(run > asked - 300_000 && run < asked + 86_400_000 + 300_000, schedule.nextRunTime);
    assert.deepEqual(await server.get(`/api/schedules/${schedule.id}`), schedule);
    assert.deepEqual(await server.get(`/api/projects/${id}/schedules?workflow=daily`, "schedules"), [
      schedule,
    ]);
    assert.deepEqual(await server.get(`/api/projects/${id}/schedules?workflow=manual`, "schedules"), []);
  });

  // Measured on 0.10.5.1, for schedules that are new.
  it("begins at schedule_from", async () => {
    const { id } = await server.project().push("r1", { "a.dig": DAILY }, FROM);
    const [{ nextRunTime, nextScheduleTime }] = await schedulesOf(id);
    assert.equal(nextRunTime, "2040-12-24T22:00:00Z");
    assert.equal(nextScheduleTime, "2040-12-25T00:00:00+09:00");
  });

  // Measured on 0.10.5.1.
  it("is disabled and enabled", async () => {
    const { id } = await server.project().push("r1", { "a.dig": DAILY }, FROM);
    const [schedule] = await schedulesOf(id);
    const disabled = await post(schedule.id, "disable");
    assert.equal(disabled.id, schedule.id);
    assert.match(disabled.disabledAt, INSTANT);
    assert.equal((await schedulesOf(id))[0].disabledAt, disabled.disabledAt);
    assert.equal((await post(schedule.id, "enable")).disabledAt, null);
    assert.equal((await schedulesOf(id))[0].disabledAt, null);
  });

  // Measured on 0.10.5.1; that its id stays as well was read in Digdag's source.
  it("lives on by its workflow's name, and stays disabled", async () => {
    const project = server.project();
    const { id } = await project.push("r1", { "a.dig": DAILY, "b.dig": DAILY }, FROM);
    type Seen = { id: string; workflow: { name: string }; disabledAt: string | null };
    const shown = (all: Seen[]) =>
      all.map((schedule) => [schedule.workflow.name, schedule.id, schedule.disabledAt]).sort();
    const [first]: Seen[] = await schedulesOf(id);
    await post(first?.id ?? "", "disable");
    const before = shown(await schedulesOf(id));
    await project.push("r2", { "a.dig": `${DAILY}\n`, "b.dig": DAILY, "c.dig": MANUAL }, FROM);
    assert.deepEqual(shown(await schedulesOf(id)), before);
    assert.deepEqual(
      before.map(([name]) => name),
      ["a", "b"],
    );
    assert.equal(before.filter(([, , disabledAt]) => disabledAt !== null).length, 1);
  });

  // Measured on 0.10.5.1, and why `digdag-push` notes what is disabled.
  it("is dropped with its workflow, and comes back enabled", async () => {
    const project = server.project();
    const { id } = await project.push("r1", { "a.dig": DAILY, "b.dig": MANUAL }, FROM);
    await post((await schedulesOf(id))[0].id, "disable");
    await project.push("r2", { "b.dig": MANUAL });
    assert.deepEqual(await schedulesOf(id), []);
    await project.push("r3", { "a.dig": DAILY, "b.dig": MANUAL }, FROM);
    const [restored] = await schedulesOf(id);
    assert.equal(restored.disabledAt, null);
  });

  // Read in Digdag's source: at most a hundred at a time, by id.
  it("is found on the next page, by the last id of the one before", async () => {
    const names = Array.from({ length: 101 }, (_, index) => `w${String(index).padStart(3, "0")}`);
    const files = Object.fromEntries(names.map((name) => [`${name}.dig`, DAILY]));
    const { id } = await server.project().push("r1", files, FROM);
    const first = await schedulesOf(id);
    assert.equal(first.length, 100);
    const path = `/api/projects/${id}/schedules?last_id=${first.at(-1).id}`;
    const second = await server.get(path, "schedules");
    const found = [...first, ...second].map(({ workflow }: { workflow: { name: string } }) => workflow.name);
    assert.deepEqual(found.sort(), names);
  });
});
