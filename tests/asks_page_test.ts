/** The pages and the API of planning agents. */
import {
  deepStrictEqual as deepEqual,
  doesNotMatch,
  match,
  ok,
  strictEqual as equal,
} from "node:assert";
import { recordPlanningQuestions } from "../server/services/planning_results.ts";
import { getSuggestion } from "../server/store/document_suggestions.ts";
import { findAnswering, getAsk } from "../server/store/planning_asks.ts";
import { listAskQuestions } from "../server/store/planning_questions.ts";
import { getAskRun } from "../server/store/runs.ts";
import { askedBench, EDITS, SPEC, SPEC_TEXT } from "./planning_asks_support.ts";
import { followPage } from "./pages_support.ts";

const text = async (response: Response | Promise<Response>) => await (await response).text();

Deno.test("a document's page asks an agent, shows a refusal with what was typed, and lists what was asked", async () => {
  await using b = await askedBench();
  const path = `/documents/${b.documentId}`;
  const page = await text(b.pages.get(path));
  match(page, /Ask an agent/);
  match(page, /<option value="Slots">Slots<\/option>/);
  match(page, /writer, at most \$1\.50 a run/);
  const refused = await b.pages.post(`${path}/asks`, { ask: "extend", words: "More of it" });
  equal(refused.status, 422);
  const again = await text(refused);
  match(again, /Choose the section to extend/);
  match(again, /More of it/);
  match(again, /<noscript>[^]*No agent was asked[^]*href="#document-ask"[^]*<\/noscript>/);
  const asked = await b.pages.post(`${path}/asks`, {
    ...{ ask: "extend", words: "More of it", section: "Slots", agent: "" },
  });
  equal(asked.status, 303);
  const at = asked.headers.get("location")!;
  match(at, /^\/asks\/ask_/);
  match(await text(b.pages.get(at)), /It is at work/);
  match(await text(b.pages.get(path)), new RegExp(`href="${at}">Extend a section`));
  match(await text(b.pages.get(`${path}/asks`)), /What agents were asked/);
  const { id } = getAskRun(b.app.db, at.split("/").at(-1)!);
  match(await text(b.pages.get(`/runs/${id}`)), /Document specs\/saving\.md/);
  match(await text(b.pages.get("/runs")), /specs\/saving\.md/);
  match(await text(b.pages.get("/")), /specs\/saving\.md/);
  match(await text(b.pages.get("/jobs")), /specs\/saving\.md/);
  equal((await b.pages.post(`${at}/cancel`)).status, 303);
  match(await text(b.pages.get(at)), /Ask again/);
  match(await text(b.pages.get(`/runs/${id}`)), new RegExp(`action="${at}/again"`));
  const next = (await b.pages.post(`${at}/again`)).headers.get("location")!;
  ok(next !== at && next.startsWith("/asks/"));
});

Deno.test("a new document is drafted from a few lines: it is made, and the draft is suggested", async () => {
  await using b = await askedBench();
  const made = await b.pages.post(`/planning/new?project=${b.project.id}`, {
    ...{ title: "Sharing", template: "", path: "", words: "Games can be shared." },
  });
  const at = made.headers.get("location")!;
  match(at, /^\/asks\//);
  equal(await b.repo.read("planning/sharing.md"), "# Sharing\n");
  const ask = getAsk(b.app.db, at.split("/").at(-1)!);
  deepEqual([ask.ask, ask.path, ask.words], ["draft", "sharing.md", "Games can be shared."]);
  const form = { title: "Maps", template: "", path: "", words: "x".repeat(10_001) };
  const tooLong = await b.pages.post(`/planning/new?project=${b.project.id}`, form);
  match(tooLong.headers.get("location")!, /^\/documents\//);
  match(decodeURIComponent(tooLong.headers.get("set-cookie")!), /maps\.md made\. .*At most 10000/);
});

Deno.test("pieces are accepted and rejected one by one with plain forms, and stay to be read", async () => {
  await using b = await askedBench();
  const id = await b.suggested();
  const { askId } = getSuggestion(b.app.db, id);
  const at = `/asks/${askId}`;
  const page = await text(b.pages.get(at));
  match(page, /Piece 2, line 7[^]*src\/slots\.ts has five[^]*There are five\./);
  const accepted = await b.pages.post(`/suggestions/${id}/accept`, { piece: "1" });
  equal(accepted.headers.get("location"), `${at}#piece-2`);
  await b.pages.post(`/suggestions/${id}/reject`, { piece: "2" });
  // What is in the way is told where the pieces are.
  await b.repo.commit("Theirs", { [SPEC]: (await b.text()).replace("A save is a file.", "Gone.") });
  match(await text(b.pages.get(at)), /this piece does not fit any more/);
  const unfit = await b.pages.post(`/suggestions/${id}/accept`, { piece: "3" });
  equal(unfit.headers.get("location"), at);
  match(decodeURIComponent(unfit.headers.get("set-cookie")!), /says something else there by now/);
  const last = await b.pages.post(`/suggestions/${id}/reject`);
  equal(last.headers.get("location"), `${at}#suggestion`);
  const done = await text(b.pages.get(at));
  match(done, /Partly accepted/);
  match(done, /There are five\.[^]*Rejected/);
  doesNotMatch(done, /data-key="a"/);
});

Deno.test("a piece of a whole text, which has no reason of its own, stands with that of the change", async () => {
  await using b = await askedBench();
  const bad = "<script>alert(1)</script>";
  const whole = SPEC_TEXT.replace("three", "five").replace("A save is a file.", "A folder.");
  const id = await b.suggested({ summary: `The code has **five** ${bad}\nAnd more`, text: whole });
  const page = await text(b.pages.get(`/asks/${getSuggestion(b.app.db, id).askId}`));
  equal(page.match(/Why the whole change:<\/p>[^]*?The code has <strong>five/g)?.length, 2);
  doesNotMatch(page, /<script>alert/);
  await using own = await askedBench();
  const { askId } = getSuggestion(own.app.db, await own.suggested());
  doesNotMatch(await text(own.pages.get(`/asks/${askId}`)), /Why the whole change/);
});

Deno.test("what an agent and a document say is text on the page, whatever it says", async () => {
  await using b = await askedBench(
    '# <img src=x onerror=alert(1)>\n\n"><script>alert(2)</script>\n',
  );
  const bad = "</pre><script>alert(3)</script>";
  const id = await b.suggested({
    summary: bad,
    edits: [{
      old: '"><script>alert(2)</script>',
      new: bad,
      reason: `[x](javascript:alert(4)) ${bad}`,
    }],
    findings: [{ kind: "gap", severity: "major", section: bad, path: bad, text: bad }],
    questions: [bad],
  });
  const page = await text(b.pages.get(`/asks/${getSuggestion(b.app.db, id).askId}`));
  doesNotMatch(page, /<script>alert|<img src=x|href="javascript:/);
});

Deno.test("questions are answered on the page, and the answers are worked in after the last", async () => {
  await using b = await askedBench();
  const ask = b.ask({ ask: "interview", words: "" });
  const run = await b.begin(ask);
  const questions = [
    { question: "How many slots?", why: "Nobody says it", options: ["3", "5"] },
    { question: "Who deletes one?", why: "Nobody is named" },
  ];
  b.app.tx((tx) => recordPlanningQuestions(tx, run, { questions }));
  await b.app.end(run, { type: "succeeded", result: { summary: "Two things", findings: [] } });
  const [one, two] = listAskQuestions(b.app.db, ask.id);
  match(await text(b.pages.get("/")), /2 questions/);
  const page = await text(b.pages.get(`/asks/${ask.id}`));
  match(page, new RegExp(`action="/planning-questions/${one!.id}/answer"`));
  equal((await b.pages.post(`/planning-questions/${one!.id}/answer`, {})).status, 422);
  const saved = await b.pages.post(`/planning-questions/${one!.id}/answer`, { option: "5" });
  equal(saved.headers.get("location"), `/asks/${ask.id}#question-${two!.id}`);
  await b.pages.post(`/planning-questions/${two!.id}/skip`);
  const next = findAnswering(b.app.db, ask.id)!;
  match(await text(b.pages.get(`/asks/${ask.id}`)), new RegExp(`href="/asks/${next.id}"`));
});

Deno.test("a question about a document is answered or skipped on Home, one after the other, and the person stays there", async () => {
  await using b = await askedBench();
  const ask = b.ask({ ask: "interview", words: "" });
  const run = await b.begin(ask);
  const questions = [
    { question: "How many <b>slots</b>?", why: "", options: ["3", "5"] },
    { question: "One player each?", why: "", options: ["Yes", "No"] },
    { question: "Who deletes one?", why: "" },
  ];
  b.app.tx((tx) => recordPlanningQuestions(tx, run, { questions }));
  const [one, two, three] = listAskQuestions(b.app.db, ask.id).map(({ id }) => id);
  const at = (id: string, what: string) => `/planning-questions/${id}/${what}`;
  const postFromHome = async (path: string, fields = {}) =>
    await b.pages.http.request(path, {
      method: "POST",
      headers: { referer: "http://localhost/" },
      body: new URLSearchParams(fields),
    });
  const home = await text(b.pages.get("/"));
  match(home, /How many &lt;b(?:>|&gt;)slots/);
  match(home, /Questions: Saving; the \w+ has 3 questions/);
  match(home, new RegExp(`action="${at(one!, "answer")}"`));
  doesNotMatch(home, new RegExp(two!));
  const saved = await postFromHome(at(one!, "answer"), { option: "5" });
  equal(saved.headers.get("location"), "/");
  match(await text(b.pages.get("/")), new RegExp(`action="${at(two!, "skip")}"`));
  await postFromHome(at(two!, "skip"));
  // What has no options is answered where there is room to write.
  const last = await text(b.pages.get("/"));
  match(last, /The \w+ has 1 question<[^]*Answer<\/a>/);
  doesNotMatch(last, new RegExp(`action="${at(three!, "answer")}"`));
  const again = await postFromHome(at(one!, "answer"), { option: "3" });
  equal(again.status, 409);
  deepEqual(listAskQuestions(b.app.db, ask.id).map(({ status, answer }) => [status, answer]), [
    ["answered", "5"],
    ["skipped", ""],
    ["pending", ""],
  ]);
});

Deno.test("an open page hears of what is suggested, and Home of what waits to be decided", async () => {
  await using b = await askedBench();
  const ask = b.ask();
  await using told = await followPage(b.pages, `/live/ask/${ask.id}`);
  await b.handIn(ask, { edits: EDITS });
  let all = "";
  while (!/Piece 3/.test(all)) all += await told.next();
  match(await text(b.pages.get("/")), /Update: Saving[^]*3 pieces to decide on/);
});

Deno.test("the API asks, tells what came of it, and decides piece by piece", async () => {
  await using b = await askedBench();
  const path = `/documents/${b.documentId}/asks`;
  const refused = await b.call("POST", path, { ask: "draft" });
  deepEqual([refused.status, refused.json.errors[0].field], [422, "words"]);
  const { status, json: ask } = await b.call("POST", path, { ask: "update", words: "Old" });
  deepEqual([status, ask.agent, ask.status, ask.suggestion], [201, "writer", "queued", null]);
  await b.handIn({ ...ask, id: ask.id }, { edits: EDITS });
  const read = (await b.call("GET", `/asks/${ask.id}`)).json;
  deepEqual([read.status, read.summary, read.suggestion.pieces.length], [
    "succeeded",
    "It was behind",
    3,
  ]);
  match(read.suggestion.text, /saved often[^]*five[^]*folder/);
  const at = `/suggestions/${read.suggestion.id}`;
  const accepted = await b.call("POST", `${at}/accept`, { pieces: [1, 3] });
  deepEqual([accepted.status, accepted.json.accepted, accepted.json.unfit], [200, [1, 3], []]);
  equal((await b.call("POST", `${at}/reject`, { pieces: [1] })).status, 409);
  equal((await b.call("POST", `${at}/reject`, {})).json.status, "partly");
  equal((await b.call("GET", at)).json.pieces[1].status, "rejected");
  equal((await b.call("POST", `${at}/accept`, { pieces: [0] })).status, 422);
  equal((await b.call("GET", path)).json.items[0].id, ask.id);
  equal((await b.call("GET", `/runs/${read.run_id}`)).json.ask_id, ask.id);
  match(await b.text(), /saved often[^]*three[^]*folder/);
  ok(SPEC_TEXT);
});
