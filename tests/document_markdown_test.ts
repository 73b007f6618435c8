/** Documents as HTML: the examples of CommonMark, and texts that want to be scripts. */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert";
import commonmark from "commonmark-spec";
import MarkdownIt from "markdown-it";
import {
  DOCUMENT_SHOWN_CHARS,
  type DocumentLinks,
  renderDocument,
} from "../views/document_markdown.ts";
import { newMarkdown } from "../views/markdown_it.ts";
import { planningBench } from "./planning_support.ts";

const nowhere: DocumentLinks = { resolve: () => null, document: () => null, image: () => null };
const html = (text: string, links: Partial<DocumentLinks> = {}, options = {}) =>
  renderDocument(text, { links: { ...nowhere, ...links }, ...options }).html;

/** Ours, in the form of the specification: without what every document is given here. */
const plain = (text: string): string =>
  text.replace(/ id="[^"]*"/g, "").replace(/ rel="[^"]*"/g, "").replace(/ loading="lazy">/g, " />")
    .replace(/<(hr|br)>/g, "<$1 />").replaceAll("<blockquote></", "<blockquote>\n</");

/** The specification's, with the headings a level lower. */
const lowered = (text: string): string =>
  text.replace(/(<\/?h)([1-6])>/g, (_, tag, level) => `${tag}${Math.min(6, Number(level) + 1)}>`)
    .replace(/(<img src="[^"]*" alt="[^"]*") title="[^"]*"/g, "$1");

Deno.test("the examples of CommonMark render as it says, but for raw HTML and bare addresses", () => {
  const tests: { markdown: string; html: string; number: number }[] = commonmark.tests;
  const [withHtml, without] = [new MarkdownIt({ html: true }), new MarkdownIt({ html: false })];
  let [compared, raw] = [0, 0];
  const different: number[] = [];
  for (const { markdown, html: expected, number } of tests) {
    const text = markdown.replaceAll("→", "\t");
    if (withHtml.render(text) !== without.render(text)) {
      raw++;
      continue;
    }
    compared++;
    const got = plain(html(text, { image: (src) => src }));
    if (got !== lowered(expected.replaceAll("→", "\t"))) different.push(number);
  }
  ok(compared > 560, `${compared} compared`);
  ok(raw < 90, `${raw} left out`);
  // Schemes that are none of the web's and of mail's lead nowhere; bare addresses of the web are links.
  const [schemes, bare] = [[596, 598, 599, 601], [602, 608, 611]];
  deepEqual(different, [...schemes, ...bare]);
});

Deno.test("tokens and HTML are the parser's own, to the letter", () => {
  const options = { html: false, linkify: true };
  const [own, ours] = [new MarkdownIt(options), newMarkdown(options)];
  const texts = commonmark.tests.map(({ markdown }: { markdown: string }) => markdown);
  texts.push(texts.join("\n"), "a | b\n-|:-\n`1` | ~~2~~ <https://a.example> https://b.example\n");
  for (const text of texts) {
    equal(ours.render(text), own.render(text));
    // Field by field, in whatever order.
    const plainly = (md: typeof own) => JSON.parse(JSON.stringify(md.parse(text, {})));
    deepEqual(plainly(ours), plainly(own));
  }
});

const SCRIPT = "alert(1)";
/** Each by itself as a text, a title, a link's words, a link's address, an image's address and a name in [[…]]. */
const attacks = [
  `<script>${SCRIPT}</script>`,
  `<SCRIPT SRC=//evil.example/x.js></SCRIPT>`,
  `<scr<script>ipt>${SCRIPT}</scr</script>ipt>`,
  `<script\n>${SCRIPT}</script\n>`,
  `</textarea><script>${SCRIPT}</script>`,
  `</title><script>${SCRIPT}</script>`,
  `</pre></code></div><script>${SCRIPT}</script>`,
  `--><script>${SCRIPT}</script>`,
  `<!--><img src=x onerror=${SCRIPT}>-->`,
  `<![CDATA[<script>${SCRIPT}</script>]]>`,
  `<?php echo '<script>${SCRIPT}</script>' ?>`,
  `<img src=x onerror=${SCRIPT}>`,
  `<img/src/onerror=${SCRIPT}>`,
  `<image src=x onerror=${SCRIPT}>`,
  `<svg onload=${SCRIPT}>`,
  `<svg><script>${SCRIPT}</script></svg>`,
  `<svg><animate onbegin=${SCRIPT} attributeName=x>`,
  `<svg><a xlink:href="javascript:${SCRIPT}"><text>x</text></a></svg>`,
  `<math><mi//xlink:href="data:x,<script>${SCRIPT}</script>">`,
  `<body onload=${SCRIPT}>`,
  `<iframe src="javascript:${SCRIPT}"></iframe>`,
  `<iframe srcdoc="<script>${SCRIPT}</script>"></iframe>`,
  `<object data="javascript:${SCRIPT}"></object>`,
  `<embed src="javascript:${SCRIPT}">`,
  `<form action="javascript:${SCRIPT}"><button>x</button></form>`,
  `<button formaction="javascript:${SCRIPT}">x</button>`,
  `<input autofocus onfocus=${SCRIPT}>`,
  `<details open ontoggle=${SCRIPT}>`,
  `<video><source onerror=${SCRIPT}></video>`,
  `<marquee onstart=${SCRIPT}>x</marquee>`,
  `<link rel=stylesheet href="javascript:${SCRIPT}">`,
  `<meta http-equiv=refresh content="0;url=javascript:${SCRIPT}">`,
  `<base href="javascript:${SCRIPT}//">`,
  `<style>@import 'javascript:${SCRIPT}';</style>`,
  `<div style="background:url(javascript:${SCRIPT})">x</div>`,
  `<a href="javascript:${SCRIPT}">x</a>`,
  `<a hx-get="/settings" hx-trigger=load>x</a>`,
  `<div data-hx-post="/projects" hx-on:load=${SCRIPT}>x</div>`,
  `<template shadowrootmode=open><script>${SCRIPT}</script></template>`,
  `javascript:${SCRIPT}`,
  `JaVaScRiPt:${SCRIPT}`,
  `java\tscript:${SCRIPT}`,
  `&#106;avascript:${SCRIPT}`,
  `&#x6A;&#x61;vascript&colon;${SCRIPT}`,
  `javascript&#58;${SCRIPT}`,
  `\u0001javascript:${SCRIPT}`,
  ` javascript:${SCRIPT}`,
  `vbscript:msgbox(1)`,
  `data:text/html,<script>${SCRIPT}</script>`,
  `data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==`,
  `data:image/svg+xml,<svg onload=${SCRIPT}>`,
  `file:///etc/passwd`,
  `"onmouseover="${SCRIPT}`,
  `'onmouseover='${SCRIPT}`,
  `" autofocus onfocus="${SCRIPT}`,
  `x" onerror="${SCRIPT}`,
  `\`\`\`" onmouseover="${SCRIPT}`,
  `${"`".repeat(3)}html" onclick="${SCRIPT}\nx\n${"`".repeat(3)}`,
  `[x](<javascript:${SCRIPT}>)`,
  `[x]: javascript:${SCRIPT}\n\n[x]`,
  `<javascript:${SCRIPT}>`,
  `![x](x "\\" onerror=\\"${SCRIPT}")`,
  `# x {onclick=${SCRIPT}}`,
  `- [ ] <button name=line value=1 formaction=/projects>x</button>`,
  `| <script>${SCRIPT}</script> |\n|:-:|\n| x |`,
];

const TAGS =
  /^<(?:\/?(?:p|a|em|strong|s|code|pre|h[2-6]|ul|ol|li|blockquote|table|thead|tbody|tr|th|td|span|button|del)|br|hr|img)(?: [^<>]*)?>$/;
const ATTRIBUTES =
  /^ (?:href|rel|id|class|src|alt|title|loading|start|role|aria-[a-z]+|type|name|value)(?:="[^"<>]*")?/;

/** What in it is not of the few tags and attributes that a document may become. */
function strangers(text: string): string[] {
  const found: string[] = [];
  for (const [tag] of text.matchAll(/<[^>]*>?/g)) {
    if (!TAGS.test(tag)) {
      found.push(tag);
      continue;
    }
    let rest = tag.replace(/^<\/?\w+/, "").replace(/>$/, "");
    while (rest) {
      const attribute = ATTRIBUTES.exec(rest)?.[0];
      if (attribute === undefined) {
        found.push(tag);
        break;
      }
      rest = rest.slice(attribute.length);
      const [, address] = /^ (?:href|src)="([^"]*)"/.exec(attribute) ?? [];
      if (
        address && /^[a-z][a-z0-9+.-]*:/i.test(decode(address)) &&
        !/^(?:https?|mailto):/i.test(decode(address))
      ) {
        found.push(tag);
      }
    }
  }
  return found;
}

/** As a browser reads an address. */
const decode = (text: string): string =>
  text.replaceAll("&amp;", "&").replaceAll("&quot;", '"').replace(
    /&#(\d+);/g,
    (_, n) => String.fromCharCode(n),
  )
    // deno-lint-ignore no-control-regex -- browsers leave them out
    .replace(/[\u0000-\u0020]/g, "");

Deno.test(`${attacks.length} texts that want to be scripts are words and nothing else, wherever they stand`, () => {
  const links: Partial<DocumentLinks> = { document: () => "/documents/x", image: (src) => src };
  const ways = [
    (text: string) => text,
    (text: string) => `# ${text}`,
    (text: string) => `[${text}](x)`,
    (text: string) => `[x](${text})`,
    (text: string) => `[x](<${text}>)`,
    (text: string) => `[x](x "${text}")`,
    (text: string) => `![${text}](x)`,
    (text: string) => `![x](${text})`,
    (text: string) => `[[${text}]]`,
    (text: string) => `[[x|${text}]]`,
    (text: string) => `- [x] ${text}`,
    (text: string) => `> ${text}`,
    (text: string) => `\`\`\`${text}\nx\n\`\`\``,
    (text: string) => `| a |\n|---|\n| ${text} |`,
    (text: string) => `**${text}** <${text}>`,
  ];
  const bad: string[] = [];
  for (const attack of attacks) {
    for (const way of ways) {
      const found = strangers(html(way(attack), links, { tickable: true }));
      if (found.length > 0) bad.push(`${JSON.stringify(way(attack))}: ${found}`);
    }
  }
  deepEqual(bad, []);
  ok(attacks.length >= 50);
});

Deno.test("they are so in titles, paths' folders, owners and targets on the pages, too", async () => {
  const files = Object.fromEntries(
    attacks.map((text, i) => [
      `planning/a/${i}.md`,
      `---\ntitle: ${JSON.stringify(text)}\nowner: ${JSON.stringify(text)}\ntarget: ${
        JSON.stringify(text)
      }\n---\n# ${text}\n\n[[a/${(i + 1) % attacks.length}]] [[${text}]]\n`,
    ]),
  );
  await using b = await planningBench(files);
  await b.follow();
  const list = await (await b.pages.get("/planning")).text();
  const raw = /<script>alert|<img|<svg|<iframe|href="javascript|<form action="java/i;
  equal(raw.exec(list), null);
  for (const i of [0, 4, 5, 12, 20, 35, 40, 54, 60]) {
    const page = await (await b.pages.get(`/documents/${b.idOf(`a/${i}.md`)}`)).text();
    equal(raw.exec(page), null, `${attacks[i]}`);
    const edit = await (await b.pages.get(`/documents/${b.idOf(`a/${i}.md`)}/edit`)).text();
    equal(raw.exec(edit), null, `${attacks[i]}`);
  }
});

Deno.test("links to ideas, tickets and documents lead where there is such a thing, others stay text", () => {
  const links: Partial<DocumentLinks> = {
    resolve: (kind, number) => number === 1 ? `/${kind}` : null,
    document: (name, how) => /saving/i.test(name) ? `/documents/${how}` : null,
    image: (src) => src.startsWith("images/") ? `/i/${src}` : null,
  };
  equal(
    html("#idea-1 #ticket-2 x#idea-1", links),
    '<p><a href="/idea">#idea-1</a> #ticket-2 x#idea-1</p>\n',
  );
  equal(
    html("[[Saving]] [[Saving#part|how]] [[Gone]]", links),
    '<p><a href="/documents/name">Saving</a> <a href="/documents/name#section-part">how</a> [[Gone]]</p>\n',
  );
  equal(
    html("[a](../saving.md#x) [b](gone.md) [c](https://x.example/saving.md)", links),
    '<p><a href="/documents/address#section-x">a</a> <a href="gone.md">b</a> <a href="https://x.example/saving.md" rel="noopener noreferrer nofollow">c</a></p>\n',
  );
  match(html("![A](images/a.png)", links), /<img src="\/i\/images\/a\.png" alt="A"/);
  match(html("![A](https://x.example/a.png)", links), /<span class="muted">\[image: A\]<\/span>/);
});

Deno.test("a link to a heading leads there, in the form that other programs know", () => {
  const text = "# What's new?\n\n## Über uns\n\n## Notes\n\n## Notes\n\n## 1.2 Non-functional\n\n";
  const lead = (fragment: string, prefix?: string) =>
    /href="([^"]*)"/.exec(
      renderDocument(`${text}[x](#${fragment})`, { links: nowhere, idPrefix: prefix }).html,
    )?.[1];
  const ids = /id="([^"]*)"/g;
  const [news, about, notes, more, last] = [
    ...renderDocument(text, { links: nowhere }).html.matchAll(ids),
  ]
    .map(([, id]) => `#${id}`);
  equal(lead("whats-new"), news);
  equal(lead("%C3%BCber-uns"), about);
  equal(lead("notes"), notes);
  equal(lead("notes-1"), more);
  equal(lead("12-non-functional"), last);
  for (const other of ["nothing", "notes-7", "-", "section-x"]) {
    equal(lead(other), `#${other}`);
  }
  equal(lead("%zz"), "#%25zz");
  equal(/href="([^"]*)"/.exec(html("# !\n\n[x](#-)"))?.[1], "#-");
  match(lead("notes", "doc-a")!, /^#doc-a-notes$/);
});

Deno.test("a link to a file that no page shows is its words and the file's name, whatever that says", () => {
  const links: Partial<DocumentLinks> = {
    document: () => null,
    file: (address) => `at/${address}`,
  };
  equal(
    html("[a **b**](../x.ts) [at/c.ts](c.ts) [d](d.md#e)", links),
    '<p><span>a <strong>b</strong></span> <code class="muted">at/../x.ts</code> ' +
      '<span>at/c.ts</span> <span>d</span> <code class="muted">at/d.md#e</code></p>\n',
  );
  const others = "[a](https://x.example) [b](/ideas) [c](#part) [d](mailto:a@x.example) []()";
  equal(html(others, links), html(others));
  equal(
    html("[a](<&quot;&gt;&lt;script&gt;>)", { ...links, file: decodeURI }),
    '<p><span>a</span> <code class="muted">&quot;&gt;&lt;script&gt;</code></p>\n',
  );
});

Deno.test("a document's page has no link into nothing", async () => {
  await using b = await planningBench({
    "planning/specs/a.md": "# A\n\n[the code](../../src/a%20b.ts) [out](../../../x) [B](b.md)\n",
  });
  await b.follow();
  const page = await (await b.pages.get(`/documents/${b.idOf("specs/a.md")}`)).text();
  match(page, /<span>the code<\/span> <code class="muted">src\/a b\.ts<\/code>/);
  match(page, /<span>out<\/span> <code class="muted">\.\.\/\.\.\/\.\.\/x<\/code>/);
  match(page, /<span>B<\/span> <code class="muted">planning\/specs\/b\.md<\/code>/);
});

Deno.test("headings have ids that differ, and make the outline", () => {
  const { headings, html } = renderDocument("# A *b*\n\n## A b\n\n## Ü\n\n###### !\n", {
    links: nowhere,
  });
  deepEqual(headings.map(({ level, text }) => [level, text]), [[1, "A b"], [2, "A b"], [2, "Ü"], [
    6,
    "!",
  ]]);
  equal(new Set(headings.map(({ id }) => id)).size, 4);
  for (const { id } of headings) ok(html.includes(`id="${id}"`) && /^[\w-]+$/.test(id), id);
});

Deno.test("a link to a heading of another document leads there however its signs are written", () => {
  const links = { document: () => "/documents/other" };
  const leads = (link: string) => /href="[^"#]*#([^"]+)"/.exec(html(link, links))?.[1];
  const { headings } = renderDocument(
    "# What's new in v1.2?\n\n# Save & load, again\n\n# Über uns\n",
    {
      links: { resolve: () => null, document: () => null, image: () => null },
    },
  );
  const [news, save, us] = headings.map(({ id }) => id);
  equal(leads("[a](other.md#whats-new-in-v12)"), news);
  equal(leads("[[Other#What's new in v1.2?]]"), news);
  equal(leads("[a](other.md#save--load-again)"), save);
  equal(leads("[a](other.md#über-uns)"), us);
});

Deno.test("a checklist's boxes know their lines in the file", () => {
  const text = "- [ ] a\n- [x] b\n  - [X] c\n\n1. [ ] d\n- [] e\n- [ ]f\n\n[ ] g\n";
  const tickable = html(text, {}, { tickable: true, linesBefore: 3 });
  deepEqual(
    [...tickable.matchAll(/value="(\d+)" role="checkbox" aria-checked="(\w+)"/g)].map((
      m,
    ) => [m[1], m[2]]),
    [
      ["3", "false"],
      ["4", "true"],
      ["5", "true"],
      ["7", "false"],
    ],
  );
  ok(!html(text).includes("<button"));
});

Deno.test("a text that is far too long is cut, and says so", () => {
  match(html("x ".repeat(DOCUMENT_SHOWN_CHARS)), /200000 more characters are not shown/);
});
