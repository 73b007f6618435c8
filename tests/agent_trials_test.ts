/** Trial runs: their result is shown and their cost counted, and nothing else follows from them. */
import { deepStrictEqual as deepEqual, equal, match, ok, throws } from "node:assert/strict";
import { play } from "../agents/demo/script.ts";
import { developer } from "../agents/demo/scripts/developer.ts";
import { planners } from "../agents/demo/scripts/planning.ts";
import { parseTask } from "../agents/demo/task.ts";
import { resultSchemas } from "../agents/results.ts";
import { cancelRun } from "../server/services/cancelling.ts";
import { setAgentActive } from "../server/services/agent_changes.ts";
import { whyNotFork } from "../server/services/forking.ts";
import { advanceIdea } from "../server/services/refinement.ts";
import { recordRunEvent } from "../server/services/runs.ts";
import { ACTIVE_TRIALS_MAX, startTrial, trialDefinition } from "../server/services/trials.ts";
import { getIdea } from "../server/store/ideas.ts";
import { listAgentRuns } from "../server/store/agent_runs.ts";
import { readRunLog } from "../server/store/run_log.ts";
import {
  findActiveRun,
  getRun,
  getRunHead,
  listIdeaRuns,
  listTicketRuns,
} from "../server/store/runs.ts";
import { getTicket } from "../server/store/tickets.ts";
import { totalUsage } from "../server/store/usage.ts";
import { catalog, results, type TestApp, testApp } from "./support.ts";

const without = <T extends { updatedAt: string }>({ updatedAt: _, ...rest }: T) => rest;
const turn = {
  inputTokens: 10,
  outputTokens: 5,
  cacheWrite5mTokens: 0,
  cacheWrite1hTokens: 0,
  cacheReadTokens: 0,
};
const spend = (app: TestApp, runId: string) =>
  app.tx((tx) =>
    recordRunEvent(tx, getRunHead(tx.db, runId), {
      type: "turn_failed",
      turn: 1,
      reason: "overloaded",
      message: "busy",
      usage: turn,
      costMicroUsd: 700,
      retryInMs: null,
    } as never)
  );

Deno.test("a trial on an idea leaves it as it is, whatever comes of it; its cost counts", async () => {
  using app = testApp();
  const idea = await app.idea("ready");
  const before = [without(getIdea(app.db, idea.id)), listIdeaRuns(app.db, idea.id)];
  const history = app.events.filter((e) => e.ideaId === idea.id && e.runId === null).length;
  const [one, two, three] = [1, 2, 3].map(() => startTrial(app, "researcher", { ideaId: idea.id }));
  deepEqual([one!.trial, one!.purpose, one!.definition], [true, "research", {
    agentId: "researcher",
    version: 1,
  }]);
  ok(app.jobs().some((job) => job.args.runId === one!.id));
  spend(app, one!.id);
  await app.end(one!, { type: "succeeded", result: results.research });
  await app.end(two!, { type: "failed", reason: "stuck", message: "In circles" });
  cancelRun(app, three!.id);
  advanceIdea(app, idea.id);
  deepEqual([without(getIdea(app.db, idea.id)), listIdeaRuns(app.db, idea.id)], before);
  equal(app.events.filter((e) => e.ideaId === idea.id && e.runId === null).length, history);
  deepEqual(getRun(app.db, one!.id).result, results.research);
  deepEqual([one, two, three].map((run) => getRun(app.db, run!.id).status), [
    "succeeded",
    "failed",
    "cancelled",
  ]);
  const spent = totalUsage(app.db, { from: "2026-01-01", to: "2026-12-31" }).costMicroUsd;
  deepEqual([getRun(app.db, one!.id).costMicroUsd, spent], [700, 700]);
  equal(
    listAgentRuns(app.db, { id: "researcher", name: "researcher" }, { trial: false, limit: 20 })
      .length,
    1,
  );
  equal(
    listAgentRuns(app.db, { id: "researcher", name: "researcher" }, { trial: true, limit: 20 })
      .length,
    3,
  );
  ok(whyNotFork(app, getRun(app.db, one!.id)));
});

Deno.test("a trial on a ticket runs beside its work and is never taken for it", async () => {
  using app = testApp();
  const ticket = await app.ticket();
  const before = without(getTicket(app.db, ticket.id));
  const run = startTrial(app, "feature-dev", { ticketId: ticket.id });
  deepEqual([run.purpose, run.subtaskId !== null], ["develop", true]);
  deepEqual([findActiveRun(app.db, ticket.id), listTicketRuns(app.db, ticket.id)], [null, []]);
  await app.end(run, {
    type: "succeeded",
    result: { status: "blocked", summary: "No", verified: [] },
  });
  deepEqual(without(getTicket(app.db, ticket.id)), before);
});

Deno.test("its log begins with a note that it is a trial", async () => {
  using app = testApp();
  const idea = await app.idea("ready");
  const run = startTrial(app, "researcher", { ideaId: idea.id });
  const [note] = readRunLog(app.db, run.id);
  ok(note!.body.type === "note" && note!.body.text.startsWith("This is a trial"));
});

Deno.test("a trial is refused for what the agent has nothing to do with, and for a disabled agent", async () => {
  using app = testApp();
  const ticket = await app.ticket();
  const of = { ideaId: ticket.ideaId! };
  throws(() => startTrial(app, "reviewer", of), { code: "invalid", message: /Choose a ticket/ });
  throws(() => startTrial(app, "reviewer", { ticketId: ticket.id }), {
    code: "invalid",
    message: /no work to review/,
  });
  throws(() => startTrial(app, "researcher", { ideaId: "idea_none" }), { code: "not_found" });
  setAgentActive(app, "researcher", false);
  throws(() => startTrial(app, "researcher", of), { code: "conflict", message: /disabled/ });
  setAgentActive(app, "researcher", true);
  for (let n = 0; n < ACTIVE_TRIALS_MAX; n++) startTrial(app, "researcher", of);
  throws(() => startTrial(app, "researcher", of), { code: "conflict", message: /under way/ });
});

Deno.test("in a trial no agent has a tool that changes or runs anything", () => {
  for (const definition of catalog.agents) {
    const { tools } = trialDefinition(definition);
    ok(tools.includes("submit_result"));
    for (const name of ["Edit", "Write", "Bash", "run_checks"]) {
      ok(!tools.includes(name as never), name);
    }
  }
});

Deno.test("the demo model hands in what a planning agent hands in, and says that it is nothing", () => {
  const task = parseTask(
    '<task purpose="research" round="1" project="p"><idea number="1" title="Greet people">By name</idea></task>',
  );
  for (const [name, script] of Object.entries(planners)) {
    const desk = { task, can: (tool: string) => tool === "submit_result" };
    const { calls } = play(script(desk), []);
    const { result } = catalog.get(name);
    ok(resultSchemas[result]().safeParse(calls[0]!.input).success, name);
    match(JSON.stringify(calls[0]!.input), /demo model and can't/);
  }
});

Deno.test("where it may not edit, the demo model's developer reports that instead of trying again and again", () => {
  const idea = catalog.get("feature-dev");
  const task = parseTask(
    '<task purpose="develop" round="1" project="p"><idea number="1" title="Count what is left to do">' +
      "A count command.</idea></task>",
  );
  const { calls } = play(developer({ task, can: (tool) => tool === "submit_result" }), []);
  const handedIn = resultSchemas[idea.result]().safeParse(calls[0]!.input);
  equal((handedIn.data as { status: string }).status, "blocked");
});
