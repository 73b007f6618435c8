/** Ends of lines stay as a file has them, also where it has both kinds. */
import { match, strictEqual as equal } from "node:assert";
import { withEndsOf } from "../server/services/line_ends.ts";
import { planningBench } from "./planning_support.ts";

Deno.test("withEndsOf() leaves each line's end as it is in the file, and gives new ones the more usual one", () => {
  const ends = (text: string, file: string) => withEndsOf(text, file);
  equal(ends("a\r\nb\nc", "x\n"), "a\nb\nc");
  equal(ends("a\nb\n", "x\r\n"), "a\r\nb\r\n");
  equal(ends("a\nb", ""), "a\nb");
  const file = "a\r\nb\nc\r\nd\ne\r\n";
  for (const text of [file, file.replaceAll("\r", "")]) equal(ends(text, file), file);
  equal(ends("a\nb\nnew\nc\nd\ne\n", file), "a\r\nb\nnew\r\nc\r\nd\ne\r\n");
  equal(ends("new\na\nb\nd\ne\nmore\n", file), "new\r\na\r\nb\nd\ne\r\nmore\r\n");
  equal(ends("c\n", file), "c\r\n");
  equal(ends("", file), "");
  equal(ends("a\nb\n", "a\r\nb"), "a\r\nb\r\n", "its only end");
  equal(ends("a\nb\nc\nd\n", "a\nb\nc\r\nd"), "a\nb\nc\r\nd\n");
});

Deno.test("saving a form changes the lines that were changed, and no other line's end", async () => {
  const text = "# Saving\r\n\r\nOne.\nTwo.\r\n";
  await using b = await planningBench({ "planning/saving.md": text });
  await b.follow();
  const at = `/documents/${b.idOf("saving.md")}/edit`;
  const page = await (await b.pages.get(at)).text();
  const seen = /name="seen" value="([^"]*)"/.exec(page)![1]!;
  const form = { seen, crlf: "1", text: "# Saving\r\n\r\nOne.\r\nTwo, more.\r\n" };
  for (let twice = 0; twice < 2; twice++) equal((await b.pages.post(at, form)).status, 303);
  equal(await b.repo.read("planning/saving.md"), "# Saving\r\n\r\nOne.\nTwo, more.\r\n");
  equal(await b.repo.git("rev-list", "--count", "HEAD"), "2");
  match(await b.repo.git("show", "--stat", "HEAD"), /1 insertion\(\+\), 1 deletion/);
});
