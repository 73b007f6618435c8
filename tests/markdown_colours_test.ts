/** Which parts of a document's text are coloured while it is written. */
import { deepStrictEqual as deepEqual, ok, strictEqual as equal } from "node:assert";
import { leastMs } from "./timing.ts";

const path = new URL("../static/markdown_colours.js", import.meta.url).href;
const { partsOf } = await import(path) as {
  partsOf: (text: string) => Record<string, [number, number][]>;
};

const wordsOf = (text: string, name: string): string[] =>
  partsOf(text)[name]!.map(([begin, end]) => text.slice(begin, end));

Deno.test("partsOf() finds what Markdown means, and nothing inside of code", () => {
  const text =
    "---\nstatus: draft\n---\n# A *title* [[x]]\n\n- [ ] see [[Map]] and #idea-3, **soon**\n" +
    "> 1. no number, _so_ it is\n12. [a](b.md) ![c](d.png)\n`#idea-1 **no**`\n```ts\n# no [[no]]\n````\n" +
    "<<<<<<< yours\n=======\n>>>>>>> the file's\nsnake_case_word 2 * 3 * 4 #idea-x\n";
  deepEqual(wordsOf(text, "front"), ["---\nstatus: draft\n---"]);
  deepEqual(wordsOf(text, "heading"), ["# A *title* [[x]]"]);
  deepEqual(wordsOf(text, "link"), ["[[Map]]", "#idea-3", "[a](b.md)", "![c](d.png)"]);
  deepEqual(wordsOf(text, "strong"), ["**soon**", "_so_"]);
  deepEqual(wordsOf(text, "mark"), ["- [ ]", "> ", "12. "]);
  deepEqual(wordsOf(text, "code"), ["```ts", "# no [[no]]", "````", "`#idea-1 **no**`"]);
  deepEqual(wordsOf(text, "clash"), ["<<<<<<< yours", "=======", ">>>>>>> the file's"]);
});

Deno.test("partsOf() takes a fence that nobody ended for code to the end, and an empty text for nothing", () => {
  deepEqual(wordsOf("a\n~~~\n# b\n", "code"), ["~~~", "# b"]);
  deepEqual(Object.values(partsOf("")).flat(), []);
});

Deno.test("partsOf() is quick with texts that are made to be slow", () => {
  for (
    const one of [
      "[",
      "[[",
      "`",
      "*a",
      "**",
      "_",
      "> ",
      "- ",
      "#",
      "[](",
      "---\n",
      "http://",
      "~~~\n",
    ]
  ) {
    const text = one.repeat(60_000 / one.length);
    const tookMs = leastMs(100, () => partsOf(text));
    ok(tookMs < 400, `${one} took ${tookMs} ms`);
  }
  equal(partsOf("# x".repeat(3)).heading!.length, 1);
});
