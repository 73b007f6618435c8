/** CLAUDE.md and AGENTS.md: what goes in, what stays a person's own, and what refuses a save. */
import {
  deepStrictEqual as deepEqual,
  doesNotMatch,
  match,
  rejects,
  strictEqual as equal,
  throws,
} from "node:assert";
import {
  GUIDE_BEGIN,
  GUIDE_CHARS,
  GUIDE_END,
  guideParts,
  guideText,
  withGuide,
} from "../server/services/guide_text.ts";
import { previewGuide, saveGuide } from "../server/services/guides.ts";
import { openDocument, saveDocument, setDocumentSaves } from "../server/services/documents.ts";
import { exists, never } from "./git_support.ts";
import { planningDocument } from "./planning_fixture.tsx";
import { planningBench } from "./planning_support.ts";

const front = (type: string, status: string, more = "") =>
  `---\ntype: ${type}\nstatus: ${status}\n${more}---\n`;
const files = {
  "planning/architecture/system.md": front("architecture", "approved") +
    "# The system\n\nTwo parts, see [the map](../map.md) and [[Map|a map]].\n\n## Data\n\nIn a file.\n\n```sh\n# no heading [[Map]]\n```\n",
  "planning/conventions.md": front("note", "done") + "Tabs.\n",
  "planning/roadmaps/one.md": front("roadmap", "implementing", "target: 1.2\n") +
    "# Roadmap\n\n## Milestones\n\nMany.\n\n## Next\n\nSave games.\n\n### How\n\nOften.\n\n## Later\n\nFly.\n",
  "planning/roadmaps/two.md": front("roadmap", "approved") + "# Two\n",
  "planning/architecture/idea.md": front("architecture", "draft") + "# Not yet\n",
  "planning/map.md": front("spec", "approved") + "# Map\n",
};

Deno.test("the part holds the approved architecture, the conventions and the current milestone, and nothing else", async () => {
  await using b = await planningBench(files);
  const { text, parts, diff } = await previewGuide(b.app, b.project, "CLAUDE.md", never);
  deepEqual(parts.map(({ title, documents }) => [title, ...documents.map(({ path }) => path)]), [
    ["Architecture", "architecture/system.md"],
    ["Conventions", "conventions.md"],
    ["Current milestone", "roadmaps/one.md"],
  ]);
  equal(
    text,
    [
      ...[GUIDE_BEGIN, "", "## Architecture", "", "### The system", ""],
      ...["From planning/architecture/system.md.", ""],
      ...["Two parts, see [the map](planning/map.md) and [a map](planning/map.md).", ""],
      ...["#### Data", "", "In a file.", "", "```sh", "# no heading [[Map]]", "```", ""],
      ...[
        "## Conventions",
        "",
        "### conventions",
        "",
        "From planning/conventions.md.",
        "",
        "Tabs.",
      ],
      ...["", "## Current milestone", "", "### Roadmap", ""],
      ...["From planning/roadmaps/one.md. Target: 1.2.", "", "Save games.", "", "#### How", ""],
      ...["Often.", "", GUIDE_END, ""],
    ].join("\n"),
  );
  match(diff!, /^--- \/dev\/null\n\+\+\+ b\/CLAUDE\.md/);
});

Deno.test("links of the part lead where the documents' own do, to other documents and to files of the code", async () => {
  await using b = await planningBench({
    "planning/architecture/system.md": front("architecture", "approved") +
      '[a](../../src/a.ts#L3 "t") [b](<../../src/b c.ts>) [c][1] ![d](../images/d.png) [e](../..)\n' +
      "[f](https://x/y) [g](/lib/g.ts) [h](#data) [i](../../../out.ts) `[j](k.md)`\n\n" +
      "```\n[l](../../m.ts)\n```\n\n[1]: ../other.md#x\n[^2]: ../note\n",
  });
  const { text } = await previewGuide(b.app, b.project, "CLAUDE.md", never);
  match(text, /^\[a\]\(src\/a\.ts#L3 "t"\) \[b\]\(<src\/b%20c\.ts>\) \[c\]\[1\] /m);
  match(text, /!\[d\]\(planning\/images\/d\.png\) \[e\]\(\.\)$/m);
  match(text, /^\[f\]\(https:\/\/x\/y\) \[g\]\(\/lib\/g\.ts\) \[h\]\(#data\) /m);
  match(text, / \[i\]\(\.\.\/\.\.\/\.\.\/out\.ts\)/);
  match(text, /^\[l\]\(\.\.\/\.\.\/m\.ts\)$/m);
  match(text, /^\[1\]: planning\/other\.md#x\n\[\^2\]: \.\.\/note$/m);
});

Deno.test("guideParts() takes approved roadmaps where none is being implemented, and no document twice", () => {
  const of = (path: string, type: string, status: string) =>
    planningDocument({ path, type: type as "note", status: status as "draft", title: path });
  const parts = guideParts([
    of("a.md", "roadmap", "approved"),
    of("b.md", "roadmap", "done"),
    of("c.md", "roadmap", "review"),
    of("conventions/naming.md", "architecture", "approved"),
    of("conventions/style.md", "spec", "approved"),
    of("inconventions.md", "note", "approved"),
  ]);
  deepEqual(parts.map(({ documents }) => documents.map(({ path }) => path)), [
    ["conventions/naming.md"],
    ["conventions/style.md"],
    ["a.md"],
  ]);
});

Deno.test("withGuide() keeps all that a person wrote outside of the markers, byte by byte", () => {
  const part = `${GUIDE_BEGIN}\nnew\n${GUIDE_END}`;
  equal(withGuide("CLAUDE.md", null, part), `${part}\n`);
  equal(withGuide("CLAUDE.md", "mine  \n\n", part), `mine\n\n${part}\n`);
  equal(withGuide("CLAUDE.md", "", part), `${part}\n`);
  const old = `<!-- gaffer:begin of another version -->\nold\n${GUIDE_END}`;
  equal(withGuide("CLAUDE.md", ` a\n${old}\tb`, part), ` a\n${part}\tb`);
  equal(
    withGuide("CLAUDE.md", `a\r\n${old}\r\nb\r\n`, part),
    `a\r\n${part.replaceAll("\n", "\r\n")}\r\nb\r\n`,
  );
  const bad = [
    GUIDE_BEGIN,
    GUIDE_END,
    `${GUIDE_END}\n${GUIDE_BEGIN}`,
    `${old}\n${old}`,
    `${old}\n${GUIDE_END}`,
  ];
  for (const text of bad) {
    throws(() => withGuide("CLAUDE.md", text, part), {
      code: "conflict",
      message: /Mend the markers/,
    }, text);
  }
});

Deno.test("guideText() lets no document end the part, and has a limit", () => {
  const document = planningDocument({ type: "architecture", status: "approved", title: "T" });
  const parts = [{ title: "Architecture" as const, documents: [document] }];
  const made = guideText(
    parts,
    [{ document, text: `x\n${GUIDE_END}\n${GUIDE_BEGIN}\ny` }],
    () => null,
  );
  equal(made.split(GUIDE_END).length, 2);
  equal(withGuide("CLAUDE.md", `${made}\nmine`, made), `${made}\nmine`);
  const long = [{ document, text: "x".repeat(GUIDE_CHARS) }];
  throws(() => guideText(parts, long, () => null), { code: "conflict", message: /Shorten them/ });
  // Looked for in time that grows with the text, no faster.
  const hostile = [{ document, text: "[[".repeat(20_000) + "](".repeat(20_000) }];
  guideText(parts, hostile, () => null);
  const headings = [{ document, text: "# a\n".repeat(130_000) }];
  throws(() => guideText(parts, headings, () => null), { code: "conflict" });
  guideText(parts, [{ document, text: `a${" ".repeat(90_000)}b` }], () => null);
  const file = "<!-- gaffer:begin".repeat(30_000) + " ".repeat(200_000);
  match(withGuide("CLAUDE.md", `${file}x`, made), / x\n\n<!-- gaffer:begin/);
});

Deno.test("a save is one commit of what was looked at; the same again changes nothing", async () => {
  await using b = await planningBench({ ...files, "CLAUDE.md": "Mine.\n", "README.md": "one\n" });
  await b.repo.write("README.md", "edited\n");
  const { seen, made, text, diff } = await previewGuide(b.app, b.project, "CLAUDE.md", never);
  match(diff!, /^ Mine\.$/m);
  await saveGuide(b.app, b.project.id, { file: "CLAUDE.md", seen, made }, never);
  equal(await b.repo.read("CLAUDE.md"), text);
  match(text, /^Mine\.\n\n<!-- gaffer:begin/);
  equal(
    await b.repo.git("log", "-1", "--format=%s"),
    "docs: update CLAUDE.md from the planning documents",
  );
  equal(await b.repo.git("show", "--name-only", "--format=", "HEAD"), "CLAUDE.md");
  equal(await b.repo.read("README.md"), "edited\n");
  equal((await previewGuide(b.app, b.project, "CLAUDE.md", never)).diff, "");
  const tip = await b.repo.git("rev-parse", "main");
  await saveGuide(b.app, b.project.id, { file: "CLAUDE.md", seen, made }, never);
  equal(await b.repo.git("rev-parse", "main"), tip);
  equal(await exists(`${b.repo.dir}/AGENTS.md`), false);
});

Deno.test("a save is refused when the file or a document moved, or an edit of it is not committed", async () => {
  await using b = await planningBench({ ...files, "AGENTS.md": "Mine.\n" });
  const look = () => previewGuide(b.app, b.project, "AGENTS.md", never);
  const save = ({ seen, made }: { seen: string; made: string }) =>
    saveGuide(b.app, b.project.id, { file: "AGENTS.md", seen, made }, never);
  const first = await look();
  await b.repo.commit("Theirs", { "AGENTS.md": "Theirs.\n" });
  await rejects(() => save(first), { code: "conflict", message: /the file has changed since/ });
  equal(await b.repo.read("AGENTS.md"), "Theirs.\n");
  const second = await look();
  const { document } = await openDocument(b.app, b.idOf("conventions.md"), never);
  const change = { text: `${front("note", "approved")}Spaces.\n`, seen: document.version };
  await saveDocument(b.app, document.id, change, never);
  await rejects(() => save(second), { code: "conflict", message: /a document has changed since/ });
  await b.repo.write("AGENTS.md", "Not committed.\n");
  const third = await look();
  await rejects(() => save(third), { code: "conflict", message: /not committed/ });
  equal(await b.repo.read("AGENTS.md"), "Not committed.\n");
  setDocumentSaves(b.app, b.project.id, "files");
  await save(third);
  match(await b.repo.read("AGENTS.md"), /^Not committed\.\n\n<!-- gaffer:begin[^]*Spaces\./);
  await Deno.remove(`${b.repo.dir}/AGENTS.md`);
  await Deno.symlink("CLAUDE.md", `${b.repo.dir}/AGENTS.md`);
  await rejects(look, { code: "conflict", message: /symbolic link/ });
  await Deno.remove(`${b.repo.dir}/AGENTS.md`);
  await b.repo.write("AGENTS.md", new Uint8Array([0xff, 0xfe, 0]));
  await rejects(look, { code: "conflict", message: /no text in UTF-8/ });
});

Deno.test("the page shows what goes in and what changes, and saves it; without documents it says what to do", async () => {
  await using b = await planningBench({ "planning/map.md": "# Map\n" });
  const address = `/planning/guide?project=${b.project.id}&file=CLAUDE.md`;
  match(
    await (await b.pages.get(address)).text(),
    /no document about the architecture[^]*is approved/,
  );
  await b.repo.commit("Documents", {
    ...files,
    "planning/conventions.md": `${front("note", "done")}<script>alert(1)</script>\n`,
  });
  const page = await (await b.pages.get(address)).text();
  match(page, /What goes in[^]*The system[^]*Commit to main/);
  doesNotMatch(page, /<script>alert/);
  const form = {
    seen: /name="seen" value="([^"]*)"/.exec(page)![1]!,
    made: /name="made" value="([^"]*)"/.exec(page)![1]!,
  };
  const saved = await b.pages.post(address, form);
  equal(saved.status, 303);
  match(await b.repo.read("CLAUDE.md"), /### The system/);
  match(await (await b.pages.get(address)).text(), /says all of this already/);
  await b.repo.commit("Theirs", { "CLAUDE.md": "Theirs\n" });
  const refused = await b.pages.post(address, form);
  equal(refused.status, 409);
  match(
    await refused.text(),
    /the file has changed since you looked[^]*What changes in CLAUDE\.md/,
  );
  equal((await b.pages.get(address.replace("CLAUDE.md", "evil.md"))).status, 422);
});

Deno.test("the API previews and saves, with the same refusals", async () => {
  await using b = await planningBench(files);
  const address = `/projects/${b.project.id}/guide`;
  const { json } = await b.call("GET", `${address}?file=AGENTS.md`);
  equal(json.parts.length, 3);
  const body = { file: "AGENTS.md", seen: json.seen, made: json.made };
  equal((await b.call("POST", address, body)).json.diff, "");
  equal((await b.call("POST", address, { ...body, made: "other" })).status, 409);
  equal((await b.call("POST", address, { ...body, file: "../x" })).status, 422);
  equal((await b.call("GET", "/projects/none/guide")).status, 404);
});
