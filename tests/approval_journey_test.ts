/** A run that waits for a person by its agent's own rules: held over kills, decided once, by the link of a message. */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert";
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { type ClaudeRequest, startFakeClaude } from "./fake_claude/mod.ts";
import { type Json, tempDir } from "./gaffer.ts";
import {
  greetCommands,
  greetDeveloper,
  GREETED,
  greetRepo,
  greetScripts,
  greetTicket,
} from "./greet_story.ts";
import { addProject, calls, expect, logOf, play, settled } from "./journey_support.ts";
import { Mortal } from "./mortal.ts";

const RULES = ["write(new)", "bash(rm *)"];
const NOTES = "What greet.sh says:\n\n- hello, world\n";
const REMOVE = "echo gone >> proof.txt && 'r'm other.txt";

/** Makes a file, removes another, and then does the work. */
function developer(begin: Promise<void>) {
  return async (request: ClaudeRequest) => {
    const [last] = request.results;
    switch (request.turn) {
      case 1:
        await begin;
        return calls(["Write", { file_path: "docs/notes.md", content: NOTES }]);
      case 2:
        expect(!last?.isError, `the granted file should be there: ${last?.content}`);
        return calls(["Bash", { command: REMOVE }]);
      case 3:
        expect(
          last?.isError && /A person denied this call: other.txt is needed/.test(last.content),
          `the model should be told who denied it and why: ${last?.content}`,
        );
        return calls(["Read", { file_path: "greet.sh" }]);
      default:
        return greetDeveloper(request);
    }
  };
}

Deno.test("a run waits by its agent's rules over kills, and goes on by the link of a message", async (t) => {
  const begin = Promise.withResolvers<void>();
  const develop = developer(begin.promise);
  await using fake = startFakeClaude({ reply: play({ ...greetScripts, develop }) });
  await using messages = messageService();
  await using data = await tempDir();
  await using repo = await greetRepo({ ".gitignore": "proof.txt\n" });
  const env = {
    ANTHROPIC_API_KEY: fake.apiKey,
    ANTHROPIC_BASE_URL: fake.url,
    GAFFER_NOTIFY_URL: messages.url,
  };
  await using mortal = new Mortal(data.path, env);
  await mortal.start();
  const project = await addProject(mortal.client, repo, greetCommands);
  const ticket = await mortal.client.post(`/projects/${project.id}/tickets`, {
    ...greetTicket,
    type: "bugfix",
  });
  const worktree = join(data.path, "projects", project.slug, "worktrees", "1");
  const has = (path: string) => Deno.stat(join(worktree, path)).then(() => true, () => false);
  const page = async (path: string) => {
    const response = await fetch(`${mortal.client.url}${path}`);
    return { status: response.status, text: await response.text() };
  };
  /** The approval that waits now, and the path of the link that was sent for it. */
  const asked = async () => {
    const event = await mortal.events.next("a request", (e) => e.type === "approval_requested");
    const run = await mortal.client.until(`/runs/${event.run_id}`, (r) => r.status === "waiting");
    equal(run.wait_reason, "Waits for your approval");
    const approval = await mortal.client.get(`/approvals/${event.data.approvalId}`);
    const { click, ...message } = await messages.next(approval.id);
    ok(!JSON.stringify(message).includes(approval.detail), "what is asked stays here");
    return { approval, link: new URL(click).pathname };
  };
  const press = async (link: string, fields: Record<string, string>) => {
    const init = { method: "POST", body: new URLSearchParams(fields) };
    const response = await fetch(`${mortal.client.url}${link}`, init);
    return { status: response.status, text: await response.text() };
  };

  await t.step("its agent's rules are those that were fixed when it began", async () => {
    const event = await mortal.events.next(
      "the developer's run",
      (e) => e.type === "started" && e.ticket_id === ticket.id,
    );
    await mortal.kill();
    // No agent that comes with Gaffer has such rules, and those of a run are in its log.
    using db = new DatabaseSync(join(data.path, "gaffer.db"));
    db.prepare(`
      UPDATE events SET data = json_set(data, '$.permissions.requireApproval', json(?))
      WHERE run_id = ? AND type = 'started'
    `).run(JSON.stringify(RULES), event.run_id);
    db.close();
    await mortal.start();
    begin.resolve();
  });

  await t.step(
    "a new file waits with its exact content, over a kill, until the link says yes",
    async () => {
      const { approval, link } = await asked();
      deepEqual([approval.tool, approval.rule], ["Write", "write(new)"]);
      equal(approval.detail, "Write docs/notes.md (a new file)");
      match(approval.diff, /^--- \/dev\/null\n\+\+\+ b\/docs\/notes\.md\n[^]*\+- hello, world\n$/);
      await mortal.killAndStart();
      deepEqual(await mortal.client.get(`/approvals/${approval.id}`), approval);
      for (const path of ["/", `/tickets/${ticket.id}`, `/runs/${approval.run_id}`, link]) {
        const { status, text } = await page(path);
        equal(status, 200);
        ok(text.includes("<code>write(new)</code>"), `${path} shows the rule`);
        ok(text.includes("+- hello, world"), `${path} shows the change`);
      }
      equal((await page(link)).status, 200, "looking decides nothing");
      ok(!await has("docs/notes.md"));
      const { status, text } = await press(link, { decision: "grant" });
      equal(status, 200);
      match(text, /You granted it/);
      for (const again of ["grant", "deny"]) {
        equal((await press(link, { decision: again })).status, 404);
      }
      const late = await mortal.client.request("POST", `/approvals/${approval.id}`, {
        decision: "deny",
      });
      equal(late.status, 409);
      await late.body?.cancel();
    },
  );

  await t.step(
    "a command that its rule finds behind quotes waits too, and a no reaches the model",
    async () => {
      const { approval, link } = await asked();
      equal(await Deno.readTextFile(join(worktree, "docs/notes.md")), NOTES);
      equal(approval.detail, REMOVE, "word for word");
      match(approval.rule, /^bash\(rm \*\)/);
      await mortal.killAndStart();
      const { items } = await mortal.client.get("/approvals?status=pending");
      deepEqual(items.map(({ id }: Json) => id), [approval.id]);
      const { status } = await press(link, { decision: "deny", reason: "other.txt is needed" });
      equal(status, 200);
      const reviewed = await mortal.client.until(`/tickets/${ticket.id}`, settled);
      equal(reviewed.status, "review", reviewed.reason);
      ok(await has("other.txt"));
      ok(!await has("proof.txt"), "nothing of the line was run");
      equal(await Deno.readTextFile(join(worktree, "greet.sh")), GREETED);
      deepEqual((await mortal.client.get("/approvals?status=pending")).items, []);
      const log = await logOf(mortal.client, approval.run_id);
      const decisions = log.filter(({ type }) => type === "approval_decided");
      deepEqual(decisions.map(({ body }) => [body.granted, body.by]), [
        [true, "the holder of the link"],
        [false, "the holder of the link"],
      ]);
      ok(fake.requests.every(({ status }) => status === 200));
    },
  );
});

/** A person's own service: keeps the messages that it gets, by approval. */
function messageService() {
  const got = new Map<string, PromiseWithResolvers<Json>>();
  const slot = (id: string) => {
    const known = got.get(id) ?? Promise.withResolvers<Json>();
    got.set(id, known);
    return known;
  };
  const options = { port: 0, hostname: "127.0.0.1", onListen: () => {} };
  const server = Deno.serve(options, async (request) => {
    const message = await request.json();
    slot(message.approval_id).resolve(message);
    return new Response("ok");
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}/`,
    next: (id: string): Promise<Json> => slot(id).promise,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
