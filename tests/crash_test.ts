/** Kill -9 at any moment: nothing is lost, nothing is done or paid twice, and the journey ends right. */
import {
  deepStrictEqual as deepEqual,
  match,
  ok,
  rejects,
  strictEqual as equal,
} from "node:assert";
import { dirname, join } from "node:path";
import { replay } from "../agents/loop/replay.ts";
import { broken, type FakeClaude, startFakeClaude } from "./fake_claude/mod.ts";
import type { RecordedRequest } from "./fake_claude/mod.ts";
import { type Json, startGaffer, tempDir } from "./gaffer.ts";
import { asking, greetCommands, GREETED, greetRepo, greetScripts } from "./greet_story.ts";
import { appeared, Mortal } from "./mortal.ts";
import { addProject, answerAll, Events, play, purposeOf, Rows, submit } from "./journey_support.ts";

Deno.test("a journey whose server is killed at thirteen points ends right", async (t) => {
  let mute = true;
  const clarified = submit({ summary: "Greet more", type: "feature", acceptance: ["It greets"] });
  await using fake = startFakeClaude({
    reply: play({
      ...greetScripts,
      clarify: ({ turn }) => {
        if (mute) return broken(asking, { type: "hold", after: "content_block_delta" });
        return turn === 1 ? asking : clarified;
      },
    }),
  });
  await using data = await tempDir();
  await using repo = await greetRepo({ ".gitignore": "hold\n" });
  const base = await repo.git("rev-parse", "main");
  await using mortal = new Mortal(data.path, {
    ANTHROPIC_API_KEY: fake.apiKey,
    ANTHROPIC_BASE_URL: fake.url,
  });
  await mortal.start();
  const project = await addProject(mortal.client, repo, {
    ...greetCommands,
    // Hangs while a file says so: what is killed with the server in the middle of a command.
    test: "echo begun; [ ! -e hold ] || sleep 600; sh test.sh",
  });
  const folder = join(data.path, "projects", project.slug);
  const worktree = join(folder, "worktrees", "1");
  const idea = await mortal.client.post(`/projects/${project.id}/ideas`, { title: "Greet more" });
  const readTicket = (id: string) => mortal.client.get(`/tickets/${id}`);
  let ticket: Json;

  await t.step("1: an idea has just been submitted", () => mortal.killAndStart());
  await t.step("2: the clarifier's answer is on its way", async () => {
    await fake.waitFor(({ request, billed }) =>
      request !== null && billed !== null && purposeOf(request) === "clarify"
    );
    mute = false;
    await mortal.killAndStart();
  });
  await t.step("3: a question was asked", async () => {
    await mortal.killAt("a question", (e) => e.type === "idea_moved" && e.data.to === "questions");
    await mortal.client.until(`/ideas/${idea.id}`, (i) => i.status === "questions");
    equal(await answerAll(mortal.client, idea.id), 1);
  });
  await t.step("4: the estimator's first answer has come", () =>
    mortal.killAt(
      "the estimator's turn",
      (e) => e.type === "turn_finished" && e.actor === "estimator",
    ));
  await t.step("5: the idea has just become a ticket", async () => {
    await mortal.client.until(`/ideas/${idea.id}`, (i) => i.status === "ready");
    ticket = await mortal.client.post(`/ideas/${idea.id}/approve`);
    await mortal.kill();
  });
  await t.step("6: its worktree is being made", async () => {
    await Deno.mkdir(dirname(worktree), { recursive: true });
    const made = appeared(dirname(worktree), (path) => path === worktree);
    await mortal.start();
    await made;
    await mortal.killAndStart();
  });
  await t.step("7: an edit has begun", () =>
    mortal.killAt(
      "the edit",
      (e) => e.type === "tool_started" && e.data.call.name === "Edit",
    ));
  await t.step("8: the edit is committed", async () => {
    await mortal.events.next("the checkpoint", (e) => e.type === "checkpoint");
    await mortal.kill();
  });
  await t.step("9: a check is at work", async () => {
    await Deno.writeTextFile(join(worktree, "hold"), "");
    const begun = appeared(
      join(folder, "checks", "1"),
      (path) => path.includes("/test_") && Deno.statSync(path).size > 0,
    );
    await mortal.start();
    await begun;
    await mortal.kill();
    await Deno.remove(join(worktree, "hold"));
    await mortal.start();
  });
  await t.step(
    "10: the review has ended",
    () => mortal.killAt("the review", (e) => e.type === "ticket_moved" && e.data.to === "review"),
  );
  await t.step("11: the merge was just approved", async () => {
    equal((await readTicket(ticket.id)).status, "review");
    await mortal.client.post(`/tickets/${ticket.id}/approve`);
    await mortal.killAndStart();
  });
  await t.step("12: the merge commit is made", () =>
    mortal.killAt(
      "the merge commit",
      (e) => e.type === "ticket_changed" && e.data.changed?.includes("mergeCommit"),
    ));
  await t.step(
    "13: the ticket is done, its worktree not yet removed",
    () => mortal.killAt("the end", (e) => e.type === "ticket_moved" && e.data.to === "done"),
  );

  await t.step("exactly one commit is on the base branch, and nothing is left over", async () => {
    await using all = await Events.open(mortal.client.url, 0);
    await all.next("the removed worktree", (e) => e.type === "worktree_removed");
    const done = await readTicket(ticket.id);
    equal(done.status, "done", done.reason);
    equal(await repo.git("rev-list", `${base}..main`), done.merge_commit);
    equal(await repo.read("greet.sh"), GREETED);
    equal(await repo.git("status", "--porcelain"), "");
    equal(await repo.git("branch", "--list", "gaffer/*"), "");
    await mortal.kill();
  });

  await t.step("every run succeeded, with each call done once and one end", () => {
    using rows = new Rows(data.path);
    deepEqual(
      rows.all("SELECT purpose, status FROM runs ORDER BY purpose").map((r) =>
        `${r.purpose} ${r.status}`
      ),
      ["clarify", "develop", "estimate", "prioritize", "research", "review"].map((purpose) =>
        `${purpose} succeeded`
      ),
    );
    const twice = rows.all(`SELECT run_id, type, key, count(*) AS times FROM (
        SELECT run_id, type, coalesce(json_extract(data, '$.result.callId'),
          CASE WHEN type = 'turn_finished' THEN json_extract(data, '$.turn') END, '') AS key
        FROM events WHERE type IN ('tool_finished', 'turn_finished', 'succeeded', 'started'))
      GROUP BY run_id, type, key HAVING times > 1`);
    deepEqual(twice, []);
    equal(rows.one("SELECT count(*) FROM questions"), 1);
    equal(rows.one("SELECT count(*) FROM worktrees WHERE status <> 'removed'"), 0);
    equal(
      rows.one("SELECT count(*) FROM checks WHERE name = 'test' AND status <> 'passed'"),
      0,
      "the check that was cut off counts for nothing",
    );
  });

  await t.step("every run's log comes out the same when it is replayed", async () => {
    using rows = new Rows(data.path);
    for (const { id, purpose } of rows.all("SELECT id, purpose FROM runs")) {
      const events = rows.all("SELECT data FROM events WHERE run_id = ? ORDER BY number", id);
      const { firstDifference } = await replay(events.map(({ data }) => JSON.parse(data)));
      equal(firstDifference, null, `${purpose}: ${JSON.stringify(firstDifference)}`);
    }
  });

  await t.step("Claude refused nothing, and no answer that was logged was paid twice", () => {
    using rows = new Rows(data.path);
    for (const { status, error } of fake.requests) equal(status, 200, String(error?.message));
    const logged = new Set(
      rows.all(
        "SELECT json_extract(data, '$.requestId') AS id FROM events WHERE type = 'turn_finished'",
      )
        .map(({ id }) => id),
    );
    const paidTwice = fake.requests.filter((again) =>
      fake.requests.some((before) =>
        before.number < again.number && logged.has(before.requestId) && isSame(before, again)
      )
    );
    deepEqual(paidTwice.map(({ request }) => [request!.agent, request!.turn]), []);
    // What was on its way when the server died is all that was paid for nothing: one turn a run at most.
    const lost = unlogged(fake, logged);
    ok(lost.length <= mortal.kills + 1, `${lost.length} lost answers`);
    equal(rows.one("SELECT count(*) FROM turn_usage"), logged.size);
  });
});

const unlogged = (fake: FakeClaude, logged: Set<string>) =>
  fake.requests.filter(({ requestId }) => !logged.has(requestId));

/** The same turn of the same conversation; a cache marker that has moved is no difference. */
function isSame(a: RecordedRequest, b: RecordedRequest): boolean {
  const bytes = ({ request }: RecordedRequest) =>
    JSON.stringify([request!.system, request!.body.messages]);
  return bytes(a) === bytes(b);
}

Deno.test("a second server on the same data folder refuses, and names the first", async () => {
  await using data = await tempDir();
  await using first = await startGaffer({ dataDir: data.path });
  await rejects(startGaffer({ dataDir: data.path }), (error: Error) => {
    match(error.message, /Gaffer ended with code 1/);
    match(
      error.message,
      new RegExp(`another Gaffer \\(process ${first.pid}, ${first.url}, since [^)]+\\)`),
    );
    match(error.message, /already serves .* choose another folder with --data/);
    return true;
  });
  await using other = await tempDir();
  await using second = await startGaffer({ dataDir: other.path });
  ok(second.url !== first.url);
  equal(await first.stop(), 0);
  await using third = await startGaffer({ dataDir: data.path });
  ok(third.pid !== first.pid, "a folder whose server has ended is free again");
});
