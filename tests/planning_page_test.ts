/** The pages and the API of planning documents. */
import {
  deepStrictEqual as deepEqual,
  doesNotMatch,
  match,
  ok,
  strictEqual as equal,
} from "node:assert";
import { builtInTemplates } from "../agents/planning/templates.ts";
import { followPage } from "./pages_support.ts";
import { planningBench } from "./planning_support.ts";

const SAVING = "planning/specs/saving.md";

/** The form of a document as a browser has it. */
const seenIn = (html: string): string => /name="seen" value="([^"]*)"/.exec(html)![1]!;

Deno.test("the pages list documents as a tree, show one with outline and links, and save it", async () => {
  await using b = await planningBench({
    [SAVING]: "---\nstatus: review\n---\n# Saving\n\n## Where\n\nSee [[Map]] and [[Nowhere]].\n",
    "planning/map.md": "# Map\n",
  });
  const list = await (await b.pages.get("/planning")).text();
  match(list, /specs\/ <span class="muted num">1 document/);
  match(list, /In review/);
  const id = b.idOf("specs/saving.md");
  const page = await (await b.pages.get(`/documents/${id}`)).text();
  match(page, new RegExp(`<a href="/documents/${b.idOf("map.md")}">Map</a>`));
  match(page, /Nowhere \(not there\)|nowhere \(not there\)/);
  match(page, /href="#section-where"/);
  match(page, new RegExp(`href="/documents/${id}/versions"`));
  match(await (await b.pages.get(`/documents/${b.idOf("map.md")}`)).text(), /Named by[^]*Saving/);
  const edit = await (await b.pages.get(`/documents/${id}/edit`)).text();
  match(edit, /## Where/);
  const form = { seen: seenIn(edit), text: "# Saving\r\n\r\nNew.\r\n" };
  const saved = await b.pages.post(`/documents/${id}/edit`, form);
  deepEqual([saved.status, saved.headers.get("location")], [303, `/documents/${id}`]);
  equal(await b.repo.read(SAVING), "# Saving\n\nNew.\n");
  const found = await (await b.pages.get(`/planning?project=${b.project.id}&q=new`)).text();
  match(found, /<span>[^<]*<mark>New<\/mark>[^<]*<\/span>/);
  doesNotMatch(found, />Map</);
  match(await (await b.pages.get("/planning?q=zebra")).text(), /No document has the words “zebra”/);
});

Deno.test("a file with both ends of lines keeps them", async () => {
  await using b = await planningBench({ [SAVING]: "one\r\ntwo\r\n" });
  await b.follow();
  const id = b.idOf("specs/saving.md");
  const edit = await (await b.pages.get(`/documents/${id}/edit`)).text();
  match(edit, /name="crlf" value="1"/);
  const form = { seen: seenIn(edit), crlf: "1", text: "one\r\nthree\r\n" };
  equal((await b.pages.post(`/documents/${id}/edit`, form)).status, 303);
  equal(await b.repo.read(SAVING), "one\r\nthree\r\n");
  // A browser drops the first end of a line, whichever it is.
  await b.repo.commit("Blank", { [SAVING]: "\r\none\r\n" });
  match(await (await b.pages.get(`/documents/${id}/edit`)).text(), />\n\r?\none/);
});

Deno.test("an edit over a newer text is refused with both, and the second time it is meant", async () => {
  await using b = await planningBench();
  await b.follow();
  const id = b.idOf("specs/saving.md");
  const seen = seenIn(await (await b.pages.get(`/documents/${id}/edit`)).text());
  await b.repo.commit("Theirs", { [SAVING]: "theirs\n" });
  const refused = await b.pages.post(`/documents/${id}/edit`, { seen, text: "mine\n" });
  equal(refused.status, 409);
  const html = await refused.text();
  match(html, /was changed after you opened it/);
  match(html, /mine/);
  match(html, /theirs/);
  equal(await b.repo.read(SAVING), "theirs\n");
  const again = await b.pages.post(`/documents/${id}/edit`, { seen: seenIn(html), text: "mine\n" });
  equal(again.status, 303);
  equal(await b.repo.read(SAVING), "mine\n");
});

Deno.test("a document is made and deleted; a bad path comes back with what was typed", async () => {
  await using b = await planningBench();
  const at = `/planning/new?project=${b.project.id}`;
  match(await (await b.pages.get(`${at}&folder=specs`)).text(), /value="specs\/"/);
  match(
    await (await b.pages.get(`${at}&folder=../..`)).text(),
    /name="path"[^>]* value(?:=""|(?=[\s/>]))/,
  );
  const made = await b.pages.post(at, { path: "specs/load", title: "Load" });
  equal(made.status, 303);
  equal(await b.repo.read("planning/specs/load.md"), "# Load\n");
  equal(made.headers.get("location"), `/documents/${b.idOf("specs/load.md")}/edit`);
  for (const path of ["../x", "/etc/x", ".git/x", "templates/x"]) {
    const refused = await b.pages.post(at, { path, title: "typed words" });
    equal(refused.status, 422, path);
    match(await refused.text(), /typed words/);
  }
  equal((await b.pages.post(at, { path: "specs/", title: " " })).status, 422);
  equal((await b.pages.post(at, { title: "x", template: "../../etc" })).status, 422);
  equal((await b.pages.post(at, { path: "specs/load", title: "Other" })).status, 409);
  const id = b.idOf("specs/load.md");
  const stale = await b.pages.post(`/documents/${id}/delete`, { seen: "0" });
  equal(stale.headers.get("location"), `/documents/${id}`);
  const seen = seenIn(await (await b.pages.get(`/documents/${id}`)).text());
  equal((await b.pages.post(`/documents/${id}/delete`, { seen })).status, 303);
  equal(await b.repo.git("ls-files", "planning"), SAVING);
  equal((await b.pages.get(`/documents/${id}`)).status, 404);
  equal((await b.pages.get("/documents/document_none")).status, 404);
});

Deno.test("a document begins with a template: a built-in one, or the project's own in its place", async () => {
  await using b = await planningBench({
    [SAVING]: "x",
    "planning/templates/feature-spec.md":
      '---\ntemplate: "Our spec"\nfolder: specs/ours\n---\n# {{title}}, {{date}}\n',
    "planning/templates/plain.md": "Plain {{title}}\n",
    "planning/templates/.hidden.md": "no",
  });
  const at = `/planning/new?project=${b.project.id}`;
  for (const branch of ["main", "other"]) {
    if (branch === "other") await b.repo.git("checkout", "-q", "-b", "other");
    const html = await (await b.pages.get(at)).text();
    const options = [...html.matchAll(/<option[^>]*>([^<]*)/g)].map((m) => m[1]);
    deepEqual(options, [
      ...["None", "API spec", "Component", "Decision record", "Meeting notes"],
      ...["Our spec (of this project)", "Product roadmap", "Release", "System architecture"],
      ...["Technical spec", "UI spec", "plain (of this project)"],
    ]);
  }
  await b.repo.git("checkout", "-q", "main");
  await b.pages.post(at, { title: "Quick  save!", template: "feature-spec" });
  equal(
    await b.repo.read("planning/specs/ours/quick-save.md"),
    "# Quick  save!, 2026-01-02\n".replace("  ", " "),
  );
  await b.pages.post(at, { title: "Way to 2.0", template: "product-roadmap" });
  const roadmap = await b.repo.read("planning/roadmaps/way-to-2-0.md");
  match(roadmap, /^---\ntype: roadmap\nstatus: draft\nowner:\ntarget:\n---\n\n# Way to 2\.0\n/);
  const list = `/projects/${b.project.id}/document-templates`;
  const { items } = (await b.call("GET", list)).json;
  equal(items.length, 11);
  const documents = `/projects/${b.project.id}/documents`;
  const adr = await b.call("POST", documents, { template: "decision-record", title: "Use SQLite" });
  deepEqual([adr.json.path, adr.json.type, adr.json.status, adr.json.title, adr.json.problem], [
    ...["decisions/use-sqlite.md", "architecture", "review", "Use SQLite", ""],
  ]);
  equal((await b.call("POST", documents, { template: "none-such", title: "x" })).status, 422);
  // Templates are no documents.
  const { json } = await b.call("GET", documents);
  ok(!json.items.some(({ path }: { path: string }) => path.startsWith("templates/")));
});

Deno.test("every built-in template makes a document without a problem", async () => {
  await using b = await planningBench();
  const documents = `/projects/${b.project.id}/documents`;
  for (const { id, name, about, folder, text } of builtInTemplates()) {
    ok(about.length > 20 && folder !== "" && name !== id, id);
    const made = await b.call("POST", documents, { template: id, title: `A ${name}` });
    deepEqual([made.status, made.json.problem, made.json.title], [201, "", `A ${name}`], id);
    ok(!/\{\{|template:|about:|folder:/.test(made.json.text), id);
    ok(text.split("\n## ").length >= 4, id);
  }
});

Deno.test("where documents are saved is said on the page, and changed there", async () => {
  await using b = await planningBench();
  match(await (await b.pages.get("/planning")).text(), /Each save is a commit on main/);
  const at = `/planning/saves?project=${b.project.id}`;
  equal((await b.pages.post(at, { saves: "files" })).status, 303);
  match(await (await b.pages.get("/planning")).text(), /<legend>Saves only change the files/);
  equal((await b.pages.post(at, { saves: "elsewhere" })).status, 422);
  equal(
    (await b.pages.post("/planning/saves?project=project_none", { saves: "files" })).status,
    404,
  );
});

Deno.test("a long list is shown a folder at a time", async () => {
  const files = Object.fromEntries(
    Array.from(
      { length: 230 },
      (_, i) => [`planning/n/${String(i).padStart(3, "0")}.md`, `# Note ${i}\n`],
    ),
  );
  await using b = await planningBench({ ...files, "planning/top.md": "# Top\n" });
  // A page waits only for some of them: the rest is read behind it.
  await b.follow();
  const root = await (await b.pages.get("/planning")).text();
  match(root, /folder=n"[^>]*>n\/<\/a>/);
  match(root, />Top</);
  doesNotMatch(root, /Note 3/);
  const inside = await (await b.pages.get(`/planning?project=${b.project.id}&folder=n`)).text();
  match(inside, />Note 0</);
  doesNotMatch(inside, />Note 229</);
  const more = /href="([^"]*after=[^"]*)"/.exec(inside)![1]!.replaceAll("&amp;", "&");
  match(await (await b.pages.get(more)).text(), />Note 229</);
});

Deno.test("what can't be reached is shown as it was, with the reason", async () => {
  await using b = await planningBench();
  await b.follow();
  await Deno.remove(`${b.repo.dir}/planning`, { recursive: true });
  await Deno.symlink("/", `${b.repo.dir}/planning`);
  const list = await (await b.pages.get("/planning")).text();
  match(list, /is a symbolic link/);
  match(list, />Saving</);
});

Deno.test("of several projects one is chosen first", async () => {
  await using b = await planningBench();
  b.app.project({ name: "Other", slug: "other" });
  const page = await (await b.pages.get("/planning")).text();
  match(page, />Other</);
  match(page, new RegExp(`/planning\\?project=${b.project.id}`));
  equal((await b.pages.get("/planning/new")).status, 303);
  equal((await b.pages.get("/planning?project=project_none")).status, 404);
});

Deno.test("the API lists, finds, makes, saves and deletes documents, with ETags and the same refusals", async () => {
  await using b = await planningBench();
  const at = `/projects/${b.project.id}/documents`;
  const made = await b.call("POST", at, {
    path: "roadmap",
    text: "---\ntype: roadmap\n---\n# Way\n",
  });
  deepEqual([made.status, made.json.path, made.json.type], [201, "roadmap.md", "roadmap"]);
  const list = await b.call("GET", `${at}?limit=1`);
  deepEqual(list.json.items.map(({ path }: { path: string }) => path), ["roadmap.md"]);
  const rest = await b.call("GET", `${at}?limit=1&cursor=${list.json.next}`);
  deepEqual(rest.json.items.map(({ path }: { path: string }) => path), ["specs/saving.md"]);
  equal(rest.json.next, null);
  equal((await b.call("GET", `${at}?q=saved`)).json.items.length, 1);
  equal((await b.call("GET", `${at}?q=saved&type=roadmap`)).json.items.length, 0);
  equal((await b.call("GET", `${at}?type=roadmap`)).json.items.length, 1);
  equal((await b.call("GET", `${at}?status=gone`)).status, 422);
  const one = `/documents/${made.json.id}`;
  const got = await b.call("GET", one);
  equal((await b.call("PATCH", one, { text: "x" })).status, 428);
  const changed = await b.call("PATCH", one, { text: "# Other\n" }, { "if-match": got.etag! });
  deepEqual([changed.status, changed.json.title], [200, "Other"]);
  equal((await b.call("PATCH", one, { text: "y" }, { "if-match": got.etag! })).status, 412);
  await b.repo.write("planning/roadmap.md", "typed elsewhere\n");
  const now = await b.call("GET", one);
  equal(now.json.text, "typed elsewhere\n");
  equal((await b.call("PATCH", one, { text: "y" }, { "if-match": now.etag! })).status, 409);
  equal((await b.call("DELETE", one)).status, 409);
  await b.repo.git("checkout", "-q", "--", "planning");
  equal((await b.call("DELETE", one)).status, 200);
  equal((await b.call("GET", one)).status, 404);
  equal((await b.call("POST", at, { path: "../../x", text: "" })).status, 422);
  const settings = await b.call("GET", `/projects/${b.project.id}/planning`);
  equal(settings.json.saves, "commit");
  const saves = await b.call("PATCH", `/projects/${b.project.id}/planning`, { saves: "files" }, {
    "if-match": settings.etag!,
  });
  equal(saves.json.saves, "files");
  ok(!(await b.repo.git("log", "--format=%s")).includes("typed"));
});

Deno.test("a POST that is sent again with its key makes one document", async () => {
  await using b = await planningBench();
  const at = `/projects/${b.project.id}/documents`;
  const body = { path: "a", text: "x" };
  const first = await b.call("POST", at, body, { "idempotency-key": "k1" });
  const second = await b.call("POST", at, body, { "idempotency-key": "k1" });
  deepEqual([first.status, second.status, first.json.id], [201, 201, second.json.id]);
  equal(await b.repo.git("rev-list", "--count", "HEAD"), "2");
});

Deno.test("a page whose files take long to read shows what there is, and its stream sends the rest", async () => {
  await using b = await planningBench();
  const { promise: held, resolve: release } = Promise.withResolvers<void>();
  const holding = b.app.turnstile.through(`documents ${b.project.id}`, () => held);
  const html = await (await b.pages.get("/planning")).text();
  match(html, /The documents are being read[^]*0 documents so far/);
  const live = /hx-sse:connect="([^"]+)"/.exec(html)![1]!.replaceAll("&amp;", "&");
  await using told = await followPage(b.pages, live);
  release();
  await holding;
  const rest = await told.next();
  match(rest, /Saving/);
  doesNotMatch(rest, /being read/);
});
