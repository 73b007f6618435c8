/** What was merged is deployed when a person asks for it, and nothing of the ticket hangs on how that ends. */
import { deepStrictEqual as deepEqual, match, strictEqual as equal, throws } from "node:assert";
import { RepositoryMaps } from "../agents/inspect/repository_map.ts";
import { migrate, openDb } from "../server/db.ts";
import { migrations } from "../server/migrations/mod.ts";
import type { ChangeEvent, Run } from "../server/records.ts";
import { setAgentActive } from "../server/services/agent_changes.ts";
import { deployTicket } from "../server/services/deploying.ts";
import { prepareRun } from "../server/services/run_preparation.ts";
import { cancelRun } from "../server/services/cancelling.ts";
import { listRunEvents } from "../server/store/run_log.ts";
import { getRun } from "../server/store/runs.ts";
import { describeChange } from "../views/history.tsx";
import { never } from "./git_support.ts";
import { MergeScene } from "./merge_scene.ts";

const result = {
  status: "prepared",
  summary: "The image is built; push it",
  steps: [{ action: "podman push", state: "open", evidence: "There is no network" }],
  rollback: "Push the one before",
};
const refusal = (why: RegExp) => ({ code: "conflict", message: why });
const typesOf = ({ app }: MergeScene, { id }: Run) =>
  listRunEvents(app.db, id, { limit: 50 }).map(({ body }) => body.type);

Deno.test("deployTicket() starts the deployer on what was merged, with the person's words", async () => {
  await using it = await MergeScene.make();
  const merge = await it.merged();
  const run = deployTicket(it.app, it.ticket.id, " To staging ");
  deepEqual([run.agent, run.purpose, run.ticketId], ["deployer", "deploy", it.ticket.id]);
  const [note] = listRunEvents(it.app.db, run.id, { limit: 5 });
  deepEqual(note!.body, { type: "note", text: "To staging", by: "owner" });
  equal(it.app.jobs().filter(({ args }) => args.runId === run.id).length, 1);

  const { place, spec } = await prepareRun(it.app, new RepositoryMaps(), run.id, never);
  equal(place.access, "read", "what is deployed is not changed");
  equal(await Deno.readTextFile(`${place.dir}/new.txt`), "new\n");
  equal(await it.repo.git("rev-parse", "main"), merge);
  match(spec.prompt, /^<task purpose="deploy"/);
  match(spec.prompt, /<checks>[^]*test[^]*passed/);
});

Deno.test("how a deployment ends stands in the ticket's history, and the ticket stays as it is", async () => {
  await using it = await MergeScene.make();
  await it.merged();
  const before = it.ticket;
  await it.app.end(deployTicket(it.app, before.id), { type: "succeeded", result });
  const told = it.app.events.findLast(({ type }) => type === "run_deployed")!;
  equal(
    describeChange(told as ChangeEvent),
    "Deployment prepared, a person takes the steps: The image is built; push it",
  );
  const failed = deployTicket(it.app, before.id);
  await it.app.end(failed, { type: "failed", reason: "max_turns", message: "20 turns" });
  equal(getRun(it.app.db, failed.id).status, "failed");
  deepEqual({ ...it.ticket, updatedAt: "" }, { ...before, updatedAt: "" });
});

Deno.test("only what is merged is deployed, and by one run at a time", async () => {
  await using it = await MergeScene.make();
  const deploy = () => deployTicket(it.app, it.ticket.id);
  throws(deploy, refusal(/^Cannot deploy ticket #1: only what is merged can be deployed/));
  await it.merged();
  const run = deploy();
  throws(deploy, refusal(/: the deployer is at work on it$/));
  throws(() => it.ask(), refusal(/^Cannot undo the merge of ticket #1: the deployer is at work/));
  cancelRun(it.app, run.id);
  equal(typesOf(it, run).at(-1), "cancelled");
  it.ask();
  throws(deploy, refusal(/: its merge is being undone$/));
});

Deno.test("a deployer that is disabled waits until it is enabled", async () => {
  await using it = await MergeScene.make();
  await it.merged();
  setAgentActive(it.app, "deployer", false);
  const run = deployTicket(it.app, it.ticket.id);
  equal(getRun(it.app.db, run.id).waitReason, 'The agent "deployer" is disabled');
});

Deno.test("the migration that lets runs deploy keeps those that there are", () => {
  const at = migrations.findIndex(({ name }) => name.endsWith("_deploying"));
  const now = "2026-01-31T03:04:05.678Z";
  const db = openDb(":memory:");
  migrate(db, now, migrations.slice(0, at));
  const insert = (id: string, purpose: string) =>
    db.exec(`
      INSERT INTO runs (id, project_id, agent, purpose, ticket_id, round, status, model, demo, max_turns,
        max_cost_micro_usd, created_at, web_searches)
      VALUES ('${id}', 'p', 'a', '${purpose}', 't', 1, 'succeeded', 'm', 0, 9, 9, '${now}', 3)`);
  db.exec(`
    INSERT INTO projects (id, slug, name, path, base_branch, created_at, updated_at)
    VALUES ('p', 'p', 'P', '/p', 'main', '${now}', '${now}');
    INSERT INTO tickets (id, project_id, number, type, title, priority, created_at, updated_at)
    VALUES ('t', 'p', 1, 'feature', 'One', 2, '${now}', '${now}')`);
  insert("gone", "develop");
  insert("kept", "develop");
  db.exec("DELETE FROM runs WHERE id = 'gone'");
  throws(() => insert("early", "deploy"), /CHECK/);
  const old = db.prepare("SELECT rowid AS at, * FROM runs ORDER BY rowid").all();
  migrate(db, now);
  deepEqual(db.prepare("SELECT rowid AS at, * FROM runs ORDER BY at").all(), old);
  insert("new", "deploy");
  throws(() => insert("other", "guess"), /CHECK/);
  db.close();
});
