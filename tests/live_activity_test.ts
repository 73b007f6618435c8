/** What a run does arrives on the open page, whenever that page was opened and whichever run took over. */
import { deepStrictEqual as deepEqual, doesNotMatch, match } from "node:assert";
import { noUsage, type RunEventBody } from "../agents/protocol.ts";
import type { Run, Ticket } from "../server/records.ts";
import { startRun } from "../server/services/runs.ts";
import { lastSeq } from "../server/store/events.ts";
import { listIdeaRuns, moveRun } from "../server/store/runs.ts";
import { listSubtasks } from "../server/store/subtasks.ts";
import { runSpec, text } from "./loop_support.ts";
import { followPage, pagesBench } from "./pages_support.ts";
import { begun, record } from "./runs_support.ts";
import { type TestApp, testApp } from "./support.ts";

const started = (run: Run): RunEventBody => ({
  type: "started",
  spec: { ...runSpec(), runId: run.id, prompt: "Be kind to whoever reads this" },
  commit: "a".repeat(40),
});

/** A turn in which the agent says something. */
const turn = (number: number, says: string): RunEventBody[] => [
  { type: "turn_started", turn: number, maxOutputTokens: 1_000 },
  {
    type: "turn_finished",
    turn: number,
    content: [text(says)],
    stopReason: "pause_turn",
    usage: noUsage,
    costMicroUsd: 0,
    requestId: `req_${number}`,
    durationMs: 1,
  } as RunEventBody,
];

function develop(app: TestApp, ticket: Ticket): Run {
  const [subtask] = listSubtasks(app.db, ticket.id);
  const subject = { ticket, purpose: "develop", agent: "feature-dev", subtaskId: subtask!.id };
  const { id } = app.tx((tx) => startRun(app, tx, subject as never));
  return begun(app, id);
}

Deno.test("a run's page that was opened while it was queued gets its beginning, too", async () => {
  using app = testApp();
  const idea = await app.idea("refining");
  const [clarifier] = listIdeaRuns(app.db, idea.id);
  await using told = await followPage(
    pagesBench(app),
    `/live/run/${clarifier!.id}`,
    lastSeq(app.db),
  );
  const run = begun(app, clarifier!.id);
  record(app, run, [started(run)]);
  match(await told.next(), /Started.*Be kind to whoever reads this/s);
  record(app, run, turn(1, "I look at it first"));
  const next = await told.next();
  match(next, /I look at it first/);
  doesNotMatch(next, /Be kind to whoever reads this/);
});

Deno.test("when another run takes over, a ticket's page shows it from its beginning and goes on with it", async () => {
  using app = testApp();
  const ticket = await app.ticket();
  const first = develop(app, ticket);
  const turns = Array.from({ length: 10 }, (_, n) => turn(n + 1, `Turn ${n + 1} of the first`));
  record(app, first, [started(first), ...turns.flat()]);
  await using told = await followPage(
    pagesBench(app),
    `/live/ticket/${ticket.id}`,
    lastSeq(app.db),
  );
  record(app, first, turn(11, "The first says goodbye"));
  match(await told.next(), /The first says goodbye/);

  app.tx((tx) => moveRun(tx, first.id, "succeeded"));
  const second = develop(app, ticket);
  record(app, second, [started(second)]);
  const taken = await told.next();
  match(taken, /Started/);
  doesNotMatch(taken, /The first says goodbye/);
  record(app, second, turn(1, "The second looks around"));
  match(await told.next(), /The second looks around/);
  record(app, second, turn(2, "The second goes on"));
  const last = await told.next();
  match(last, /The second goes on/);
  doesNotMatch(last, /The second looks around/);
});

Deno.test("a ticket's page that was opened in the middle of a turn shows what streams in it", async () => {
  using app = testApp();
  const ticket = await app.ticket();
  const run = develop(app, ticket);
  record(app, run, [started(run)]);
  const half = { turn: 1, text: "Half a sen", thinking: "" };
  app.agents.liveText = (id) => id === run.id ? half : null;
  await using told = await followPage(
    pagesBench(app),
    `/live/ticket/${ticket.id}`,
    lastSeq(app.db),
  );
  app.hub.publish({
    ...{ kind: "delta", runId: run.id, ideaId: null, ticketId: ticket.id },
    ...{ turn: 1, part: "text", text: "sen" },
  });
  match(await told.next(), new RegExp(`hx-target="#live-${run.id}"[^>]*>Half a sen<`));
});

Deno.test("text that streams in a run wakes the pages of that run and of its ticket alone", async () => {
  using app = testApp();
  const [ticket, other] = [await app.ticket(), await app.ticket()];
  const [run, another] = [develop(app, ticket), develop(app, other)];
  record(app, run, [started(run)]);
  record(app, another, [started(another)]);
  // Both have text that no page has been told of yet.
  app.agents.liveText = (id) => ({ turn: 1, text: `Half of ${id}.`, thinking: "" });
  const pages = pagesBench(app);
  const after = lastSeq(app.db);
  await using own = await followPage(pages, `/live/run/${run.id}`, after);
  await using itsTicket = await followPage(pages, `/live/ticket/${ticket.id}`, after);
  await using others = await followPage(pages, `/live/run/${another.id}`, after);
  await using theirTicket = await followPage(pages, `/live/ticket/${other.id}`, after);
  const delta = (of: Run) =>
    app.hub.publish({
      ...{ kind: "delta", runId: of.id, ideaId: null, ticketId: of.ticketId },
      ...{ turn: 1, part: "text", text: "." },
    });
  delta(run);
  for (const told of [own, itsTicket]) match(await told.next(), new RegExp(`Half of ${run.id}`));
  // What they are told first is of their own run: the text before woke neither.
  const asked: string[] = [];
  app.agents.liveText = (id) => {
    asked.push(id);
    return { turn: 1, text: `More of ${id}.`, thinking: "" };
  };
  delta(another);
  for (const told of [others, theirTicket]) {
    match(await told.next(), new RegExp(`More of ${another.id}`));
  }
  deepEqual([...new Set(asked)], [another.id]);
});
