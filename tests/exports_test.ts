/** Documents as files: HTML that needs nothing else, PDF, JSON and a zip of all. */
import { listVersions } from "../server/services/document_versions.ts";
import { getDocument } from "../server/store/documents.ts";
import {
  deepStrictEqual as deepEqual,
  doesNotMatch,
  match,
  ok,
  rejects,
  strictEqual as equal,
  throws,
} from "node:assert";
import { createHash } from "node:crypto";
import { unzipSync } from "fflate";
import { Hono } from "hono";
import { findChromium } from "../agents/find_chromium.ts";
import { printPdf } from "../agents/print_pdf.ts";
import type { Env } from "../server/api.ts";
import { documentExportSchema } from "../server/outputs/document_exports.ts";
import { AppError } from "../server/errors.ts";
import { exportedFile } from "../server/pages/exported.ts";
import { exportDocument, exportProject } from "../server/pages/exports.ts";
import { EXPORT_BYTES, requireRoom } from "../server/services/export_images.ts";
import { readDocuments } from "../server/services/document_texts.ts";
import { zipOf } from "../server/services/export_zip.ts";
import { addImage } from "../server/services/document_images.ts";
import { pdfOf } from "../server/services/pdf.ts";
import { chromiumPath, needsChromium } from "./browser.ts";
import { never } from "./git_support.ts";
import { listen } from "./http_support.ts";
import { PNG } from "./images.ts";
import { type PlanningBench, planningBench } from "./planning_support.ts";

const SAVING = "planning/specs/saving.md";
const files = {
  [SAVING]:
    "---\nstatus: review\nowner: Ana\ntags: [a, b]\n---\n# Saving <b>\n\n![a map](../images/map.png) [[Map]] [map](../map.md#there) [out](https://x.example/) #idea-1\n\n- [ ] do\n\n<script>alert(1)</script>\n",
  "planning/map.md":
    "No heading here.\n\n![gone](images/gone.png) ![out](https://x.example/a.png)\n\n[bad](javascript:alert(1)) [file](src/main.rs) [[Nowhere]]\n",
  "planning/images/map.png": "",
};

async function bench() {
  const b = await planningBench(files);
  await b.repo.write("planning/images/map.png", PNG);
  await b.repo.commit("The map");
  await b.follow();
  return b;
}

/** Every address and policy of a file that a browser would act on. */
const addressesIn = (html: string): string[] =>
  [...html.matchAll(/\s(?:href|src|action|srcset|data|poster|content)="([^"]*)"/g)].map((
    [, value],
  ) => value!);

Deno.test("HTML of all documents is one file: its links lead within it, and it needs nothing else", async () => {
  await using b = await bench();
  const { content, type, name } = await exportProject(b.app, b.project.id, "html", never);
  deepEqual([type, name], ["text/html; charset=utf-8", "game-documents.html"]);
  const html = String(content);
  const style = /<style>([^]*?)<\/style>/.exec(html)![1]!;
  const hash = createHash("sha256").update(style).digest("base64");
  match(
    html,
    new RegExp(
      `content="default-src 'none'; style-src 'sha256-${
        hash.replace(/[+/]/g, "\\$&")
      }'; img-src data:`,
    ),
  );
  doesNotMatch(html, /<script|<link|<iframe|<form|\sstyle=|\son\w+=|javascript:alert\(1\)"/);
  match(html, /&lt;script&gt;/);
  const anchor = /<article id="(doc-map-\d+)"/.exec(html)![1]!;
  equal(html.split(`href="#${anchor}"`).length, 4); // the list, and two links in the other document
  match(html, /src="data:image\/png;base64,iVBOR[^"]*" alt="a map"/);
  match(html, /\[image: gone\][^]*\[image: out\]/);
  match(html, /<h1>map<\/h1>/); // its name: it has no heading of its own
  match(html, / file \[\[Nowhere\]\]/); // leads nowhere from elsewhere
  const outside = addressesIn(html).filter((value) => /^(?:https?:|\/)/.test(value));
  deepEqual(outside, ["https://x.example/"]);
  const ids = [...html.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id);
  equal(new Set(ids).size, ids.length);
});

Deno.test("what can't be read is named in the export of all", async () => {
  await using b = await planningBench({ [SAVING]: "# Saving\n" });
  await b.repo.write("planning/bad.md", new Uint8Array([0xff, 0, 1]));
  await b.repo.commit("Bad");
  const html = String((await exportProject(b.app, b.project.id, "html", never)).content);
  match(html, /Left out[^]*bad\.md: It is no text in UTF-8/);
  const json = JSON.parse(
    String((await exportProject(b.app, b.project.id, "json", never)).content),
  );
  deepEqual(json.left_out, [{ path: "bad.md", problem: "It is no text in UTF-8" }]);
  equal(json.documents.length, 1);
});

Deno.test("HTML of one document shows all of it, also where the page cuts it", async () => {
  await using b = await planningBench({ [SAVING]: `# Saving\n\n${"word ".repeat(60_000)}end\n` });
  await b.follow();
  const { content, name } = await exportDocument(b.app, b.idOf("specs/saving.md"), "html", never);
  equal(name, "saving.html");
  match(String(content), /<title>Saving<\/title>/);
  match(String(content), /word end<\/p>/);
  match(String(content), /<h1 id="[^"]*">Saving<\/h1>/);
  doesNotMatch(String(content), /not shown|<h1>/);
});

Deno.test("JSON has texts, front matter, links and versions, as its schema says", async () => {
  await using b = await bench();
  const saved = await b.repo.git("log", "-1", "--format=%H", "--", SAVING);
  const { content, type } = await exportProject(b.app, b.project.id, "json", never);
  equal(type, "application/json");
  const json = documentExportSchema().parse(JSON.parse(String(content)));
  deepEqual(json.project, { id: b.project.id, name: "Game" });
  const [map, saving] = json.documents;
  deepEqual([map!.path, saving!.path], ["map.md", "specs/saving.md"]);
  equal(saving!.text, files[SAVING]);
  deepEqual(saving!.front_matter, { status: "review", owner: "Ana", tags: ["a", "b"] });
  deepEqual(saving!.links, [{ kind: "document", target: "map" }, { kind: "idea", target: "1" }]);
  deepEqual(saving!.versions, [saved]);
  const one = await exportDocument(b.app, b.idOf("map.md"), "json", never);
  equal(JSON.parse(String(one.content)).documents.length, 1);
});

Deno.test("the versions of an export are also those of names that a document had before", async () => {
  await using b = await bench();
  const text = files[SAVING];
  await b.repo.git("mv", "planning/specs/saving.md", "planning/specs/storing.md");
  await b.repo.git("commit", "-qm", "Rename");
  await b.repo.commit("Say more", { "planning/specs/storing.md": `${text}\nMore.\n` });
  await b.repo.commit("Another of the old name", { [SAVING]: "# Something else\n" });
  await b.follow();
  const { content } = await exportProject(b.app, b.project.id, "json", never);
  const { documents } = JSON.parse(String(content));
  const of = (path: string) =>
    documents.find((document: { path: string }) => document.path === path).versions;
  const subjects = async (path: string) =>
    (await Promise.all(of(path).map((id: string) => b.repo.git("log", "-1", "--format=%s", id))))
      .slice(0, 2);
  deepEqual(await subjects("specs/storing.md"), ["Say more", "Rename"]);
  const listed = await listVersions(
    b.app,
    getDocument(b.app.db, b.idOf("specs/storing.md")),
    never,
  );
  deepEqual(of("specs/storing.md"), listed.map(({ id }) => id), "as its page lists them");
  equal(of("specs/storing.md").length, 3);
});

Deno.test("a zip holds the files in their folders, the images that they show, and the JSON", async () => {
  await using b = await bench();
  await addImage(
    b.app,
    b.project.id,
    { name: "unused", bytes: new Uint8Array([...PNG, 1]) },
    never,
  );
  const { content, name } = await exportProject(b.app, b.project.id, "zip", never);
  equal(name, "game-documents.zip");
  const entries = unzipSync(content as Uint8Array);
  deepEqual(Object.keys(entries).sort(), [
    ...["documents.json", "planning/images/map.png", "planning/map.md", SAVING],
  ]);
  deepEqual(entries["planning/images/map.png"], PNG);
  equal(new TextDecoder().decode(entries[SAVING]), files[SAVING]);
});

Deno.test("images come along however a document names them", async () => {
  const named = [
    '![a](<images/my map.png> "A")',
    "![b](images/b%20c.png)",
    "![d][1]\n\n[1]: images/d.png 'D'\n",
  ];
  await using b = await planningBench({ "planning/map.md": named.join("\n\n") });
  await Deno.mkdir(`${b.repo.dir}/planning/images`);
  const paths = ["my map", "b c", "d"].map((name) => `planning/images/${name}.png`);
  for (const path of paths) await b.repo.write(path, PNG);
  await b.repo.commit("Images");
  const { content } = await exportProject(b.app, b.project.id, "zip", never);
  deepEqual(
    Object.keys(unzipSync(content as Uint8Array)).filter((name) => name.endsWith(".png")).sort(),
    paths.sort(),
  );
  const html = await exportProject(b.app, b.project.id, "html", never);
  equal(String(html.content).match(/<img src="data:image\/png/g)?.length, 3);
});

Deno.test("an export of nothing, or of too much, is refused", async () => {
  await using b = await planningBench({ "README.md": "one\n" });
  await rejects(exportProject(b.app, b.project.id, "html", never), {
    code: "conflict",
    message: /no document yet/,
  });
  await rejects(exportProject(b.app, "none", "html", never), { code: "not_found" });
  requireRoom(EXPORT_BYTES);
  throws(() => requireRoom(EXPORT_BYTES + 1), { code: "conflict", message: /more than 64 MB/ });
});

Deno.test("whether there is room for all texts is asked before any is read, and again after each portion", async () => {
  const texts = Array.from({ length: 60 }, (_, n): [string, string] => [`planning/${n}.md`, "é"]);
  await using b = await planningBench(Object.fromEntries(texts));
  await b.follow();
  b.app.db.exec("UPDATE documents SET bytes = 1000");
  const asked: number[] = [];
  const room = (most: number) => (bytes: number) => {
    asked.push(bytes);
    if (bytes > most) throw new AppError("conflict", "too much");
  };
  await rejects(readDocuments(b.app, b.project, { room: room(59_999), signal: never }), {
    code: "conflict",
  });
  deepEqual(asked.splice(0), [60_000]);
  const { documents } = await readDocuments(b.app, b.project, {
    room: room(60_000),
    signal: never,
  });
  equal(documents.length, 60);
  deepEqual(asked, [60_000, 50, 100, 120]);
});

Deno.test("an export ends when its request does, in whatever form", async () => {
  await using b = await bench();
  const gone = new AbortController();
  const documents = await readDocuments(b.app, b.project, { signal: never });
  const what = { ...documents, project: b.project, images: { all: new Map(), find: () => null } };
  gone.abort(new Error("gone"));
  await rejects(exportedFile(b.app, what, gone.signal), /gone/);
  const entry = { path: "a", bytes: new Uint8Array(1) };
  await rejects(zipOf([entry], { atMs: 0, signal: gone.signal }), /gone/);
});

/** In place of a browser: tells that it has begun, and goes on for ever. */
async function endlessBrowser({ app, repo }: PlanningBench) {
  const [pipe, program] = [repo.beside("alive"), repo.beside("endless")];
  await new Deno.Command("mkfifo", { args: [pipe] }).output();
  await Deno.writeTextFile(program, `#!/bin/sh\nexec 3> "${pipe}"\necho begun >&3\nsleep 600\n`);
  await Deno.chmod(program, 0o755);
  app.config.chromium = program;
  const opened = Deno.open(pipe);
  let reader: ReadableStreamDefaultReader<Uint8Array>;
  return {
    async begun() {
      reader = (await opened).readable.getReader();
      match(new TextDecoder().decode((await reader.read()).value), /begun/);
    },
    /** When the last process that it is made of is gone. */
    async ended() {
      while (!(await reader.read()).done);
    },
  };
}

Deno.test("an export ends when the one who asked for it leaves", async () => {
  await using b = await bench();
  const answers: Response[] = [];
  const http = new Hono<Env>().all("*", async (c) => {
    const answer = await b.pages.http.fetch(c.req.raw);
    answers.push(answer.clone() as Response);
    return answer;
  });
  await using server = listen(http);
  const browser = await endlessBrowser(b);
  const leaving = new AbortController();
  const asked = fetch(`${server.origin}/documents/${b.idOf("map.md")}/export/pdf`, {
    signal: leaving.signal,
  });
  const left = rejects(asked, { name: "AbortError" });
  await browser.begun();
  leaving.abort();
  await Promise.all([left, browser.ended()]);
  await server.shutdown();
  match(await answers[0]!.text(), /whoever asked for it has left/);
});

Deno.test("an export ends with its minute, and says what to do", async () => {
  await using b = await bench();
  const browser = await endlessBrowser(b);
  const minute = new AbortController();
  const { timeout } = AbortSignal;
  AbortSignal.timeout = (ms) => ms === 60_000 ? minute.signal : timeout.call(AbortSignal, ms);
  try {
    const asked = b.call("POST", `/documents/${b.idOf("map.md")}/export`, { format: "pdf" });
    await browser.begun();
    minute.abort(new DOMException("late", "TimeoutError"));
    const { status, json } = await asked;
    equal(status, 409);
    match(json.detail, /^Cannot export: it takes longer[^]*Export single documents/);
    await browser.ended();
  } finally {
    AbortSignal.timeout = timeout;
  }
});

Deno.test("an image that is shown in many places counts in each of them", async () => {
  await using b = await planningBench({ [SAVING]: "![a](../images/big.png)".repeat(40) });
  const big = new Uint8Array(2 * 1024 * 1024);
  big.set(PNG);
  await b.repo.write("planning/images/big.png", big);
  await b.repo.commit("Big");
  await b.follow();
  await rejects(exportDocument(b.app, b.idOf("specs/saving.md"), "html", never), {
    code: "conflict",
    message: /more than 64 MB/,
  });
});

Deno.test("findChromium() takes the configured program alone, or looks along PATH", async () => {
  const folder = await Deno.makeTempDir();
  try {
    equal(findChromium(`${folder}/chrome`, ""), null);
    await Deno.writeTextFile(`${folder}/brave-browser`, "");
    equal(findChromium(`${folder}/brave-browser`, ""), `${folder}/brave-browser`);
    equal(findChromium(`${folder}`, ""), null);
    ok(findChromium("", `relative:${folder}`) !== null);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("without a browser a PDF is refused with the way round, and so is one that fails or takes too long", async () => {
  await using b = await bench();
  b.app.config.chromium = "/nonexistent/chrome";
  await rejects(pdfOf(b.app, "<p>", never), {
    code: "conflict",
    message: /there is no program \/nonexistent\/chrome[^]*print it/,
  });
  const page = await (await b.pages.get(`/documents/${b.idOf("map.md")}`)).text();
  match(page, /PDF needs Chromium, Chrome or Edge/);
  doesNotMatch(page, /export\/pdf/);
  const script = async (name: string, text: string) => {
    const path = b.repo.beside(name);
    await Deno.writeTextFile(path, `#!/bin/sh\n${text}\n`);
    await Deno.chmod(path, 0o755);
    return path;
  };
  const dir = b.repo.beside("printing");
  await Deno.mkdir(dir);
  const print = (chromium: string, { signal = never, timeoutMs = 30_000 } = {}) =>
    printPdf({ chromium, html: "<p>", signal, timeoutMs, dir });
  const fails = await script("fails", "echo 'it is broken' >&2; exit 1");
  await rejects(print(fails), {
    code: "conflict",
    message: /it is broken[^]*print it from there/,
  });
  const writes = 'for arg; do case $arg in --print-to-pdf=*) echo html > "${arg#*=}";; esac; done';
  const none = await script("none", writes);
  await rejects(print(none), { code: "conflict", message: /wrote no PDF/ });
  const sleeps = await script("sleeps", "(trap '' TERM; sleep 600) & wait");
  await rejects(print(sleeps, { timeoutMs: 100 }), { code: "conflict", message: /took longer/ });
  const gone = new AbortController();
  const printing = print(sleeps, { signal: gone.signal });
  gone.abort(new Error("gone"));
  await rejects(printing, /gone/);
  deepEqual([...Deno.readDirSync(dir)], []);
});

Deno.test({
  name: `a PDF is made by a browser of this machine${needsChromium}`,
  ignore: chromiumPath === null,
  async fn() {
    await using b = await bench();
    b.app.config.chromium = chromiumPath!;
    const { content, type, name } = await exportDocument(
      b.app,
      b.idOf("specs/saving.md"),
      "pdf",
      never,
    );
    deepEqual([type, name], ["application/pdf", "saving.pdf"]);
    const text = new TextDecoder("latin1").decode(content as Uint8Array);
    match(text, /^%PDF-/);
    match(text, /\/Type\s*\/Page\b/);
    match(text, /\/Subtype\s*\/Image/);
  },
});

Deno.test("pages and API give the files to be saved, under names that are safe", async () => {
  await using b = await planningBench({ "planning/notes/計画 a'b.md": "# Plan\n" });
  await b.follow();
  const id = b.idOf("notes/計画 a'b.md");
  const answer = await b.pages.get(`/documents/${id}/export/html`);
  deepEqual(
    ["content-type", "content-disposition", "content-security-policy", "x-content-type-options"]
      .map((name) => answer.headers.get(name)),
    [
      "text/html; charset=utf-8",
      `attachment; filename="_ a_b.html"; filename*=UTF-8''%E8%A8%88%E7%94%BB%20a%27b.html`,
      ...["default-src 'none'; sandbox", "nosniff"],
    ],
  );
  await answer.body!.cancel();
  const page = await (await b.pages.get(`/planning/export?project=${b.project.id}`)).text();
  match(page, new RegExp(`href="/planning/export/zip\\?project=${b.project.id}"`));
  const zip = await b.pages.get(`/planning/export/zip?project=${b.project.id}`);
  equal(Object.keys(unzipSync(new Uint8Array(await zip.arrayBuffer()))).length, 2);
  b.app.config.chromium = "/nonexistent/chrome";
  b.app.advance(30_000); // another look for it
  const refused = await b.pages.get(`/planning/export/pdf?project=${b.project.id}`, {
    referer: `http://gaffer.example/planning/export?project=${b.project.id}`,
  });
  equal(refused.status, 409);
  const why = await refused.text();
  match(why, /<h1[^>]*>Not possible right now<\/h1>[^]*print it from your browser/);
  match(why, new RegExp(`href="/planning/export\\?project=${b.project.id}">Go back`));
  doesNotMatch(why, /Nothing was changed by your press/);
  equal((await b.pages.get(`/planning/export/exe?project=${b.project.id}`)).status, 422);
  equal((await b.pages.get(`/documents/${id}/export/zip`)).status, 422);
  const { json } = await b.call("POST", `/documents/${id}/export`, { format: "json" });
  equal(json.documents[0].title, "Plan");
  const all = `/projects/${b.project.id}/documents/export`;
  equal((await b.call("POST", all, { format: "json" })).json.documents.length, 1);
  equal((await b.call("POST", all, { format: "exe" })).status, 422);
  equal((await b.call("POST", "/documents/none/export", { format: "json" })).status, 404);
  const { json: described } = await b.call("GET", "/openapi.json");
  ok(described.components.schemas.DocumentExport.properties.documents);
  ok(
    described.paths["/projects/{id}/documents/export"].post.responses["200"]
      .content["application/zip"],
  );
});
