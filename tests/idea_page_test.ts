/** The forms of an idea's page, posted as a browser without scripts does. */
import {
  deepStrictEqual as deepEqual,
  doesNotMatch,
  match,
  ok,
  strictEqual as equal,
} from "node:assert";
import type { Idea } from "../server/records.ts";
import { approveIdea, editIdea, rejectIdea } from "../server/services/ideas.ts";
import { advanceIdea } from "../server/services/refinement.ts";
import { getIdea } from "../server/store/ideas.ts";
import { listIdeaRuns } from "../server/store/runs.ts";
import { listSubtasks } from "../server/store/subtasks.ts";
import { pagesBench } from "./pages_support.ts";
import { type TestApp, testApp } from "./support.ts";

type Fields = Record<string, string>;

/** The plan's form as the page shows it, with some fields as a person changed them; null unticks. */
async function planFields(
  app: TestApp,
  idea: Idea,
  changes: Record<string, string | null> = {},
): Promise<Fields> {
  const html = await (await pagesBench(app).get(`/ideas/${idea.id}`)).text();
  const form = /<form[^>]*id="plan".*?<\/form>/s.exec(html)![0];
  const fields: Fields = {};
  for (
    const [, name, , value] of form.matchAll(/<input[^>]*name="([^"]+)"([^>]*)value="([^"]*)"/g)
  ) {
    fields[name!] = value!;
  }
  for (const [, name, text] of form.matchAll(/<textarea[^>]*name="([^"]+)"[^>]*>([^<]*)</g)) {
    fields[name!] = text!;
  }
  for (
    const [, name, options] of form.matchAll(/<select[^>]*name="([^"]+)"[^>]*>(.*?)<\/select/gs)
  ) {
    fields[name!] = /<option[^>]*selected[^>]*value="([^"]+)"|value="([^"]+)"[^>]*selected/
      .exec(options!)!.slice(1).find(Boolean)!;
  }
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) delete fields[name];
    else fields[name] = value;
  }
  return fields;
}

const subtasksOf = (app: TestApp, idea: Idea) => {
  const { ticketId } = getIdea(app.db, idea.id);
  return listSubtasks(app.db, ticketId!).map(({ title, complexity }) => [title, complexity]);
};

/** Three subtasks, none of them "medium". */
async function readyIdea(app: TestApp): Promise<Idea> {
  const idea = await app.idea("ready");
  return editIdea(app, idea.id, {
    subtasks: [
      { title: "One", description: "First", complexity: "small" },
      { title: "Two", description: "", complexity: "trivial" },
      { title: "Three", description: "", complexity: "large" },
    ],
  });
}

const shownError = (html: string, id: string) =>
  new RegExp(`<p class="error" id="${id}-error">([^<]*)<`).exec(html)?.[1] ?? null;
const isLinked = (html: string, id: string) => html.includes(`<a href="#${id}">`);

// ------------------------------------------------------------------ subtasks

Deno.test("an idea approved as it is shown gives the ticket its subtasks with their complexity", async () => {
  using app = testApp();
  const idea = await readyIdea(app);
  const answer = await pagesBench(app).post(
    `/ideas/${idea.id}/approve`,
    await planFields(app, idea),
  );
  equal(answer.status, 303);
  deepEqual(subtasksOf(app, idea), [["One", "small"], ["Two", "trivial"], ["Three", "large"]]);
});

Deno.test("approved subtasks are the edited ones: reordered, left out, of another complexity", async () => {
  using app = testApp();
  const idea = await readyIdea(app);
  const fields = await planFields(app, idea, {
    order_3: "1",
    include_2: null,
    title_1: "First",
    complexity_1: "large",
  });
  equal((await pagesBench(app).post(`/ideas/${idea.id}/approve`, fields)).status, 303);
  deepEqual(subtasksOf(app, idea), [["Three", "large"], ["First", "large"]]);
});

Deno.test("a subtask that is moved takes the place it was given, upwards and downwards", async () => {
  for (
    const [changes, expected] of [
      [{ order_3: "1" }, ["Three", "One", "Two"]],
      [{ order_1: "3" }, ["Two", "Three", "One"]],
      [{ order_1: "2", order_2: "1" }, ["Two", "One", "Three"]],
      [{ order_2: "soon" }, ["One", "Two", "Three"]],
    ] as [Fields, string[]][]
  ) {
    using app = testApp();
    const idea = await readyIdea(app);
    const { post } = pagesBench(app);
    await post(`/ideas/${idea.id}/edit`, await planFields(app, idea, changes));
    deepEqual(getIdea(app.db, idea.id).plan.subtasks.map(({ title }) => title), expected);
  }
});

Deno.test("saved subtasks keep their complexity and leave the idea's own words alone", async () => {
  using app = testApp();
  const idea = await readyIdea(app);
  const fields = await planFields(app, idea, { title_2: "Second", complexity_3: "medium" });
  equal((await pagesBench(app).post(`/ideas/${idea.id}/edit`, fields)).status, 303);
  const saved = getIdea(app.db, idea.id);
  deepEqual(saved.plan.subtasks, [
    { title: "One", description: "First", complexity: "small" },
    { title: "Second", description: "", complexity: "trivial" },
    { title: "Three", description: "", complexity: "medium" },
  ]);
  deepEqual([saved.title, saved.description], [idea.title, idea.description]);
});

for (const action of ["edit", "approve"]) {
  Deno.test(`what is wrong with a subtask stands beside its field in the form: ${action}`, async () => {
    using app = testApp();
    const idea = await readyIdea(app);
    // Row 3 is the first of the list that is checked, and row 1 the last.
    const fields = await planFields(app, idea, {
      order_3: "1",
      include_2: null,
      title_3: " ",
      title_1: "x".repeat(201),
      complexity_1: "huge",
    });
    const answer = await pagesBench(app).post(`/ideas/${idea.id}/${action}`, fields);
    equal(answer.status, 422);
    const html = await answer.text();
    equal(shownError(html, "plan-title_3"), "Subtask 3: Write a title");
    match(shownError(html, "plan-title_1")!, /^Subtask 1: /);
    match(shownError(html, "plan-complexity_1")!, /^Subtask 1: /);
    for (const id of ["plan-title_3", "plan-title_1", "plan-complexity_1"]) {
      ok(isLinked(html, id) && html.includes(`id="${id}"`), id);
    }
    equal(shownError(html, "plan-title_2"), null);
    match(html, /<details id="subtask-3" open/);
    match(html, new RegExp(`name="title_1"[^>]*value="${"x".repeat(201)}"`));
    doesNotMatch(html, /<input[^>]*name="include_2"[^>]*checked/, "what was left out stays out");
    doesNotMatch(html, /id="edit-words"[^>]* open/, "the form of the words has no part in it");
    doesNotMatch(html, /hx-sse:connect/, "an update would put the saved text over what was typed");
    deepEqual(getIdea(app.db, idea.id).plan, idea.plan);
  });
}

Deno.test("a plan with nothing included is refused at its head", async () => {
  using app = testApp();
  const idea = await readyIdea(app);
  const none = { include_1: null, include_2: null, include_3: null };
  const { post } = pagesBench(app);
  const answer = await post(`/ideas/${idea.id}/approve`, await planFields(app, idea, none));
  equal(answer.status, 422);
  const html = await answer.text();
  equal(shownError(html, "plan-include_1"), "Keep at least one subtask");
  ok(isLinked(html, "plan-include_1"));
  equal(getIdea(app.db, idea.id).status, "ready");
});

// ------------------------------------------------------------------ title and description

Deno.test("title and description are edited on the page while the idea is open, whatever it waits for", async () => {
  for (const status of ["submitted", "refining", "ready"] as const) {
    using app = testApp();
    const idea = await app.idea(status);
    const { get, post } = pagesBench(app);
    match(await (await get(`/ideas/${idea.id}`)).text(), /<form[^>]*id="words"/);
    const words = { title: " Greet all ", description: "By *name*" };
    const answer = await post(`/ideas/${idea.id}/edit`, words);
    deepEqual([answer.status, answer.headers.get("location")], [303, `/ideas/${idea.id}`]);
    const saved = getIdea(app.db, idea.id);
    deepEqual([saved.title, saved.description], ["Greet all", "By *name*"]);
    deepEqual(saved.plan, idea.plan);
    deepEqual(app.events.findLast((event) => event.type === "idea_edited")!.data, {
      fields: ["title", "description"],
    });
  }
});

Deno.test("refused words come back in their form as they were typed, and the plan's form as it was", async () => {
  using app = testApp();
  const idea = await readyIdea(app);
  const answer = await pagesBench(app).post(`/ideas/${idea.id}/edit`, {
    title: "  ",
    description: 'Say "hello"\nto all',
  });
  equal(answer.status, 422);
  const html = await answer.text();
  match(html, /<details[^>]*id="edit-words"[^>]* open/);
  equal(shownError(html, "words-title"), "Write a title");
  ok(isLinked(html, "words-title"));
  match(html, /<textarea[^>]*name="description"[^>]*>Say &quot;hello&quot;\nto all</);
  equal(html.match(/data-error-summary/g)!.length, 1);
  equal(html.match(/<input[^>]*name="include_\d"[^>]*checked/g)!.length, 3);
  equal(getIdea(app.db, idea.id).title, idea.title);
});

Deno.test("an idea that was decided has no form for its words, and refuses what an old page sends", async () => {
  for (const decide of [approveIdea, (a: TestApp, id: string) => rejectIdea(a, id, "No")]) {
    using app = testApp();
    const idea = await app.idea("ready");
    decide(app, idea.id);
    const { get, post } = pagesBench(app);
    doesNotMatch(await (await get(`/ideas/${idea.id}`)).text(), /\/edit"/);
    const words = { title: "Greet all", description: "Each by name" };
    const answer = await post(`/ideas/${idea.id}/edit`, words);
    equal(answer.status, 409);
    const html = await answer.text();
    match(html, /Cannot edit idea #1: it is (converted|rejected)/);
    match(html, /Each by name/, "what was typed is not lost");
    equal(getIdea(app.db, idea.id).title, idea.title);
  }
});

Deno.test("a decision that comes too late says so, with what was typed", async () => {
  using app = testApp();
  const idea = await app.idea("ready");
  const fields = await planFields(app, idea);
  approveIdea(app, idea.id);
  for (
    const [action, typed] of [
      ["approve", fields],
      ["edit", fields],
      ["request-changes", { feedback: "Make it smaller" }],
      ["reject", { reason: "Not this year" }],
    ] as [string, Fields][]
  ) {
    const answer = await pagesBench(app).post(`/ideas/${idea.id}/${action}`, typed);
    equal(answer.status, 409, action);
    const html = await answer.text();
    match(html, /Cannot (approve|edit|send|move)/, action);
    ok(html.includes(Object.values(typed).find((text) => text.includes(" "))!), action);
  }
});

// ------------------------------------------------------------------ undo

/** The flash message that the next page shows. */
async function nextPage(app: TestApp, answer: Response): Promise<string> {
  const cookie = answer.headers.get("set-cookie")!.split(";")[0]!;
  return await (await pagesBench(app).get(answer.headers.get("location")!, { cookie })).text();
}

Deno.test("a ready idea's rejection is undone by one press: it is as it was, and no agent ran again", async () => {
  using app = testApp();
  const idea = await readyIdea(app);
  const runs = listIdeaRuns(app.db, idea.id);
  const { post } = pagesBench(app);
  const html = await nextPage(
    app,
    await post(`/ideas/${idea.id}/reject`, { reason: "By mistake" }),
  );
  match(html, /Idea #1 rejected/);
  const undo = /data-flash.*?<form[^>]*action="([^"]+)"[^>]*>.*?data-key="z".*?Undo/s.exec(
    html,
  )![1]!;
  equal((await post(undo)).status, 303);
  advanceIdea(app, idea.id);
  deepEqual({ ...getIdea(app.db, idea.id), updatedAt: "" }, { ...idea, updatedAt: "" });
  deepEqual(listIdeaRuns(app.db, idea.id), runs);
});

Deno.test("a rejection that stopped agents is not offered to be undone", async () => {
  using app = testApp();
  const idea = await app.idea("refining");
  const answer = await pagesBench(app).post(`/ideas/${idea.id}/reject`, { reason: "Out of scope" });
  const html = await nextPage(app, answer);
  match(html, /Idea #1 rejected/);
  doesNotMatch(html, /Undo/);
});

Deno.test("a flash message whose undo leads elsewhere was not written by us and is not shown", async () => {
  using app = testApp();
  app.project();
  for (
    const action of ["/settings/resume-agents", "//example.com/ideas/a/refine", "https://a.b/"]
  ) {
    const flash = { text: "Look", tone: "done", undo: { action, label: "Undo" } };
    const cookie = `gaffer_flash=${encodeURIComponent(JSON.stringify(flash))}`;
    const html = await (await pagesBench(app).get("/ideas", { cookie })).text();
    doesNotMatch(html, /data-flash/, action);
  }
});
