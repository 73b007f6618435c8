/** Mermaid diagrams of documents: drawn by a process that may do nothing, cleaned, and shown as pictures. */
import {
  deepStrictEqual as deepEqual,
  doesNotMatch,
  match,
  ok,
  rejects,
  strictEqual as equal,
  throws,
} from "node:assert";
import { cleanSvg } from "../agents/diagrams/clean_svg.ts";
import { drawDiagrams } from "../agents/diagrams/draw.ts";
import { DIAGRAM_CHARS } from "../agents/diagrams/protocol.ts";
import { exportDocument } from "../server/pages/exports.ts";
import { withDiagrams } from "../server/pages/diagrams.ts";
import {
  awaitDiagrams,
  diagramId,
  diagramSvg,
  keepDiagrams,
  knownDiagram,
  PAGE_CHARS,
} from "../server/services/diagrams.ts";
import { renderDocument } from "../views/document_markdown.ts";
import { never } from "./git_support.ts";
import { planningBench } from "./planning_support.ts";

const kinds = {
  flowchart: "flowchart LR\n  A[Start] --> B{Choice}\n  subgraph one\n  B -->|yes| C\n  end\n",
  sequence: "sequenceDiagram\n  Ana->>Bo: Hello\n  Bo-->>Ana: Hi\n",
  class: "classDiagram\n  Animal <|-- Duck\n  Animal : +int age\n",
  state: "stateDiagram-v2\n  [*] --> Idle\n  Idle --> [*]\n",
  er: "erDiagram\n  CUSTOMER ||--o{ ORDER : places\n",
};
const links = { resolve: () => null, document: () => null, image: () => null };
/** Ten thousand lines between two hundred things: laying it out takes minutes. */
const names = (letter: string) => Array.from({ length: 100 }, (_, i) => letter + i).join(" & ");
const endless = `graph TD\n${names("a")} --> ${names("b")}`;

Deno.test("drawDiagrams() draws the five kinds, says what it can't draw, and lets nothing hostile through", async () => {
  const hostile = [
    'graph TD\n  A["<script>alert(1)</script>"] --> B["<img src=x onerror=alert(1)>"]\n' +
    '  click A "javascript:alert(1)"\n  style A fill:url(http://evil.example/x),stroke:expression(1)\n',
    'sequenceDiagram\n  participant A as "><script>alert(1)</script>\n  A->>A: </text><script>x</script>\n',
  ];
  const others = ["pie title No", "hello", "", "x".repeat(DIAGRAM_CHARS + 1)];
  const sources = [...Object.values(kinds), ...others, ...hostile];
  const drawn = await drawDiagrams(sources, { signal: never });
  const svgs = drawn.map((one) => "svg" in one ? one.svg : "");
  deepEqual(svgs.map((svg) => svg !== ""), [
    ...[true, true, true, true, true],
    ...[false, false, false, false],
    ...[true, true],
  ]);
  match(svgs[0]!, /^<svg xmlns="[^"]*" viewBox="[^"]*" width="[\d.]+" height="[\d.]+"><style>/);
  match(svgs[0]!, />yes<[^]*>Start</);
  match(JSON.stringify(drawn[5]), /pie title No/);
  match(JSON.stringify(drawn[8]), /longer than 20000 characters/);
  for (const svg of svgs.filter(Boolean)) {
    // Words are words; what a browser acts on stands in tags, and in the one style.
    const tags = svg.replace(/(?<!<style)>[^<]*</g, "><").replaceAll(
      "http://www.w3.org/2000/svg",
      "",
    );
    doesNotMatch(tags, /<script|<img|<a\b|<foreignObject|<image|<use|\son\w+=|\sstyle=|href/);
    doesNotMatch(tags, /javascript:|evil|@import|expression|https?:/);
    equal(svg.split("<style>").length, 2);
  }
});

Deno.test("drawDiagrams() ends what takes too long, and its process with it", async () => {
  const [late] = await drawDiagrams([endless], { signal: never, timeoutMs: 100 });
  match(JSON.stringify(late), /longer than 0.1 s/);
  const gone = new AbortController();
  const drawing = drawDiagrams([endless], { signal: gone.signal });
  gone.abort(new Error("gone"));
  await rejects(drawing, /gone/);
});

Deno.test("cleanSvg() keeps shapes and words, with names of its own, and leaves out all else", () => {
  const cleaned = (inside: string) => {
    const svg = cleanSvg(`<svg width="1" onload="x()" style="a:url(b)">${inside}</svg>`);
    match(svg, /^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" width="1"><style>/);
    return svg.slice(svg.indexOf("</style>") + 8, -"</svg>".length);
  };
  equal(cleaned('<rect x="1" fill="#f00" data-x="y"/>'), '<rect x="1" fill="#f00"></rect>');
  equal(
    cleaned('<marker id="a"/><line marker-end="url(#a)"/>'),
    '<marker id="gaffer-diagram-a"></marker><line marker-end="url(#gaffer-diagram-a)"></line>',
  );
  equal(
    cleaned('<text class="mono x">a &lt;b&gt; &amp;</text>'),
    '<text class="gaffer-diagram-mono">a &lt;b&gt; &amp;</text>',
  );
  const nothing = [
    "<script>alert(1)</script>",
    "<foreignObject><p>x</p></foreignObject>",
    '<image href="http://evil.example/x.png"/>',
    '<use href="#a"/>',
    '<a href="javascript:alert(1)"><text>x</text></a>',
    "<style>@import 'http://evil.example';</style>",
    '<animate attributeName="href" to="x"/>',
    "<svg><rect/></svg>",
    "<!-- x --><![CDATA[]]>",
    '<x:script xmlns:x="http://www.w3.org/2000/svg">x</x:script>',
  ];
  for (const inside of nothing) equal(cleaned(inside), "", inside);
  const attributes = [
    ...['onclick="x()"', 'style="fill:red"', 'fill="url(http://evil.example/x)"', 'href="x"'],
    ...[
      'xlink:href="x"',
      'id="a b"',
      'x="expression(1)"',
      'transform="x"',
      'marker-end="url(//evil.example)"',
    ],
    ...[
      'class="evil"',
      'fill="var(--x,url(http://evil.example))"',
      'filter="url(#x)"',
      'orient="x"',
    ],
  ];
  for (const attribute of attributes) {
    match(cleaned(`<rect ${attribute}/>`), /^<rect(?: fill="none")?><\/rect>$/, attribute);
  }
  for (
    const svg of [
      "",
      "hello",
      "<p>x</p>",
      "<svg><rect></svg>",
      "<svg",
      '<!DOCTYPE svg [<!ENTITY x "y">]><svg>&x;</svg>',
    ]
  ) {
    throws(() => cleanSvg(svg), { code: "invalid" }, svg);
  }
  throws(() => cleanSvg(`<svg>${"<g/>".repeat(30_000)}</svg>`), {
    message: /more than 20000 parts/,
  });
});

Deno.test("a document shows its diagrams as pictures, and what can't be drawn as its text with the reason", async () => {
  const fence = (source: string) => `\`\`\`mermaid\n${source}\`\`\`\n`;
  await using b = await planningBench({
    "planning/a.md": `# A\n\n${fence(kinds.flowchart)}\n${
      fence("pie title <b>No</b>\n")
    }\n\`\`\`ts\nlet x;\n\`\`\`\n`,
  });
  await b.follow();
  equal(knownDiagram(b.app, kinds.flowchart), null);
  // A page waits for a moment only, however busy the machine is.
  await awaitDiagrams(b.app, [kinds.flowchart, "pie title <b>No</b>\n"], 60_000);
  const page = await (await b.pages.get(`/documents/${b.idOf("a.md")}`)).text();
  const src = `/planning/diagrams/${diagramId(kinds.flowchart)}`;
  match(
    page,
    new RegExp(
      `<figure class="diagram"><a href="${src}"><img src="${src}" alt="Diagram \\(flowchart\\), as text below"`,
    ),
  );
  match(
    page,
    /<summary>Diagram as text<\/summary><pre><code [^>]*class="language-mermaid">flowchart LR/,
  );
  match(
    page,
    /pie title &lt;b&gt;No&lt;\/b&gt;\n<\/code><\/pre>\n<figcaption class="muted">Not drawn: /,
  );
  const shown = await b.pages.get(src);
  const svg = await shown.text();
  match(svg, /^<svg /);
  deepEqual(
    ["content-type", "content-security-policy", "x-content-type-options"].map((name) =>
      shown.headers.get(name)
    ),
    ["image/svg+xml", "default-src 'none'; style-src 'unsafe-inline'; sandbox", "nosniff"],
  );
  equal(await diagramSvg(b.app, diagramId(kinds.flowchart)), svg);
  equal((await b.pages.get("/planning/diagrams/none")).status, 404);
  equal(
    (await b.pages.get(`/planning/diagrams/${diagramId("pie title <b>No</b>\n")}`)).status,
    404,
  );
  const { content } = await exportDocument(b.app, b.idOf("a.md"), "html", never);
  match(String(content), /<img src="data:image\/svg\+xml;base64,PHN2Zy/);
  doesNotMatch(String(content), /planning\/diagrams/);
});

Deno.test("who does not wait gets the address of a picture that comes later; each is drawn once", async () => {
  await using b = await planningBench();
  const source = kinds.state;
  await awaitDiagrams(b.app, [source, source], 0);
  equal(knownDiagram(b.app, source), null);
  const [first, second] = await Promise.all([1, 2].map(() => diagramSvg(b.app, diagramId(source))));
  equal(first, second);
  ok(knownDiagram(b.app, source) !== null);
  await awaitDiagrams(b.app, ["pie"], 60_000);
  ok(knownDiagram(b.app, "pie") !== null);
  b.app.advance(10 * 60_000);
  equal(knownDiagram(b.app, "pie"), null); // to be tried again
  ok(knownDiagram(b.app, source) !== null);
  const { html } = renderDocument("```mermaid\ngraph TD\n```\n", { links });
  match(html, /^<pre><code class="language-mermaid">/);
});

/** Drawings of a million characters each, by source. */
const large = (letter: string, count: number) =>
  new Map(Array.from({ length: count }, (_, i) => [
    `graph TD\n  ${letter}${i}\n`,
    { svg: `<svg>${" ".repeat(PAGE_CHARS / 8 - 11)}</svg>` },
  ]));

Deno.test("a page shows as many large diagrams as are kept, and says so of the others; an export has all", async () => {
  await using b = await planningBench();
  const ours = large("a", 10);
  keepDiagrams(b.app, ours);
  const shownBy = async (srcOf?: (svg: string) => string) => {
    const shown: string[] = [];
    await withDiagrams(b.app, 0, (diagram) => {
      const all = [...ours.keys(), ...ours.keys()].map(diagram);
      shown.splice(0, Infinity, ...all.map((one) => "src" in one ? "shown" : one.problem));
      return renderDocument("", { links });
    }, { srcOf });
    return shown;
  };
  const page = await shownBy();
  const fitting = [...Array(8).fill(true), false, false];
  deepEqual(page.map((one) => one === "shown"), [...fitting, ...fitting]);
  match(page[8]!, /too large together/);
  keepDiagrams(b.app, large("b", 8));
  // What the page shows was asked for later than what it does not.
  deepEqual([...ours.keys()].map((source) => knownDiagram(b.app, source) !== null), fitting);
  keepDiagrams(b.app, ours);
  deepEqual(await shownBy((svg) => svg), Array(20).fill("shown"));
});

Deno.test("a document of more drawings than a page shows says so in place of the rest, and its export has them all", async () => {
  const ours = large("c", 10);
  await using b = await planningBench({
    "planning/a.md": [...ours.keys()].map((source) => `\`\`\`mermaid\n${source}\`\`\`\n`).join(
      "\n",
    ),
  });
  await b.follow();
  keepDiagrams(b.app, ours);
  const page = await (await b.pages.get(`/documents/${b.idOf("a.md")}`)).text();
  equal(page.match(/<img src="\/planning\/diagrams\//g)!.length, 8);
  equal(page.match(/Not drawn: it and those before it are too large together/g)!.length, 2);
  keepDiagrams(b.app, ours);
  const { content } = await exportDocument(b.app, b.idOf("a.md"), "html", never);
  equal(String(content).match(/<img src="data:image\/svg\+xml/g)!.length, 10);
});

Deno.test("a drawing stays until the text that needs it is rendered, whatever else is drawn meanwhile", async () => {
  await using b = await planningBench();
  const [source] = large("a", 1).keys();
  keepDiagrams(b.app, large("a", 1));
  let last: unknown[] = [];
  await withDiagrams(b.app, 60_000, (diagram) => {
    last = [source!, "pie"].map(diagram);
    keepDiagrams(b.app, large("b", 16));
    return renderDocument("", { links });
  }, { srcOf: (svg) => svg.slice(0, 5) });
  equal(knownDiagram(b.app, source!), null);
  deepEqual(last[0], { src: "<svg>" });
  match(JSON.stringify(last[1]), /it begins with/);
});

Deno.test("who has left waits for no diagram, and has none drawn", async () => {
  await using b = await planningBench();
  const gone = AbortSignal.abort(new Error("gone"));
  await rejects(awaitDiagrams(b.app, [endless], 60_000, gone), /gone/);
  await rejects(diagramSvg(b.app, diagramId(endless)), { code: "not_found" });
});
