/** What planning agents are asked, and what becomes of it: a person decides piece by piece. */
import {
  deepStrictEqual as deepEqual,
  match,
  ok,
  rejects,
  strictEqual as equal,
  throws,
} from "node:assert";
import { acceptHunks, rejectHunks } from "../server/services/accepting.ts";
import { createAgent, setAgentActive } from "../server/services/agent_changes.ts";
import { cancelRun } from "../server/services/cancelling.ts";
import { keepDraft } from "../server/services/document_drafts.ts";
import { openDocument, setDocumentSaves } from "../server/services/documents.ts";
import { whyNotFork } from "../server/services/forking.ts";
import {
  ACTIVE_ASKS_MAX,
  askAgain,
  askPlanningAgent,
  defaultAgent,
  planningAgentsOf,
} from "../server/services/planning_asks.ts";
import {
  answerPlanningQuestion,
  faultInResult,
  recordPlanningQuestions,
  skipPlanningQuestion,
} from "../server/services/planning_results.ts";
import { pauseRun, resumeRun } from "../server/services/run_control.ts";
import { archiveProject } from "../server/services/projects.ts";
import { distrustFile, fileToTrust, trustFile } from "../server/services/trust.ts";
import { taskOf } from "../server/services/run_task.ts";
import { actingAs } from "../server/app.ts";
import type { PlanningAsk } from "../server/records.ts";
import { findDraft } from "../server/store/document_drafts.ts";
import {
  findAskSuggestion,
  getSuggestion,
  listHunks,
} from "../server/store/document_suggestions.ts";
import { getDocument } from "../server/store/documents.ts";
import { findAnswering, getAsk, listAsks } from "../server/store/planning_asks.ts";
import { countPlanningNeeds } from "../server/store/planning_needs.ts";
import { listAskQuestions } from "../server/store/planning_questions.ts";
import { getAskRun, getRun } from "../server/store/runs.ts";
import { never } from "./git_support.ts";
import { followDrift, staleReasonOf, updateAskOf } from "../server/services/document_drift.ts";
import { type AskedBench, askedBench, EDITS, SPEC, SPEC_TEXT } from "./planning_asks_support.ts";

Deno.test("what is asked is a run of the agent that fits, with its cost and limits, about that document", async () => {
  await using b = await askedBench();
  const ask = b.ask({ ask: "review", words: "Is it still so?" });
  const run = getAskRun(b.app.db, ask.id);
  deepEqual(
    [run.agent, run.purpose, run.askId, run.ideaId, run.ticketId, run.status, run.demo],
    ["analyst", "plan", ask.id, null, null, "queued", true],
  );
  ok(b.app.jobs().some(({ kind, args }) => kind === "run_agent" && args.runId === run.id));
  ok(run.maxCostMicroUsd > 0);
  match(whyNotFork(b.app, getRun(b.app.db, run.id))!, /not over/);
  equal(defaultAgent("extend", { type: "spec" }), "writer");
  equal(defaultAgent("interview", { type: "roadmap" }), "analyst");
  equal(defaultAgent("draft", { type: "architecture" }), "architect");
  equal(b.ask({ agent: "architect" }).agent, "architect");
  pauseRun(b.app, run.id);
  equal(getRun(b.app.db, run.id).status, "waiting");
  resumeRun(b.app, run.id);
  ok(b.app.jobs().some(({ args, status }) => args.runId === run.id && status === "available"));
});

Deno.test("an ask is refused with its field: no words, no section, no planning agent, too many at once", async () => {
  await using b = await askedBench();
  const refused = (input: Parameters<typeof b.ask>[0], field: string, says: RegExp) =>
    throws(() => b.ask(input), (error: { code: string; message: string; fields: unknown[] }) => {
      equal(error.code, "invalid");
      match(error.message, says);
      deepEqual(error.fields.map((f) => (f as { field: string }).field), [field]);
      return true;
    });
  refused({ ask: "draft", words: " " }, "words", /a few lines/);
  refused({ ask: "extend" }, "section", /Choose the section/);
  refused({ agent: "reviewer" }, "agent", /no planning agent. Choose analyst, architect, writer/);
  refused({ commits: ["main; rm -rf"] }, "commits", /by their ids/);
  throws(() => b.ask({ agent: "nobody" }), { code: "not_found" });
  throws(() => b.ask({ documentId: "document_none" }), { code: "not_found" });
  for (let n = 0; n < ACTIVE_ASKS_MAX; n++) b.ask();
  throws(() => b.ask(), { code: "conflict", message: /are at work on specs\/saving.md/ });
});

Deno.test("the agent is told the ask, the document as it is now, its links, its history and the commits", async () => {
  await using b = await askedBench("# Saving\n\nSee [[Map]] and #idea-7.\n");
  const head = await b.repo.commit("Say where saves are", {
    "planning/map.md": "# Map\n\nBack to [[Saving]].\n",
  });
  await b.follow();
  const ask = b.ask({ section: "Slots", commits: [head, "deadbeef"] });
  const parts = await taskOf(b.app, getAskRun(b.app.db, ask.id), b.project, never);
  deepEqual(parts.ask, { kind: "update", section: "Slots", words: "It is old" });
  equal(parts.document!.path, SPEC);
  match(parts.document!.text, /See \[\[Map\]\]/);
  deepEqual(parts.links, [
    "leads to planning/map.md, draft: Map",
    "leads to idea #7, which is not there",
    "named by planning/map.md, draft: Map",
  ]);
  equal(parts.history!.length, 1);
  match(
    parts.commits!.join(),
    /^[0-9a-f]{12} \d{4}-\d\d-\d\d Say where saves are \(planning\/map\.md\)$/,
  );
  equal(getAsk(b.app.db, ask.id).baseText, parts.document!.text);
});

Deno.test("two of three pieces are accepted, one is rejected and stays to be read; each save is a commit", async () => {
  await using b = await askedBench();
  const id = await b.suggested();
  equal(await b.text(), SPEC_TEXT, "nothing is changed by the agent");
  deepEqual(
    listHunks(b.app.db, id).map(({ start, removed, added, reason }) => [
      start,
      removed,
      added,
      reason,
    ])[1],
    [6, ["There are three."], ["There are five."], "src/slots.ts has five"],
  );
  const first = await acceptHunks(b.app, id, [1], never);
  deepEqual([first.accepted, first.unfit, first.suggestion.status], [[1], [], "open"]);
  await rejectHunks(b.app, id, [2], never);
  const last = await acceptHunks(b.app, id, null, never);
  deepEqual([last.accepted, last.suggestion.status], [[3], "partly"]);
  equal(
    await b.text(),
    SPEC_TEXT.replace("saved.", "saved often.").replace("a file", "a folder"),
  );
  deepEqual(b.states(id), ["accepted", "rejected", "accepted"]);
  deepEqual(listHunks(b.app.db, id)[1]!.added, ["There are five."]);
  const saves = b.app.events.filter(({ type }) => type === "document_saved");
  equal(saves.length, 2);
});

Deno.test("a piece is decided once: the same again changes nothing, another decision is told of the first", async () => {
  await using b = await askedBench();
  const id = await b.suggested();
  const [ana, ben] = ["ana", "ben"].map((name) => actingAs(b.app, name));
  const both = await Promise.allSettled([
    acceptHunks(ana!, id, [1], never),
    rejectHunks(ben!, id, [1], never),
  ]);
  deepEqual(both.map(({ status }) => status), ["fulfilled", "rejected"]);
  await rejects(rejectHunks(ben!, id, [1], never), {
    code: "conflict",
    message: "Cannot reject piece 1: ana has accepted it already",
  });
  await rejects(acceptHunks(ben!, id, [1], never), { code: "conflict" });
  deepEqual((await acceptHunks(ana!, id, [1], never)).accepted, [], "a request that comes again");
  await rejects(acceptHunks(ana!, id, [9], never), { code: "not_found" });
  deepEqual(b.states(id), ["accepted", "pending", "pending"]);
  const saved = await b.text();
  await rejectHunks(ben!, id, null, never);
  equal(getSuggestion(b.app.db, id).status, "partly");
  equal(await b.text(), saved);
});

Deno.test("what others changed meanwhile stays, and a piece whose place was changed is told and not lost", async () => {
  await using b = await askedBench();
  const id = await b.suggested();
  const moved = `New on top.\n\n${SPEC_TEXT}`.replace("There are three.", "There is one.");
  await b.repo.commit("Theirs", { [SPEC]: moved });
  await rejects(acceptHunks(b.app, id, [2], never), {
    code: "conflict",
    message:
      /Cannot accept piece 2: specs\/saving.md says something else there by now. It stays open/,
  });
  equal(await b.text(), moved);
  const { accepted, unfit, suggestion } = await acceptHunks(b.app, id, null, never);
  deepEqual([accepted, unfit, suggestion.status], [[1, 3], [2], "open"]);
  const now = await b.text();
  match(now, /New on top/);
  match(now, /There is one\./);
  match(now, /saved often/);
  match(now, /a folder/);
  deepEqual(b.states(id), ["accepted", "pending", "accepted"]);
});

Deno.test("pieces of two suggestions that are accepted at the same moment are both in the document", async () => {
  await using b = await askedBench();
  const [one, two] = [await b.suggested(), await b.suggested({ edits: [EDITS![2]!] })];
  const both = await Promise.all([
    acceptHunks(b.app, one, [1], never),
    acceptHunks(b.app, two, [1], never),
  ]);
  deepEqual(both.map(({ accepted }) => accepted), [[1], [1]]);
  equal(
    await b.text(),
    SPEC_TEXT.replace("saved.", "saved often.").replace("a file", "a folder"),
  );
  // The first suggests the same: it is there already.
  const saved = b.app.events.filter(({ type }) => type === "document_saved").length;
  deepEqual((await acceptHunks(b.app, one, [3], never)).accepted, [3]);
  equal(b.app.events.filter(({ type }) => type === "document_saved").length, saved);
});

Deno.test("it is not saved over somebody's own edit that is not committed, and the piece stays open", async () => {
  await using b = await askedBench();
  const id = await b.suggested();
  await Deno.writeTextFile(`${b.repo.dir}/${SPEC}`, `${SPEC_TEXT}\nMine.\n`);
  await rejects(acceptHunks(b.app, id, [1], never), {
    code: "conflict",
    message: /an edit of it that is not committed/,
  });
  deepEqual(b.states(id), ["pending", "pending", "pending"]);
  setDocumentSaves(b.app, b.project.id, "files");
  await acceptHunks(b.app, id, [1], never);
  match(await b.text(), /saved often[^]*Mine\./);
});

Deno.test("what somebody has typed and not saved stays, beside what was accepted", async () => {
  await using b = await askedBench();
  const id = await b.suggested();
  const { document, text } = await openDocument(b.app, b.documentId, never);
  const typed = { text: `${text}Typed.\n`, seen: document.version };
  await keepDraft(b.app, b.documentId, typed, never);
  await acceptHunks(b.app, id, [1], never);
  equal(findDraft(b.app.db, getDocument(b.app.db, b.documentId), "owner")!.text, typed.text);
});

Deno.test("a crash between the save and the note of it: accepting again finds it done", async () => {
  await using b = await askedBench();
  const id = await b.suggested();
  await acceptHunks(b.app, id, [1, 2], never);
  const saved = await b.text();
  const commits = await b.repo.git("rev-list", "--count", "main");
  // As it was before the note.
  b.app.db.prepare("UPDATE suggestion_hunks SET status = 'pending', decided_by = NULL").run();
  deepEqual((await acceptHunks(b.app, id, [2], never)).accepted, [2]);
  equal(await b.text(), saved);
  equal(await b.repo.git("rev-list", "--count", "main"), commits);
});

Deno.test("a run that fails or is cancelled suggests nothing, and can be asked again", async () => {
  await using b = await askedBench();
  const failed = b.ask();
  await b.app.end(await b.begin(failed), {
    type: "failed",
    reason: "stuck",
    message: "In circles",
  });
  equal(findAskSuggestion(b.app.db, failed.id), null);
  const cancelled = b.ask();
  throws(() => askAgain(b.app, cancelled.id), { code: "conflict", message: /the run is "queued"/ });
  const run = getAskRun(b.app.db, cancelled.id);
  const questions = [{ question: "How many slots?", why: "It is not said" }];
  b.app.tx((tx) => recordPlanningQuestions(tx, run, { questions }));
  equal(countPlanningNeeds(b.app.db, b.project.id), 1);
  cancelRun(b.app, run.id);
  equal(countPlanningNeeds(b.app.db, null), 0, "nothing waits for what it asked");
  equal(getAskRun(b.app.db, cancelled.id).status, "cancelled");
  await b.repo.commit("Theirs", { [SPEC]: "# Saving\n\nAnother text.\n" });
  const again = askAgain(b.app, failed.id);
  deepEqual([again.ask, again.words, again.agent], [failed.ask, failed.words, failed.agent]);
  await b.handIn(again, { text: "# Saving\n\nYet another.\n" });
  const { id } = findAskSuggestion(b.app.db, again.id)!;
  deepEqual(listHunks(b.app.db, id)[0]!.removed, ["Another text."]);
});

Deno.test("a document whose file goes away keeps what was asked, and says so", async () => {
  await using b = await askedBench();
  const id = await b.suggested();
  await b.repo.git("rm", "-q", SPEC);
  await b.repo.commit("Gone", {});
  await b.follow();
  await rejects(acceptHunks(b.app, id, [1], never), {
    code: "not_found",
    message: /its file is gone/,
  });
  deepEqual(b.states(id), ["pending", "pending", "pending"]);
  equal(
    listAsks(b.app.db, { projectId: b.project.id, path: "specs/saving.md" }, { limit: 9 }).length,
    1,
  );
});

Deno.test("what was asked about a document comes along when it gets another name, and one at its old place has none", async () => {
  await using b = await askedBench();
  const id = await b.suggested();
  await b.repo.git("mv", SPEC, "planning/specs/saves.md");
  await b.repo.commit("Renamed", {});
  // Nobody has looked at the tree: accepting finds it.
  deepEqual((await acceptHunks(b.app, id, [1], never)).accepted, [1]);
  match(await b.repo.read("planning/specs/saves.md"), /saved often/);
  await b.repo.commit("Another", { [SPEC]: "# Another\n" });
  await b.follow();
  const asksAt = (path: string) =>
    listAsks(b.app.db, { projectId: b.project.id, path }, { limit: 9 }).length;
  deepEqual([asksAt("specs/saves.md"), asksAt("specs/saving.md")], [1, 0]);
  deepEqual((await acceptHunks(b.app, id, null, never)).accepted, [2, 3]);
});

Deno.test("what can't be a change is refused with how to mend it", async () => {
  await using b = await askedBench("# Saving\n\nsame\n\nsame\n\nUses <task id=1>.\n");
  const ask = b.ask();
  const { id } = await b.begin(ask);
  const fault = (result: Record<string, unknown>) =>
    faultInResult(b.app, id, { summary: "x", questions: [], ...result });
  const edit = (old: string, now: string) => ({ old, new: now, reason: "r" });
  match(fault({ text: "  \n" })!, /text: it is empty/);
  match(fault({ text: `# Saving\n\n${"x".repeat(600 * 1024)}` })!, /longer than 512 KB/);
  match(fault({ text: getAsk(b.app.db, ask.id).baseText! })!, /text: it is the document as it is/);
  match(fault({ edits: [edit("# Saving", "# Saving")] })!, /it is the document as it is/);
  match(fault({})!, /nothing is suggested. Hand in text or edits/);
  match(fault({ edits: [edit("nowhere", "x")] })!, /edits\.0\.old: it is not in the document/);
  match(fault({ edits: [edit("same", "x")] })!, /occurs there more than once. Take more/);
  match(fault({ edits: [edit("Saving", "a"), edit("# Sav", "b")] })!, /Join the two/);
  match(fault({ text: "x", edits: [edit("Saving", "a")] })!, /not both/);
  const finding = { kind: "note", severity: "note", text: "All of it still holds" };
  equal(fault({ findings: [finding] }), null);
  // Gaffer's own tags stand in the prompt in another form.
  equal(fault({ edits: [edit("Uses &lt;task id=1>", "Has <task id=1>")] }), null);
  equal(fault({ edits: [edit("Saving", "Storing")] }), null);
});

Deno.test("of a document that is too long to be shown whole, no whole text is taken", async () => {
  await using b = await askedBench(`# Saving\n\n${"A line of it.\n".repeat(12_000)}The end.\n`);
  const { id } = await b.begin(b.ask());
  const fault = (result: Record<string, unknown>) =>
    faultInResult(b.app, id, { summary: "x", questions: [], ...result });
  match(fault({ text: "# Saving\n" })!, /only the beginning of the document. Hand in edits/);
  equal(fault({ edits: [{ old: "# Saving", new: "# Saves", reason: "r" }] }), null);
});

Deno.test("an ask of a disabled agent waits for it, and none is asked in an archived project", async () => {
  await using b = await askedBench();
  setAgentActive(b.app, "writer", false);
  const run = getAskRun(b.app.db, b.ask().id);
  deepEqual([run.status, run.waitReason], ["waiting", 'The agent "writer" is disabled']);
  setAgentActive(b.app, "writer", true);
  ok(b.app.jobs().some(({ args }) => args.runId === run.id));
  cancelRun(b.app, run.id);
  archiveProject(b.app, b.project.id);
  throws(() => b.ask(), { code: "conflict", message: /"Game" is archived/ });
});

Deno.test("a review's findings are kept without a change, and a whole text comes in pieces", async () => {
  await using b = await askedBench();
  const review = b.ask({ ask: "review" });
  await b.handIn(review, {
    findings: [{ kind: "gap", severity: "major", section: "Slots", text: "Which slot is full?" }],
  });
  equal(findAskSuggestion(b.app.db, review.id), null);
  const id = await b.suggested({
    text: SPEC_TEXT.replace("# Saving", "# Saves").replace("There are three.", "Five.\n\nNo more."),
  });
  deepEqual(
    listHunks(b.app.db, id).map(({ removed, added }) => [removed, added]),
    [[["# Saving"], ["# Saves"]], [["There are three."], ["Five.", "", "No more."]]],
  );
  await acceptHunks(b.app, id, null, never);
  match(await b.text(), /# Saves[^]*Five\.\n\nNo more\./);
});

Deno.test("what is added at the end of a document keeps its last line end", async () => {
  await using b = await askedBench();
  const id = await b.suggested({ text: `${SPEC_TEXT}\n## Sharing\n\nNobody shares.\n` });
  deepEqual(
    listHunks(b.app.db, id).map(({ start, removed, added }) => [start, removed, added]),
    [[11, [], ["", "## Sharing", "", "Nobody shares."]]],
  );
  await acceptHunks(b.app, id, null, never);
  equal(await b.text(), `${SPEC_TEXT}\n## Sharing\n\nNobody shares.\n`);
});

Deno.test("line ends of a file stay as they are", async () => {
  await using b = await askedBench(SPEC_TEXT.replaceAll("\n", "\r\n"));
  const id = await b.suggested();
  await acceptHunks(b.app, id, [1], never);
  equal(await b.text(), SPEC_TEXT.replace("saved.", "saved often.").replaceAll("\n", "\r\n"));

  const both = SPEC_TEXT.replace("\n", "\r\n");
  await using mixed = await askedBench(both);
  await acceptHunks(mixed.app, await mixed.suggested(), [1], never);
  equal(await mixed.text(), both.replace("saved.", "saved often."));
});

Deno.test("questions wait for a person; with the last answer an agent is asked to work them in, once", async () => {
  await using b = await askedBench();
  const ask = b.ask({ ask: "interview", words: "" });
  const run = await b.begin(ask);
  const questions = [
    { question: "How many slots?", why: "It is not said", options: ["3", "5"] },
    { question: "Who may delete one?", why: "Nobody is named" },
  ];
  for (let life = 0; life < 2; life++) {
    b.app.tx((tx) => recordPlanningQuestions(tx, run, { questions }));
  }
  const [one, two] = listAskQuestions(b.app.db, ask.id);
  equal(listAskQuestions(b.app.db, ask.id).length, 2, "a restart asks nothing twice");
  throws(() => answerPlanningQuestion(b.app, one!.id, "  "), { code: "invalid" });
  answerPlanningQuestion(b.app, one!.id, "5");
  throws(() => skipPlanningQuestion(b.app, one!.id), {
    code: "conflict",
    message: /already answered/,
  });
  await b.app.end(run, { type: "succeeded", result: { summary: "Two things", findings: [] } });
  equal(findAnswering(b.app.db, ask.id), null);
  skipPlanningQuestion(b.app, two!.id);
  const next = findAnswering(b.app.db, ask.id)!;
  deepEqual([next.agent, next.ask], ["writer", "update"]);
  const parts = await taskOf(b.app, getAskRun(b.app.db, next.id), b.project, never);
  deepEqual(parts.answers!.map(({ text, status, answer }) => [text, status, answer]), [
    ["How many slots?", "answered", "5"],
    ["Who may delete one?", "skipped", ""],
  ]);
  await b.handIn(next, { edits: [EDITS![1]!] });
  equal(findAskSuggestion(b.app.db, next.id)!.status, "open");
});

Deno.test("answers that come before the agent is done are worked in when it is", async () => {
  await using b = await askedBench();
  const ask = b.ask({ ask: "interview", words: "" });
  const run = await b.begin(ask);
  const questions = [{ question: "How many slots?", why: "It is not said" }];
  b.app.tx((tx) => recordPlanningQuestions(tx, run, { questions }));
  answerPlanningQuestion(b.app, listAskQuestions(b.app.db, ask.id)[0]!.id, "5");
  equal(findAnswering(b.app.db, ask.id), null);
  await b.app.end(run, { type: "succeeded", result: { summary: "One thing", findings: [] } });
  ok(findAnswering(b.app.db, ask.id));
});

/** An interview whose run is over and that has one question. */
async function interviewed(b: AskedBench) {
  const ask = b.ask({ ask: "interview", words: "" });
  const run = await b.begin(ask);
  const questions = [{ question: "How many slots?", why: "It is not said" }];
  b.app.tx((tx) => recordPlanningQuestions(tx, run, { questions }));
  await b.app.end(run, { type: "succeeded", result: { summary: "One thing", findings: [] } });
  return { ask, question: listAskQuestions(b.app.db, ask.id)[0]! };
}

Deno.test("answers that came while too many were at work are worked in when one of them is done, failed or cancelled", async () => {
  const failure = { type: "failed", reason: "stuck", message: "In circles" } as const;
  const ends: ((b: AskedBench, one: PlanningAsk) => unknown)[] = [
    (b, one) => b.handIn(one, { edits: EDITS }),
    async (b, one) => await b.app.end(await b.begin(one), failure),
    (b, one) => cancelRun(b.app, getAskRun(b.app.db, one.id).id),
  ];
  for (const end of ends) {
    await using b = await askedBench();
    const { ask, question } = await interviewed(b);
    const others = Array.from({ length: ACTIVE_ASKS_MAX }, () => b.ask());
    equal(answerPlanningQuestion(b.app, question.id, "5").status, "answered");
    equal(findAnswering(b.app.db, ask.id), null);
    await end(b, others[0]!);
    const next = findAnswering(b.app.db, ask.id)!;
    equal(next.agent, "writer");
    cancelRun(b.app, getAskRun(b.app.db, others[1]!.id).id);
    equal(findAnswering(b.app.db, ask.id)!.id, next.id, "once");
  }
});

Deno.test("a project's own writer of another kind stops neither the last answer nor a result", async () => {
  await using b = await askedBench();
  const review = b.app.catalog.text("reviewer")!.replace("name: reviewer", "name: writer");
  createAgent(b.app, { text: review, projectId: b.project.id });
  const { ask, question } = await interviewed(b);
  answerPlanningQuestion(b.app, question.id, "5");
  equal(findAnswering(b.app.db, ask.id)!.agent, "analyst", "the interview's own");
  equal(b.ask().agent, "analyst", "the first that plans");
  throws(() => b.ask({ agent: "writer" }), { code: "invalid" });
});

Deno.test("a planning agent of the repository that is not trusted any more is none, and takes no page away", async () => {
  await using b = await askedBench();
  const path = ".claude/agents/poet.md";
  const text = b.app.catalog.text("writer")!.replace("name: writer", "name: poet");
  await b.repo.commit("A poet", { [path]: text });
  const names = () => planningAgentsOf(b.app, b.project.id).map(({ name }) => name).sort();
  deepEqual(names(), ["analyst", "architect", "writer"]);
  const file = await fileToTrust(b.app, b.project.id, path, never);
  trustFile(b.app, b.project.id, file, file.hash);
  deepEqual(names(), ["analyst", "architect", "poet", "writer"]);
  distrustFile(b.app, b.project.id, path);
  deepEqual(names(), ["analyst", "architect", "writer"]);
  throws(() => b.ask({ agent: "poet" }), { code: "not_found" });
});

Deno.test("where no agent plans any more, an answer is kept, and so is a result", async () => {
  await using b = await askedBench();
  const ask = b.ask({ ask: "interview", words: "" });
  const run = await b.begin(ask);
  const questions = [{ question: "How many slots?", why: "It is not said" }];
  b.app.tx((tx) => recordPlanningQuestions(tx, run, { questions }));
  for (const name of ["analyst", "architect", "writer"]) {
    const text = b.app.catalog.text("reviewer")!.replace("name: reviewer", `name: ${name}`);
    createAgent(b.app, { text, projectId: b.project.id });
  }
  const [question] = listAskQuestions(b.app.db, ask.id);
  answerPlanningQuestion(b.app, question!.id, "5");
  await b.app.end(run, { type: "succeeded", result: { summary: "One thing", findings: [] } });
  equal(getAskRun(b.app.db, ask.id).status, "succeeded");
  equal(listAskQuestions(b.app.db, ask.id)[0]!.answer, "5");
  equal(findAnswering(b.app.db, ask.id), null);
});

Deno.test("an accepted update makes a stale document true again, unless the code has gone on meanwhile", async () => {
  const text = `---\nstatus: approved\nfiles: src\n---\n${SPEC_TEXT}`;
  await using b = await askedBench(text);
  const stale = async () => {
    await followDrift(b.app, b.project, never);
    return staleReasonOf(b.app, { id: b.documentId, path: "specs/saving.md" })?.commits.length ?? 0;
  };
  const suggested = async () => {
    const ask = askPlanningAgent(b.app, updateAskOf(b.app, b.documentId));
    await b.handIn(ask, { edits: EDITS });
    return findAskSuggestion(b.app.db, ask.id)!.id;
  };
  equal(await stale(), 0);
  await b.repo.commit("Slots", { "src/slots.ts": "5" });
  equal(await stale(), 1);
  const first = await suggested();
  await acceptHunks(b.app, first, [1, 2], never);
  equal(await stale(), 1, "a piece is not decided on");
  await rejectHunks(b.app, first, [3], never);
  equal(await stale(), 0);

  await b.repo.commit("Folders", { "src/save.ts": "1" });
  equal(await stale(), 1);
  const ask = askPlanningAgent(b.app, updateAskOf(b.app, b.documentId));
  await b.handIn(ask, { edits: [{ old: "A save is a file.", new: "A folder.", reason: "" }] });
  await b.repo.commit("More", { "src/save.ts": "2" });
  await acceptHunks(b.app, findAskSuggestion(b.app.db, ask.id)!.id, null, never);
  equal(await stale(), 2, "nobody has looked at the newer commit");
});

Deno.test("the agent is told the newest commits of the files that the document describes, and of no others", async () => {
  await using b = await askedBench("---\nfiles: [src/save/**, src/slots.ts]\n---\n# Saving\n");
  await b.repo.commit("Add slots", { "src/slots.ts": "1", "src/other.ts": "1" });
  await b.repo.commit("Add sound", { "src/sound.ts": "1" });
  for (let n = 0; n < 22; n++) {
    await b.repo.commit(`Save ${n}`, { [`src/save/deep/${n}.ts`]: `${n}` });
  }
  await b.follow();
  const parts = () => taskOf(b.app, getAskRun(b.app.db, b.ask().id), b.project, never);
  const { codeHistory } = await parts();
  equal(codeHistory!.length, 20);
  match(
    codeHistory![0]!,
    /^[0-9a-f]{12} \d{4}-\d\d-\d\d [^:]+: Save 21 \(src\/save\/deep\/21\.ts\)$/,
  );
  await b.repo.commit("Rewrite slots", { "src/slots.ts": "2", "src/other.ts": "2" });
  match((await parts()).codeHistory![0]!, /: Rewrite slots \(src\/slots\.ts\)$/);
});
