/** What agents were asked about documents that are gone: found, moved to the document that it is by now, or let rest. */
import {
  deepStrictEqual as deepEqual,
  doesNotMatch,
  match,
  strictEqual as equal,
  throws,
} from "node:assert";
import { transact } from "../server/db.ts";
import { adoptAsks, likelyDocument, lostAsks } from "../server/services/lost_asks.ts";
import {
  answerPlanningQuestion,
  recordPlanningQuestions,
} from "../server/services/planning_results.ts";
import { findAskSuggestion } from "../server/store/document_suggestions.ts";
import { findAnswering, getAsk } from "../server/store/planning_asks.ts";
import { listAskQuestions } from "../server/store/planning_questions.ts";
import { getAskRun } from "../server/store/runs.ts";
import { type AskedBench, askedBench, EDITS, SPEC } from "./planning_asks_support.ts";

/** Its document has another name and another text at once, so that nobody can tell it is the same. */
async function renamed(b: AskedBench, text = "# Saves\n\nAll new.\n"): Promise<void> {
  await b.repo.git("rm", "-q", SPEC);
  await b.repo.commit("Gone", { "planning/notes/saves.md": text });
  await b.follow();
}

const interviewed = (b: AskedBench) => {
  const ask = b.ask({ ask: "interview" });
  transact(b.app, (tx) =>
    recordPlanningQuestions(tx, getAskRun(tx.db, ask.id), {
      questions: ["How many?", "Where?"].map((question) => ({ question, why: "Nobody says" })),
    }));
  return ask;
};

Deno.test("what was asked about a document that is gone is listed, and moves to the one that a person names", async () => {
  await using b = await askedBench();
  const ask = interviewed(b);
  await b.handIn(ask, { findings: [] });
  const suggestion = await b.suggested();
  deepEqual(lostAsks(b.app, b.project.id), []);
  await renamed(b);
  deepEqual(lostAsks(b.app, b.project.id).length, 2);
  for (const { id } of listAskQuestions(b.app.db, ask.id)) answerPlanningQuestion(b.app, id, "3");
  equal(findAnswering(b.app.db, ask.id), null);
  throws(() => adoptAsks(b.app, ask.id, "notes/none"), {
    code: "invalid",
    fields: [{ field: "path", message: "There is no document notes/none.md" }],
  });
  throws(() => adoptAsks(b.app, ask.id, "../../etc"), { code: "invalid" });
  equal(adoptAsks(b.app, ask.id, "planning/notes/saves").path, "notes/saves.md");
  deepEqual(lostAsks(b.app, b.project.id), []);
  equal(getAsk(b.app.db, ask.id).path, "notes/saves.md");
  // The answers waited for their document.
  equal(findAnswering(b.app.db, ask.id)!.path, "notes/saves.md");
  deepEqual(b.states(suggestion), ["pending", "pending", "pending"]);
  throws(() => adoptAsks(b.app, ask.id, "notes/saves.md"), {
    code: "conflict",
    message: /notes\/saves\.md is there/,
  });
});

Deno.test("likelyDocument() finds the one of the same text, or else of the same name or title, or none", async () => {
  await using b = await askedBench();
  const ask = b.ask();
  await b.begin(ask);
  const likely = () => likelyDocument(b.app, getAsk(b.app.db, ask.id))?.path ?? null;
  await renamed(b);
  equal(likely(), null);
  await b.repo.commit("Titled", { "planning/other.md": "# Saving\n" });
  await b.follow();
  equal(likely(), "other.md");
  await b.repo.commit("Same", { "planning/same.md": getAsk(b.app.db, ask.id).baseText! });
  // As if it had come too long after the other went.
  b.app.db.exec("DELETE FROM documents_gone");
  await b.follow();
  equal(likely(), "same.md");
});

Deno.test("the page of an ask says that its document is gone, proposes one, moves it there, or lets it rest", async () => {
  await using b = await askedBench();
  const ask = interviewed(b);
  await b.handIn(ask, { edits: EDITS });
  const page = async () => await (await b.pages.get(`/asks/${ask.id}`)).text();
  doesNotMatch(await page(), /id="ask-gone"/);
  await renamed(b, "# Saving\n\nAll new.\n");
  match(
    await page(),
    /is not there any more[^]*It looks like this one[^]*value="notes\/saves\.md"/,
  );
  const asks = `/documents/${b.idOf("notes/saves.md")}/asks`;
  match(await (await b.pages.get(asks)).text(), /href="\/planning\/lost-asks\?project=/);
  const listed = await (await b.pages.get(`/planning/lost-asks?project=${b.project.id}`)).text();
  match(listed, new RegExp(`planning/specs/saving\\.md[^]*href="/asks/${ask.id}"`));
  const wrong = await b.pages.post(`/asks/${ask.id}/document`, { path: "notes/no" });
  equal(wrong.status, 422);
  match(await wrong.text(), /There is no document notes\/no\.md[^]*value="notes\/no"/);
  equal((await b.pages.post(`/asks/${ask.id}/rest`)).status, 303);
  deepEqual(
    listAskQuestions(b.app.db, ask.id).map(({ status }) => status),
    ["skipped", "skipped"],
  );
  equal(findAskSuggestion(b.app.db, ask.id)!.status, "rejected");
  doesNotMatch(await page(), /asks\/[^"]*\/rest/);
  equal((await b.pages.post(`/asks/${ask.id}/document`, { path: "notes/saves" })).status, 303);
  doesNotMatch(await page(), /id="ask-gone"/);
  match(
    await (await b.pages.get(`/planning/lost-asks?project=${b.project.id}`)).text(),
    /There is\s+nothing now/,
  );
});

Deno.test("the API lists what is lost, moves it and lets it rest", async () => {
  await using b = await askedBench();
  const ask = interviewed(b);
  await b.handIn(ask, { edits: EDITS });
  await renamed(b);
  const lost = async () => (await b.call("GET", `/projects/${b.project.id}/lost-asks`)).json.items;
  deepEqual((await lost()).map(({ id }: { id: string }) => id), [ask.id]);
  const rested = await b.call("POST", `/asks/${ask.id}/rest`);
  deepEqual(
    [rested.json.suggestion.status, rested.json.questions[0].status],
    ["rejected", "skipped"],
  );
  equal((await b.call("POST", `/asks/${ask.id}/rest`)).status, 200);
  equal((await b.call("POST", "/asks/none/rest")).status, 404);
  equal((await b.call("POST", `/asks/${ask.id}/document`, { path: "" })).status, 422);
  const moved = await b.call("POST", `/asks/${ask.id}/document`, { path: "notes/saves.md" });
  deepEqual(
    [moved.json.path, moved.json.document_id],
    ["notes/saves.md", b.idOf("notes/saves.md")],
  );
  equal((await b.call("POST", `/asks/${ask.id}/document`, { path: "notes/saves.md" })).status, 409);
  deepEqual(await lost(), []);
});
