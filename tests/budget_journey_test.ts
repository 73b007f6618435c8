/**
 * The journey of a budget: a person limits the day while an agent works; its next request has no room, so it waits
 * and says so, is shown, and goes on at midnight by the clock of the test. Real brains, queue, prompts and git; the
 * fake's bill is what every account says.
 */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert";
import type { Hands, ToolRequest } from "../agents/hands_client.ts";
import { replay } from "../agents/loop/replay.ts";
import { createAgents } from "../agents/runtime.ts";
import { advanceIdeaHandler } from "../queue/handlers/advance_idea.ts";
import { runAgentHandler } from "../queue/handlers/run_agent.ts";
import { HOUR_MS } from "../server/clock.ts";
import type { App } from "../server/app.ts";
import type { LimitState } from "../server/records.ts";
import { decide } from "../server/services/approvals.ts";
import { submitIdea } from "../server/services/ideas.ts";
import { changeLimits } from "../server/services/limits.ts";
import { pauseRun, resumeRun } from "../server/services/run_control.ts";
import { createRunHost } from "../server/services/run_host.ts";
import { listPendingApprovals } from "../server/store/approvals.ts";
import { getIdea } from "../server/store/ideas.ts";
import { listLimits } from "../server/store/limits.ts";
import { readRunLog } from "../server/store/run_log.ts";
import { getRun, listIdeaRuns } from "../server/store/runs.ts";
import { sumUsage } from "../server/store/usage.ts";
import { poolFor } from "./brain_support.ts";
import { answered, request, says, workingRun } from "./budgets_support.ts";
import { answer, startFakeClaude, text, toolUse } from "./fake_claude/mod.ts";
import { TestRepo } from "./git_support.ts";
import { runnerOf } from "./jobs_support.ts";
import { chargedBy, play, purposeOf, submit } from "./journey_support.ts";
import { pagesBench } from "./pages_support.ts";
import { results, testApp } from "./support.ts";

/** Hands that find the same in every file. */
const hands = {
  warm: () => {},
  tool: (_place: unknown, { call, cwd }: ToolRequest) =>
    Promise.resolve({
      result: { callId: call.id, content: "1\tone", isError: false, durationMs: 0 },
      cwd,
    }),
  close: () => Promise.resolve(),
} as unknown as Hands;

const daily = { scope: "all", scopeId: "", period: "day", unit: "micro_usd" } as const;

Deno.test("a run that the day's budget holds goes on at midnight, and every account is the fake's bill", async () => {
  await using repo = await TestRepo.make();
  let [limit, elsewhere] = [0, 0];
  const scripts = play({
    clarify: [
      // So long that its next request may cost more than what is left.
      answer(text("I look. ".repeat(4_000)), toolUse("Read", { file_path: "README.md" })),
      submit(results.clarify),
    ],
    research: submit(results.research),
    estimate: submit(results.estimate),
    prioritize: submit(results.prioritize),
  });
  await using fake = startFakeClaude({
    reply(asked) {
      if (purposeOf(asked) === "clarify" && asked.turn === 1) {
        // Another run takes half of what a person then allows for today; the other half is little more than what is
        // on its way can cost.
        const worst = Number(
          app.db.prepare("SELECT max(micro_usd) AS n FROM reservations").get()!.n,
        );
        limit = Math.ceil(2.2 * worst);
        elsewhere = worst;
        says(app, other, request(1, worst));
        says(app, other, answered(1, worst));
        changeLimits(app, [{ ...daily, amount: limit }]);
      }
      return scripts(asked);
    },
  });
  using app = testApp({
    now: "2026-11-27T21:00:00.000Z",
    config: {
      endpoint: { baseUrl: fake.url, apiKey: fake.apiKey },
      dataDir: repo.beside("data"),
    },
  });
  const agents = createAgents({
    brains: poolFor(fake),
    hands,
    host: createRunHost(() => app),
    model: { kind: "endpoint", baseUrl: fake.url },
    confinement: { kind: "bubblewrap", hint: "" },
    proof: Promise.resolve(null),
    nowMs: app.clock.nowMs,
  });
  Object.assign(app satisfies App, { agents });
  const project = app.project({ path: repo.dir });
  const other = workingRun(app, project.id, "researcher");
  // Nobody works on it: the test says what it does.
  app.db.exec("DELETE FROM jobs");
  const runner = runnerOf(app, advanceIdeaHandler, runAgentHandler);
  try {
    const idea = submitIdea(app, { projectId: project.id, title: "Save twice" });
    const clarifier = () =>
      listIdeaRuns(app.db, idea.id).find(({ purpose }) => purpose === "clarify")!;
    const work = async () => {
      runner.fire();
      await runner.idle();
    };
    runner.start();
    await runner.idle();

    // It waits, with the reason and the time, on the page too.
    const held = clarifier();
    deepEqual([held.status, held.failure, held.turns], ["waiting", "budget", 1]);
    match(held.waitReason, /daily limit of \$\d.*It goes on at 2026-11-28 00:00 UTC/);
    const pages = pagesBench(app);
    const page = await (await pages.get(`/runs/${held.id}`)).text();
    match(page, /Waits for its budget/);
    match(page, /daily limit/);
    const requests = fake.requests.length;

    // Hours pass; a person pauses it and lets it go on; nothing makes room.
    app.advance(HOUR_MS);
    await work();
    pauseRun(app, held.id);
    equal(getRun(app.db, held.id).pausedBy, "owner");
    resumeRun(app, held.id);
    await work();
    deepEqual([clarifier().status, clarifier().failure], ["waiting", "budget"]);
    equal(fake.requests.length, requests, "no request went out");
    const [{ spent, doubt, reserved }] = listLimits(app.db, "2026-11-27") as [LimitState];
    ok(spent + doubt + reserved <= limit);

    // Midnight.
    app.advance(2 * HOUR_MS);
    await work();
    equal(clarifier().status, "succeeded");
    // Until now the researcher has waited for a person's word on the web, and no money was put aside for it.
    const [asked] = listPendingApprovals(app.db, null, 1);
    decide(app, asked!.id, true, "");
    changeLimits(app, [{ ...daily, amount: null }]);
    for (let look = 0; look < 20 && getIdea(app.db, idea.id).status === "refining"; look++) {
      await work();
    }
    equal(getIdea(app.db, idea.id).status, "ready");
    const { firstDifference } = await replay(
      readRunLog(app.db, held.id).map(({ body }) => body),
    );
    equal(firstDifference, null);

    const bill = chargedBy(fake);
    const days = sumUsage(app.db, "day", { from: "2026-11-01", to: "2026-11-30" });
    deepEqual(days.map(({ key }) => key), ["2026-11-27", "2026-11-28"]);
    equal(days.reduce((sum, { costMicroUsd }) => sum + costMicroUsd, 0), bill + elsewhere);
    equal(getIdea(app.db, idea.id).costMicroUsd, bill);
    ok(days[0]!.costMicroUsd <= limit, "the day's budget was never passed");
  } finally {
    await runner.stop(0, 0);
    await agents.close();
  }
});
