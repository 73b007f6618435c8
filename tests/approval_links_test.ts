/** A notification of an approval and its link: decided once by whoever holds it, and by nobody who only looks. */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert";
import type { RunOutcome } from "../agents/protocol.ts";
import type { Approval } from "../server/records.ts";
import { makeApprovalLink } from "../server/services/approval_links.ts";
import { askApproval, decide } from "../server/services/approvals.ts";
import { cancelRun } from "../server/services/cancelling.ts";
import { LINKS_MAX, notifyOfApproval } from "../server/services/notify.ts";
import { beginRun } from "../server/services/runs.ts";
import { getApproval } from "../server/store/approvals.ts";
import { readRunLog } from "../server/store/run_log.ts";
import { getRun, listIdeaRuns } from "../server/store/runs.ts";
import { pagesBench } from "./pages_support.ts";
import { executeRun, type TestApp, testApp } from "./support.ts";

const never = new AbortController().signal;
const suspended: RunOutcome = { type: "suspended" };
const COMMAND = "rm -rf build && echo '<b>done</b>'";

/** A run that waits for a person. */
async function waiting(app: TestApp): Promise<Approval> {
  const idea = await app.idea("refining");
  const run = listIdeaRuns(app.db, idea.id).find(({ purpose }) => purpose === "clarify")!;
  app.db.prepare("DELETE FROM jobs").run();
  app.tx((tx) => beginRun(tx, run.id));
  const question = { detail: COMMAND, rule: "bash(rm *)", diff: "--- a\n+++ b\n@@\n-x\n+y\n" };
  const approval = askApproval(app, run.id, { id: "call_1", name: "Bash" }, question);
  app.agents.outcomes.push(suspended);
  await executeRun(app, run.id, { attempt: 1, maxAttempts: 5 }, never);
  return approval;
}

const statusOf = (app: TestApp, { id }: Approval) => getApproval(app.db, id).status;
const text = async (response: Promise<Response>): Promise<[number, string]> => {
  const answer = await response;
  return [answer.status, await answer.text()];
};

Deno.test("a link shows the question as often as it is asked, and decides nothing", async () => {
  using app = testApp();
  const approval = await waiting(app);
  const bench = pagesBench(app);
  const path = makeApprovalLink(app, approval.id);
  match(path, /^\/approve\/[\w-]{43}$/);
  const before = readRunLog(app.db, approval.runId).length;
  for (let i = 0; i < 3; i++) {
    const [status, page] = await text(bench.get(path));
    equal(status, 200);
    ok(
      page.includes("rm -rf build &amp;&amp; echo '&lt;b>done&lt;/b>'"),
      "the exact command, as text",
    );
    ok(page.includes("<code>bash(rm *)</code>"));
    equal(page.match(/name="decision"/g)?.length, 2, "two buttons");
    ok(page.includes(`action="${path}"`));
  }
  equal(statusOf(app, approval), "pending");
  equal(readRunLog(app.db, approval.runId).length, before);
  const { status } = await bench.http.request(path, { method: "HEAD" });
  equal(status, 200);
  equal(statusOf(app, approval), "pending");
});

Deno.test("a link decides once; then it and every other link of the approval lead nowhere", async () => {
  for (const [decision, status] of [["grant", "granted"], ["deny", "denied"]] as const) {
    using app = testApp();
    const approval = await waiting(app);
    const bench = pagesBench(app);
    const [first, second] = [
      makeApprovalLink(app, approval.id),
      makeApprovalLink(app, approval.id),
    ];
    const [code, page] = await text(bench.post(first, { decision, reason: "Because" }));
    equal(code, 200);
    match(page, decision === "grant" ? /You granted it/ : /You denied it/);
    const decided = getApproval(app.db, approval.id);
    deepEqual([decided.status, decided.reason], [status, "Because"]);
    equal(decided.decidedBy, "the holder of the link");
    equal(app.jobs().filter(({ kind }) => kind === "run_agent").length, 1, "the run goes on");
    for (const path of [first, second]) {
      equal((await text(bench.get(path)))[0], 404);
      const [again, refusal] = await text(bench.post(path, { decision: "grant" }));
      equal(again, 404);
      ok(!refusal.includes("rm -rf"), "what was asked is not shown any more");
    }
    deepEqual(getApproval(app.db, approval.id), decided);
    equal(app.db.prepare("SELECT count(*) AS n FROM approval_links").get()!.n, 0);
  }
});

Deno.test("of two who decide at the same moment one wins; the other is told", async () => {
  using app = testApp();
  const approval = await waiting(app);
  const bench = pagesBench(app);
  const path = makeApprovalLink(app, approval.id);
  const answers = await Promise.all([
    bench.post(`/approvals/${approval.id}`, { decision: "deny" }),
    bench.post(`/approvals/${approval.id}`, { decision: "grant" }),
    bench.post(path, { decision: "grant" }),
  ]);
  deepEqual(answers.map(({ status }) => status), [303, 409, 404]);
  equal(statusOf(app, approval), "denied");
  const decisions = readRunLog(app.db, approval.runId)
    .filter(({ body }) => body.type === "approval_decided");
  equal(decisions.length, 1);
});

Deno.test("a link that is wrong, cut short or of a run that is over is a 404", async () => {
  using app = testApp();
  const approval = await waiting(app);
  const bench = pagesBench(app);
  const path = makeApprovalLink(app, approval.id);
  const wrong = [
    path.slice(0, -1),
    `${path}a`,
    path.replace(/.$/, (c) => c === "A" ? "B" : "A"),
    `/approve/${approval.id}`,
    `/approve/${"A".repeat(43)}`,
    "/approve/%00",
  ];
  for (const address of wrong) {
    equal((await text(bench.get(address)))[0], 404, address);
    equal((await text(bench.post(address, { decision: "grant" })))[0], 404, address);
  }
  equal((await text(bench.post(path, { decision: "maybe" })))[0], 422);
  equal(statusOf(app, approval), "pending");
  cancelRun(app, approval.runId);
  equal((await text(bench.get(path)))[0], 404);
  equal((await text(bench.post(path, { decision: "grant" })))[0], 404);
  equal(getRun(app.db, approval.runId).status, "cancelled");
});

Deno.test("the token is nowhere in the database, nor in what is told", async () => {
  using app = testApp({ config: { notifyUrl: "http://127.0.0.1:1" } });
  const approval = await waiting(app);
  const token = makeApprovalLink(app, approval.id).split("/").at(-1)!;
  const tables = app.db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
  for (const { name } of tables) {
    const rows = JSON.stringify(app.db.prepare(`SELECT * FROM ${name}`).all());
    ok(!rows.includes(token), String(name));
  }
  ok(!JSON.stringify(app.events).includes(token));
});

Deno.test("a link is no way round the rules of who may ask: other hosts and other sites are refused", async () => {
  using app = testApp();
  const approval = await waiting(app);
  const { http } = pagesBench(app);
  const path = makeApprovalLink(app, approval.id);
  const body = new URLSearchParams({ decision: "grant" });
  const refused: [RequestInit, string][] = [
    [{ headers: { host: "evil.example" } }, "its name leads here"],
    [{ method: "POST", body, headers: { host: "evil.example" } }, "its name leads here"],
    [{ method: "POST", body, headers: { origin: "https://evil.example" } }, "its form"],
    [{ method: "POST", body, headers: { "sec-fetch-site": "cross-site" } }, "its form"],
  ];
  for (const [init, why] of refused) {
    const [status, answer] = await text(Promise.resolve(http.request(path, init)));
    equal(status, 403, why);
    ok(!answer.includes("rm -rf"));
  }
  equal(statusOf(app, approval), "pending");
});

Deno.test("what an idea's agent waits for is on the idea's page and on Home, until it is decided", async () => {
  using app = testApp();
  const approval = await waiting(app);
  const bench = pagesBench(app);
  const { ideaId } = getRun(app.db, approval.runId);
  const form = `action="/approvals/${approval.id}"`;
  for (const path of ["/", `/ideas/${ideaId}`, `/runs/${approval.runId}`]) {
    const [, page] = await text(bench.get(path));
    ok(page.includes(form) && page.includes("<code>bash(rm *)</code>"), path);
  }
  decide(app, approval.id, true, "");
  for (const path of ["/", `/ideas/${ideaId}`, `/runs/${approval.runId}`]) {
    ok(!(await text(bench.get(path)))[1].includes(form), path);
  }
});

// ------------------------------------------------------------------ the message

/** A service that answers as told, and keeps what it got. */
function service(statuses: number[]) {
  const got: Record<string, string>[] = [];
  const options = { port: 0, hostname: "127.0.0.1", onListen: () => {} };
  const server = Deno.serve(options, async (request) => {
    got.push(await request.json());
    const status = statuses.shift() ?? 200;
    const headers = status === 302 ? { location: request.url.replace("hook", "other") } : undefined;
    return new Response(null, { status, headers });
  });
  return { url: `http://127.0.0.1:${server.addr.port}/hook`, got, server };
}

Deno.test("each new approval is told once by a job, where there is somebody to tell", async () => {
  const told = async (notifyUrl: string | null) => {
    using app = testApp({ config: { notifyUrl } });
    const approval = await waiting(app);
    askApproval(app, approval.runId, { id: "call_1", name: "Bash" }, { detail: COMMAND });
    const jobs = app.jobs().filter(({ kind }) => kind === "notify");
    return jobs.map(({ args }) => args.approvalId === approval.id);
  };
  deepEqual(await told(null), []);
  deepEqual(await told("http://127.0.0.1:1"), [true]);
});

Deno.test("a message says who wants what and where to decide, but not the command", async () => {
  const { url, got, server } = service([]);
  await using _ = server;
  const config = { notifyUrl: `${url}?topic=me`, publicUrl: "https://gaffer.example" };
  using app = testApp({ config });
  const approval = await waiting(app);
  deepEqual(await notifyOfApproval(app, { approvalId: approval.id, by: "webhook" }, never), {
    type: "done",
  });
  const [message] = got;
  deepEqual([message!.agent, message!.tool, message!.rule], ["clarifier", "Bash", "bash(rm *)"]);
  deepEqual([message!.topic, message!.title], ["me", "The clarifier wants to use Bash"]);
  ok(!JSON.stringify(message).includes("rm -rf"));
  match(message!.click!, /^https:\/\/gaffer\.example\/approve\/[\w-]{43}$/);
  const [status] = await text(pagesBench(app).get(new URL(message!.click!).pathname));
  equal(status, 200);
});

Deno.test("a service that fails is tried again, and is not followed elsewhere; nothing is told too late", async () => {
  const { url, got, server } = service([500, 302, 200]);
  await using _ = server;
  using app = testApp({ config: { notifyUrl: url.replace("http://", "http://me:hush@") } });
  const approval = await waiting(app);
  const outcomes = [];
  for (let i = 0; i < 3; i++) {
    outcomes.push(await notifyOfApproval(app, { approvalId: approval.id, by: "webhook" }, never));
  }
  deepEqual(outcomes.map(({ type }) => type), ["retry", "retry", "done"]);
  match(JSON.stringify(outcomes[0]), /127\.0\.0\.1:\d+ answered 500/);
  equal(got.length, 3, "not at the other address");
  equal(new Set(got.map(({ click }) => click)).size, 3, "each with a link of its own");
  const bench = pagesBench(app);
  for (const { click } of got) {
    equal(
      (await text(bench.get(new URL(click!).pathname)))[0],
      200,
      "any of them may have arrived",
    );
  }
  decide(app, approval.id, true, "");
  equal(
    (await notifyOfApproval(app, { approvalId: approval.id, by: "webhook" }, never)).type,
    "cancel",
  );
  equal(got.length, 3);
});

Deno.test("a service that takes messages and fails each time gets no more links than it may", async () => {
  using app = testApp({ config: { notifyUrl: "http://127.0.0.1:9/" } });
  const approval = await waiting(app);
  for (let n = 0; n < LINKS_MAX; n++) makeApprovalLink(app, approval.id);
  deepEqual(await notifyOfApproval(app, { approvalId: approval.id, by: "webhook" }, never), {
    type: "cancel",
    reason: "The service failed too often",
  });
});

Deno.test("a service that is not there is tried again, and its password is not told", async () => {
  using app = testApp({ config: { notifyUrl: "http://me:hush@127.0.0.1:1/secret" } });
  const approval = await waiting(app);
  const outcome = await notifyOfApproval(app, { approvalId: approval.id, by: "webhook" }, never);
  ok(outcome.type === "retry");
  match(outcome.reason, /^127\.0\.0\.1:1 can't be reached: /);
  ok(!/hush|secret/.test(outcome.reason));
  for (let i = 0; i < 30; i++) {
    await notifyOfApproval(app, { approvalId: approval.id, by: "webhook" }, never);
  }
  const { n } = app.db.prepare("SELECT count(*) AS n FROM approval_links").get()!;
  equal(n, 20, "and not without end");
});
