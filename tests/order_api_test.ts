/** The order of tickets over the API: schemas, refusals, and that a repeated request does nothing twice. */
import { deepStrictEqual as deepEqual, match, strictEqual as equal } from "node:assert";
import { createHttp } from "../server/http.ts";
import type { Ticket } from "../server/records.ts";
import { mountApi } from "../server/routes/api.ts";
import { createEventStreams } from "../server/sse.ts";
import { listSubtasks } from "../server/store/subtasks.ts";
import { noAssets } from "./http_support.ts";
import { tickets, tryToStart } from "./order_support.ts";
import { type TestApp, testApp } from "./support.ts";

// deno-lint-ignore no-explicit-any
type Json = any;

function client(app: TestApp) {
  const http = createHttp(app, {
    assets: noAssets,
    mountApi: (api) => mountApi(api, createEventStreams()),
    mountPages: () => {},
    renderError: () => "",
  });
  return async (
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<{ status: number; json: Json; etag: string }> => {
    const answer = await http.request(`/api/v1${path}`, {
      method,
      headers: { ...(body ? { "content-type": "application/json" } : {}), ...headers },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    return {
      status: answer.status,
      json: await answer.json(),
      etag: answer.headers.get("etag") ?? "",
    };
  };
}

Deno.test("needs are added, listed with why the ticket waits, and taken away over the API", async () => {
  using app = testApp();
  const call = client(app);
  const [a, b] = tickets(app, 2) as [Ticket, Ticket];
  const added = await call("POST", `/tickets/${b.id}/needs`, { ticket_id: a.id });
  equal(added.status, 200);
  deepEqual(added.json.needs.map((t: Json) => t.number), [1]);
  deepEqual(added.json.wait, {
    why: "Needs #1 (queued)",
    until: null,
    more: "It starts by itself when that is done.",
  });
  const { json } = await call("GET", `/tickets/${a.id}/order`);
  deepEqual(json.needed_by.map((t: Json) => t.number), [2]);
  const circle = await call("POST", `/tickets/${a.id}/needs`, { ticket_id: b.id });
  deepEqual([circle.status, circle.json.code, circle.json.errors[0].field], [
    409,
    "conflict",
    "needs",
  ]);
  match(circle.json.detail, /#1 needs #2, #2 needs #1/);
  equal((await call("DELETE", `/tickets/${b.id}/needs/${a.id}`)).json.needs.length, 0);
  equal((await call("DELETE", `/tickets/${b.id}/needs/${a.id}`)).status, 404);
});

Deno.test("the queue of a project says of each open ticket why it is not worked on", async () => {
  using app = testApp();
  const call = client(app);
  const project = app.project();
  const [a, b] = tickets(app, 3, project) as [Ticket, Ticket, Ticket];
  const rule = await call("GET", `/projects/${project.id}/start-rules`);
  deepEqual(rule.json, { starts: "auto", at_once: 0, hours: null });
  const refused = await call("PUT", `/projects/${project.id}/start-rules`, { at_once: 1 });
  equal(refused.status, 428, "nobody overwrites what they have not seen");
  const set = await call("PUT", `/projects/${project.id}/start-rules`, { at_once: 1 }, {
    "if-match": rule.etag,
  });
  equal(set.json.at_once, 1);
  tryToStart(app, a);
  await call("POST", `/tickets/${b.id}/plan`, { not_before: "2026-02-01T00:00:00Z" });
  const { json } = await call("GET", `/projects/${project.id}/queue`);
  deepEqual(
    json.items.map(({ ticket, wait }: Json) => [ticket.number, wait?.why, wait?.until]),
    [
      [1, undefined, undefined],
      [2, "Waits for its time", "2026-02-01T00:00:00.000Z"],
      [3, "Its project has 1 in progress, which is all that it may", null],
    ],
  );
  equal((await call("PUT", "/start-rules", { at_once: -1 }, { "if-match": "*" })).status, 422);
  equal((await call("GET", "/start-rules")).json.at_once, 0);
});

Deno.test("a split that is sent twice with one key is made once", async () => {
  using app = testApp();
  const call = client(app);
  const [a] = tickets(app, 1) as [Ticket];
  const [, two] = listSubtasks(app.db, a.id);
  const body = { title: "The rest", subtasks: [two!.id], needs: "new" };
  const once = { "idempotency-key": "split-1" };
  const first = await call("POST", `/tickets/${a.id}/split`, body, once);
  deepEqual([first.status, first.json.new.subtasks[0].title], [201, "Two"]);
  deepEqual((await call("POST", `/tickets/${a.id}/split`, body, once)).json, first.json);
  equal((await call("GET", `/tickets/${a.id}/order`)).json.split_into.length, 1);
  const again = await call("POST", `/tickets/${a.id}/split`, { ...body, subtasks: [] });
  deepEqual([again.status, again.json.errors[0].field], [422, "subtasks"]);
});

Deno.test("bulk over the API counts what was done and what was refused; one refusal takes nothing back", async () => {
  using app = testApp();
  const call = client(app);
  const [a, b] = tickets(app, 2) as [Ticket, Ticket];
  tryToStart(app, b);
  const ids = [a.id, b.id];
  const { json } = await call("POST", "/tickets/bulk", { ids, action: "start" });
  deepEqual([json.done, json.refused, json.items[1].refused.code], [1, 1, "conflict"]);
  equal((await call("POST", "/tickets/bulk", { ids, action: "priority" })).status, 422);
  equal((await call("POST", "/tickets/bulk", { ids: [], action: "cancel" })).status, 422);
  const urgent = await call("POST", "/tickets/bulk", { ids, action: "priority", priority: 0 });
  deepEqual(urgent.json.items.map(({ ticket }: Json) => ticket.priority), [0, 0]);
});

Deno.test("a ticket is made and edited over the API with all that belongs to it", async () => {
  using app = testApp();
  const call = client(app);
  const project = app.project();
  const [a] = tickets(app, 1, project) as [Ticket];
  const made = await call("POST", `/projects/${project.id}/tickets`, {
    title: "By hand",
    type: "docs",
    acceptance: ["It reads well"],
    needs: [a.id],
    starts: "hand",
  });
  equal(made.status, 201);
  const own = `/tickets/${made.json.id}`;
  equal((await call("GET", `${own}/order`)).json.starts, "hand");
  const { etag, json } = await call("GET", own);
  const subtasks = [{ id: json.subtasks[0].id, title: "Write it" }, { title: "Read it" }];
  const edited = await call("PATCH", own, { subtasks, acceptance: [] }, { "if-match": etag });
  deepEqual(edited.json.subtasks.map((s: Json) => s.title), ["Write it", "Read it"]);
  const late = await call("PATCH", own, { title: "Late" }, { "if-match": etag });
  equal(late.status, 412);
  const progress = await call("GET", `${own}/progress`);
  deepEqual([progress.json.expected, progress.json.run, progress.json.subtasks], [null, null, {
    done: 0,
    total: 2,
  }]);
  deepEqual((await call("GET", `${own}/summary`)).json.steps, []);
});
