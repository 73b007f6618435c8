/** The pages and the API of the agents' memories. */
import {
  deepStrictEqual as deepEqual,
  doesNotMatch,
  match,
  ok,
  strictEqual as equal,
} from "node:assert";
import { join } from "node:path";
import { mountApi } from "../server/routes/api.ts";
import { changeMemory, memoryRef } from "../server/services/memory.ts";
import { createEventStreams } from "../server/sse.ts";
import { bench as httpBench } from "./http_support.ts";
import { pagesBench } from "./pages_support.ts";
import { testApp } from "./support.ts";

/** A memory with one note, in a data folder of the test's own. */
async function bench() {
  const dataDir = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "gaffer-memory-" }));
  const app = testApp({ config: { dataDir } });
  const ref = memoryRef(app, "reviewer.global");
  await changeMemory(app, ref, [{ path: "checks.md", text: "# Checks\n\n<script>x</script>\n" }]);
  const api = httpBench({
    app: app as never,
    api: (api) => mountApi(api, createEventStreams()),
  });
  const call = async (method: string, path: string, body?: unknown, headers = {}) => {
    const response = await api.http.request(`/api/v1${path}`, {
      method,
      headers: { "content-type": "application/json", ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return {
      status: response.status,
      etag: response.headers.get("etag"),
      json: await response.json(),
    };
  };
  return {
    ...{ app, call, pages: pagesBench(app) },
    note: (path: string) => Deno.readTextFileSync(join(dataDir, "memory/reviewer", path)),
    [Symbol.dispose]() {
      app[Symbol.dispose]();
      Deno.removeSync(dataDir, { recursive: true });
    },
  };
}

/** The form of a note as a browser has it. */
function formOf(html: string): Record<string, string> {
  const value = (name: string) =>
    new RegExp(`name="${name}"[^>]*value="([^"]*)"`).exec(html)?.[1] ?? "";
  return { seen: value("seen"), was: value("was"), path: value("path") };
}

Deno.test("the pages list memories, show one as text, and let a person change a note", async () => {
  using b = await bench();
  const list = await (await b.pages.get("/memory")).text();
  match(list, /href="\/memory\/reviewer\.global"/);
  match(list, /1 note\b/);
  const page = await (await b.pages.get("/memory/reviewer.global")).text();
  match(page, /checks\.md/);
  doesNotMatch(page, /<script>x/);
  match(page, /1 of 40 notes/);
  const edit = await (await b.pages.get("/memory/reviewer.global/edit?path=checks.md")).text();
  match(edit, /# Checks/);
  const form = formOf(edit);
  const saved = await b.pages.post("/memory/reviewer.global/edit", { ...form, text: "a\r\nb\r\n" });
  deepEqual([saved.status, saved.headers.get("location")], [303, "/memory/reviewer.global"]);
  equal(b.note("checks.md"), "a\nb\n");
  const history = await (await b.pages.get("/memory/reviewer.global")).text();
  match(history, /by owner/);
  match(history, /\+a/);
});

Deno.test("an edit over a newer version is refused with both texts, and the second time it is meant", async () => {
  using b = await bench();
  const form = formOf(
    await (await b.pages.get("/memory/reviewer.global/edit?path=checks.md")).text(),
  );
  await changeMemory(b.app, memoryRef(b.app, "reviewer.global"), [
    { path: "checks.md", text: "newer by the agent\n" },
  ]);
  const refused = await b.pages.post("/memory/reviewer.global/edit", { ...form, text: "mine\n" });
  equal(refused.status, 409);
  const html = await refused.text();
  match(html, /it was changed after you opened it/);
  match(html, /mine/);
  match(html, /newer by the agent/);
  equal(b.note("checks.md"), "newer by the agent\n");
  const again = { ...formOf(html), text: "mine\n" };
  equal((await b.pages.post("/memory/reviewer.global/edit", again)).status, 303);
  equal(b.note("checks.md"), "mine\n");
});

Deno.test("a note is added and deleted; a bad name or size comes back with what was typed", async () => {
  using b = await bench();
  const add = formOf(await (await b.pages.get("/memory/reviewer.global/edit")).text());
  const post = (fields: Record<string, string>) =>
    b.pages.post("/memory/reviewer.global/edit", { ...add, ...fields });
  equal((await post({ path: "traps/new.md", text: "x" })).status, 303);
  equal(b.note("traps/new.md"), "x");
  for (const path of ["../x.md", "x.txt", "", ".env.md"]) {
    const refused = await post({ path, text: "typed words" });
    equal(refused.status, 422, path);
    match(await refused.text(), /typed words/);
  }
  equal((await post({ path: "big.md", text: "x".repeat(20_000) })).status, 422);
  equal((await post({ path: "checks.md", text: "over it" })).status, 409, "it is there already");
  const form = formOf(
    await (await b.pages.get("/memory/reviewer.global/edit?path=checks.md")).text(),
  );
  equal((await b.pages.post("/memory/reviewer.global/edit", { ...form, remove: "1" })).status, 303);
  doesNotMatch(await (await b.pages.get("/memory/reviewer.global")).text(), /id="note-checks/);
  equal((await b.pages.get("/memory/nobody.project_none")).status, 404);
  equal((await b.pages.get("/memory/..%2f..%2fetc.global")).status, 404);
});

Deno.test("the API reads and changes a memory, with ETags and the same refusals", async () => {
  using b = await bench();
  const list = await b.call("GET", "/memory?agent=reviewer");
  deepEqual(list.json.items.map(({ id, notes }: Record<string, unknown>) => [id, notes]), [
    ["reviewer.global", 1],
  ]);
  deepEqual((await b.call("GET", "/memory?agent=writer")).json.items, []);
  const got = await b.call("GET", "/memory/reviewer.global");
  equal(got.json.notes[0].path, "checks.md");
  const change = { notes: [{ path: "a.md", text: "a\n" }, { path: "checks.md", text: null }] };
  equal((await b.call("PATCH", "/memory/reviewer.global", change)).status, 428);
  const headers = { "if-match": got.etag! };
  const changed = await b.call("PATCH", "/memory/reviewer.global", change, headers);
  deepEqual(changed.json.notes, [{ path: "a.md", text: "a\n", bytes: 2 }]);
  equal((await b.call("PATCH", "/memory/reviewer.global", change, headers)).status, 412);
  const bad = { notes: [{ path: "../../x.md", text: "a" }] };
  const fresh = { "if-match": changed.etag! };
  equal((await b.call("PATCH", "/memory/reviewer.global", bad, fresh)).status, 422);
  const changes = (await b.call("GET", "/memory/reviewer.global/changes")).json.items;
  deepEqual(changes.map(({ path, by }: Record<string, unknown>) => [path, by]), [
    ["checks.md", "owner"],
    ["a.md", "owner"],
    ["checks.md", "owner"],
  ]);
  ok(changes.every(({ diff }: { diff: string }) => diff.includes("@@")));
  equal((await b.call("GET", "/memory/reviewer.elsewhere")).status, 404);
});
