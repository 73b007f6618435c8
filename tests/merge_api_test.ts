/** Undos, merge rules, conflicts and traces over the API. */
import { deepStrictEqual as deepEqual, match, strictEqual as equal } from "node:assert";
import { createHttp } from "../server/http.ts";
import { mergeLookApi } from "../server/routes/merge_look.tsx";
import { mergingApi } from "../server/routes/merging.tsx";
import { ticketsApi } from "../server/routes/tickets.tsx";
import { tracesApi } from "../server/routes/traces.tsx";
import { createTicket } from "../server/services/tickets.ts";
import { mergeRuleOf } from "../server/store/merge_rules.ts";
import { noAssets } from "./http_support.ts";
import { MergeScene } from "./merge_scene.ts";

function apiOf(it: MergeScene) {
  const http = createHttp(it.app, {
    assets: noAssets,
    mountApi(api) {
      ticketsApi(api);
      mergingApi(api);
      mergeLookApi(api);
      tracesApi(api);
    },
    mountPages: () => {},
    renderError: ({ title }) => title,
  });
  return async (
    method: string,
    path: string,
    body?: unknown,
    version: Record<string, string> = {},
  ) => {
    const answer = await http.request(`/api/v1${path}`, {
      method,
      headers: { "content-type": "application/json", ...version },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: answer.status, json: await answer.json(), etag: answer.headers.get("etag") };
  };
}

Deno.test("a merge is undone over the API, once at a time, and the answer tells how it stands", async () => {
  await using it = await MergeScene.make();
  const call = apiOf(it);
  const path = `/tickets/${it.ticket.id}/undo`;
  deepEqual((await call("GET", path)).json, { undo: null });
  equal((await call("POST", path)).status, 409);
  const merge = await it.merged();
  const asked = await call("POST", path, { why: "Too loud" });
  equal(asked.status, 200);
  const { status, merge_commit, commit, why, asked_by, ended_at } = asked.json.undo;
  deepEqual(
    [status, merge_commit, commit, why, asked_by, ended_at],
    ["pending", merge, null, "Too loud", "owner", null],
  );
  equal((await call("POST", path, {})).status, 409);
  equal((await call("POST", path, { because: "x" })).status, 422);
  await it.undoIt();
  const done = (await call("GET", path)).json.undo;
  deepEqual([done.status, done.commit], ["done", await it.repo.git("rev-parse", "main")]);
  equal((await call("GET", "/tickets/none/undo")).status, 404);
});

Deno.test("a project's merge rule is set over the API, and one approval goes another way", async () => {
  await using it = await MergeScene.make();
  const call = apiOf(it);
  const path = `/projects/${it.scene.project.id}/merge-rule`;
  const before = await call("GET", path);
  deepEqual(before.json, {
    style: "squash",
    on_conflict: "block",
    sign: null,
    sign_key: "",
  });
  const version = { "if-match": before.etag! };
  const rule = { style: "merge", on_conflict: "resolve", sign: null, sign_key: "" };
  deepEqual((await call("PUT", path, rule, version)).json, rule);
  equal((await call("PUT", path, { style: "octopus" }, version)).status, 422);
  equal((await call("PUT", path, rule, version)).status, 412);
  equal((await call("GET", "/projects/none/merge-rule")).status, 404);
  const approve = `/tickets/${it.ticket.id}/approve`;
  equal((await call("POST", approve, { style: "rebase" })).status, 422);
  equal((await call("POST", approve, { style: "squash" })).json.step, "merge");
  equal(mergeRuleOf(it.app.db, it.ticket).style, "squash");
});

Deno.test("a conflict goes to the developer over the API, from a ticket that is blocked with one", async () => {
  await using it = await MergeScene.make();
  const call = apiOf(it);
  const path = `/tickets/${it.ticket.id}/resolve-conflict`;
  equal((await call("POST", path)).status, 409);
  await it.repo.commit("Meanwhile", { "a.txt": "1\n2\nTHREE\n" });
  it.approve();
  await it.merge();
  const { status, json } = await call("POST", path);
  deepEqual([status, json.status, json.step], [200, "review", "merge"]);
  await it.merge();
  equal(it.ticket.status, "in_progress");
});

Deno.test("a line is traced over the API; what makes no sense is refused with its field", async () => {
  await using it = await MergeScene.make();
  const call = apiOf(it);
  const merge = await it.merged();
  const path = `/projects/${it.scene.project.id}/trace`;
  const { json } = await call("GET", `${path}?path=a.txt&line=3`);
  const [{ commit, relation, ticket, turns }] = json.items;
  deepEqual([commit, relation, ticket.number, turns.length, json.next], [
    merge,
    "merge",
    1,
    1,
    null,
  ]);
  deepEqual([turns[0].agent, turns[0].subtask.title], ["feature-dev", "Say it"]);
  const refused = await call("GET", `${path}?commit=deadbeef`);
  deepEqual([refused.status, refused.json.errors[0].field], [422, "commit"]);
  for (const query of ["", "?line=3", "?path=a.txt&line=0", "?commit=--all"]) {
    equal((await call("GET", path + query)).status, 422, query);
  }
  const gone = await call("GET", `${path}?path=a.txt&line=99`);
  equal(gone.status, 409);
  match(gone.json.detail, /has only 3 lines/);
});

Deno.test("what a merge would meet now is told over the API, and nothing to merge is said so", async () => {
  await using it = await MergeScene.make();
  const call = apiOf(it);
  const path = `/tickets/${it.ticket.id}/merge-look`;
  await it.repo.commit("The same lines", { "a.txt": "1\n2\nTHREE\n" });
  const { status, json } = await call("GET", path);
  equal(status, 200);
  deepEqual([json.look.base_branch, json.look.newer, json.look.conflicts, json.look.unsigned], [
    ...["main", 1, ["a.txt"], false],
  ]);
  deepEqual(json.look.checks.map(({ name }: { name: string }) => name), ["test"]);
  const other = createTicket(it.app, {
    ...{ projectId: it.scene.project.id, title: "Not begun", description: "", type: "feature" },
    acceptance: [],
  });
  deepEqual((await call("GET", `/tickets/${other.id}/merge-look`)).json, { look: null });
  equal((await call("GET", "/tickets/none/merge-look")).status, 404);
  await it.repo.git("branch", "-m", "main", "gone");
  equal((await call("GET", path)).status, 409);
});
