/** What is offered after "#" and "[[" in a document. */
import {
  deepStrictEqual as deepEqual,
  doesNotMatch,
  match,
  strictEqual as equal,
} from "node:assert";
import { submitIdea } from "../server/services/ideas.ts";
import { COMPLETIONS_MAX } from "../server/services/document_completions.ts";
import { planningBench } from "./planning_support.ts";

async function bench() {
  const b = await planningBench({
    "planning/saving.md": "# Saving\n",
    "planning/other/saving.md": "# Saving\n",
    "planning/map.md": "# Map [1] | 100% of_it\n",
  });
  await b.follow();
  const { id: projectId } = b.project;
  submitIdea(b.app, { projectId, title: "Save often" });
  submitIdea(b.app, { projectId, title: "<script>alert(1)</script>" });
  const names = async (text: string) => {
    const query = new URLSearchParams({ text });
    const { json } = await b.call("GET", `/projects/${projectId}/document-completions?${query}`);
    return json.items.map(({ name, about }: Record<string, string>) => `${name}: ${about}`);
  };
  return { b, names, [Symbol.asyncDispose]: () => b[Symbol.asyncDispose]() };
}

Deno.test("documents are offered by title or path, by a name that leads to them", async () => {
  await using at = await bench();
  deepEqual(await at.names("[[sav"), ["other/saving: other/saving.md", "Saving: saving.md"]);
  deepEqual(await at.names("[[other/"), ["other/saving: other/saving.md"]);
  deepEqual(await at.names("[[map"), ["map: map.md"], "what would end the link is no name");
  deepEqual(await at.names("[[100%"), ["map: map.md"]);
  deepEqual(await at.names("[[1%f"), []);
  deepEqual(await at.names("[[zebra"), []);
});

Deno.test("ideas and tickets are offered by number or title", async () => {
  await using at = await bench();
  deepEqual(await at.names("#"), ["idea-2: <script>alert(1)</script>", "idea-1: Save often"]);
  deepEqual(await at.names("#2"), ["idea-2: <script>alert(1)</script>"]);
  deepEqual(await at.names("#idea-2"), ["idea-2: <script>alert(1)</script>"]);
  deepEqual(await at.names("#often"), ["idea-1: Save often"]);
  deepEqual(await at.names("#ticket-1"), []);
  for (const text of ["", "x", "[x", "#".repeat(70), "[[a]]", "[[\n"]) {
    deepEqual(await at.names(text), [], text);
  }
});

Deno.test("the page's list is words only, and never long", async () => {
  await using at = await bench();
  const { b } = at;
  for (let n = 0; n < 12; n++) submitIdea(b.app, { projectId: b.project.id, title: `Idea ${n}` });
  const id = b.idOf("saving.md");
  const html = await (await b.pages.get(`/documents/${id}/completions?text=%23`)).text();
  equal(html.match(/role="option"/g)?.length, COMPLETIONS_MAX);
  const attack = await (await b.pages.get(`/documents/${id}/completions?text=%23script`)).text();
  match(attack, /&lt;script>/);
  doesNotMatch(attack, /<script/);
  equal((await b.pages.get("/documents/document_none/completions?text=%23")).status, 404);
});
