/** What a check prints, kept as a file. */
import { match, ok, strictEqual as equal } from "node:assert";
import { join } from "node:path";
import { CheckOutput } from "../server/services/check_outputs.ts";
import { tempDir } from "./gaffer.ts";

async function kept(texts: string[], maxBytes: number): Promise<string> {
  await using dir = await tempDir();
  const path = join(dir.path, "test.log");
  {
    using output = new CheckOutput(path, maxBytes);
    for (const text of texts) output.write(text);
    output.end();
  }
  return await Deno.readTextFile(path);
}

Deno.test("what a check prints is kept whole while it has room", async () => {
  const texts = ["one\n", "two\n", "ü".repeat(50_000)];
  equal(await kept(texts, 400_000), texts.join(""));
  const full = ["a".repeat(200_000), "b".repeat(200_000)];
  equal(await kept(full, 400_000), full.join(""), "just full");
});

Deno.test("of what is too long the beginning and the end are kept, and the file says what is left out", async () => {
  const lines = Array.from({ length: 100_000 }, (_, n) => `line ${n}\n`);
  for (const texts of [lines, [lines.join("")]]) {
    const text = await kept(texts, 400_000);
    ok(text.startsWith("line 0\nline 1\n"));
    ok(text.endsWith("\nline 99998\nline 99999\n"));
    match(text, /\n\[Gaffer left out \d+ bytes here: of one check's output it keeps 20 MB/);
    ok(text.length <= 401_000, `${text.length}`);
    const left = Number(/left out (\d+) bytes/.exec(text)![1]);
    const note = /\n\[Gaffer left out.*\]\n/.exec(text)![0].length;
    equal(text.length - note + left, lines.join("").length, "every byte is kept or counted");
  }
});
