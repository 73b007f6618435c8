/** Pieces of a changed text: whichever are taken, in whatever order, the text has those and nothing else. */
import { deepStrictEqual as deepEqual, ok, strictEqual as equal } from "node:assert";
import type { SuggestionHunk, TextHunk } from "../server/records.ts";
import { HUNKS_MAX, hunksOf, linesOf, putIn } from "../server/services/document_hunks.ts";
import { unfitHunks, workIn } from "../server/services/hunk_places.ts";
import { leastMs } from "./timing.ts";

/** Numbers that are the same each time. */
function numbersFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % below;
  };
}

const words = ["", "", "one", "two", "three", "# Four", "- five"];

function changed(lines: string[], pick: (below: number) => number): string[] {
  return lines.flatMap((line) => {
    switch (pick(8)) {
      case 0:
        return [];
      case 1:
        return [`${line} changed`];
      case 2:
        return [line, words[pick(words.length)]!];
      default:
        return [line];
    }
  });
}

const pending = (hunks: TextHunk[]): SuggestionHunk[] =>
  hunks.map((hunk, index) => ({
    ...hunk,
    number: index + 1,
    status: "pending",
    decidedBy: null,
    decidedAt: null,
  }));

Deno.test("pieces that are accepted one by one in any order make the text that has just these", () => {
  let pieces = 0;
  for (let seed = 1; seed <= 300; seed++) {
    const pick = numbersFrom(seed);
    const base = Array.from({ length: 1 + pick(30) }, () => words[pick(words.length)]!);
    const text = changed(base, pick).join("\n");
    const made = hunksOf(base.join("\n"), { text });
    if (made.hunks === null) continue;
    equal(putIn(base, made.hunks).join("\n"), text, `seed ${seed}`);
    const hunks = pending(made.hunks);
    const order = hunks.map(({ number }) => number).filter(() => pick(3) > 0)
      .sort(() => pick(3) - 1);
    let present = base.join("\n");
    for (const number of order) {
      deepEqual([...unfitHunks(base.join("\n"), hunks, present)], [], `seed ${seed}`);
      const worked = workIn(base.join("\n"), hunks, [number], present);
      deepEqual(
        [worked.applied, [...worked.unfit]],
        [[number], []],
        `seed ${seed}, piece ${number}`,
      );
      present = worked.text;
      hunks[number - 1]!.status = "accepted";
      pieces++;
    }
    const taken = hunks.filter(({ status }) => status === "accepted");
    equal(present, putIn(base, taken).join("\n"), `seed ${seed}`);
  }
  ok(pieces > 300, "there were pieces to try");
});

Deno.test("what others wrote at the top stays, whichever pieces are accepted beside it", () => {
  for (let seed = 1; seed <= 100; seed++) {
    const pick = numbersFrom(seed);
    const body = Array.from({ length: 2 + pick(20) }, (_, n) => `${n} ${words[pick(7)]}`);
    const base = ["# Title", "", "Kept.", "", ...body].join("\n");
    const text = ["# Title", "", "Kept.", "", ...changed(body, pick)].join("\n");
    const made = hunksOf(base, { text });
    if (made.hunks === null) continue;
    const hunks = pending(made.hunks);
    const numbers = hunks.map(({ number }) => number);
    const worked = workIn(base, hunks, numbers, `Theirs.\n${base}`);
    deepEqual([worked.text, [...worked.unfit]], [`Theirs.\n${text}`, []], `seed ${seed}`);
  }
});

Deno.test("edits of one line are one piece with both reasons, and what stays of it stays", () => {
  const base = "# Saving\n\nThree slots in one file.\nEnd.\n";
  const { hunks } = hunksOf(base, {
    edits: [
      { old: "one file", new: "a folder", reason: "It is a folder." },
      { old: "Three", new: "Five", reason: "There are five." },
    ],
  });
  deepEqual(hunks, [{
    start: 2,
    removed: ["Three slots in one file."],
    added: ["Five slots in a folder."],
    reason: "There are five. It is a folder.",
  }]);
});

Deno.test("edits over several lines, at the beginning and at the end come to their lines alone", () => {
  const base = "first\nsecond\nthird\nlast";
  const edit = (old: string, now: string) => ({ old, new: now, reason: "r" });
  const of = (old: string, now: string) =>
    hunksOf(base, { edits: [edit(old, now)] }).hunks!.map(({ start, removed, added }) => [
      start,
      removed,
      added,
    ]);
  deepEqual(of("first\n", ""), [[0, ["first"], []]]);
  deepEqual(of("first", "zeroth\nfirst"), [[0, [], ["zeroth"]]]);
  deepEqual(of("d\nthird\nl", "d\nthird\nl!"), [[3, ["last"], ["l!ast"]]]);
  deepEqual(of("last", "last\nend"), [[4, [], ["end"]]]);
  deepEqual(of("second\nthird\n", ""), [[1, ["second", "third"], []]]);
  for (const [old, now] of [["first\n", ""], ["t\nsecond", "\n\n"], ["last", "last\nend"]]) {
    const { hunks } = hunksOf(base, { edits: [edit(old!, now!)] });
    equal(putIn(linesOf(base), hunks!).join("\n"), base.replace(old!, () => now!));
  }
});

Deno.test("a text that is new everywhere comes in few pieces, and one of empty lines alone in one", () => {
  const lines = Array.from({ length: 2_000 }, (_, n) => `line ${n}`);
  const text = lines.map((line, n) => n % 2 ? line : `${line} changed`).join("\n");
  const { hunks } = hunksOf(lines.join("\n"), { text });
  ok(hunks!.length > 0 && hunks!.length <= HUNKS_MAX, `${hunks!.length} pieces`);
  equal(putIn(lines, hunks!).join("\n"), text);
  const empty = "\n".repeat(19_000);
  const made = hunksOf(`a${empty}`, { text: `b${empty}c` });
  equal(made.hunks!.length, 1);
});

Deno.test("pieces that are in the text already count as put in, whatever stands beside them", () => {
  let pieces = 0;
  for (let seed = 1; seed <= 300; seed++) {
    const pick = numbersFrom(seed);
    const base = Array.from({ length: 1 + pick(30) }, (_, n) => `${n} ${words[pick(7)]}`);
    const made = hunksOf(base.join("\n"), { text: changed(base, pick).join("\n") });
    if (made.hunks === null) continue;
    const hunks = pending(made.hunks);
    const numbers = hunks.map(({ number }) => number);
    const whole = putIn(base, hunks).join("\n");
    const worked = workIn(base.join("\n"), hunks, numbers, whole);
    deepEqual([worked.text, worked.applied], [whole, numbers], `seed ${seed}`);
    const present = `${whole}\nTheirs.`;
    const again = workIn(base.join("\n"), hunks, numbers, present);
    // At the very end their line stands beside it: said not to fit then, and never put in twice.
    deepEqual([again.text, again.unfit.size <= 1], [present, true], `seed ${seed}`);
    pieces += again.applied.length;
  }
  ok(pieces > 300, `${pieces} were told`);
});

Deno.test("a large document takes its pieces while it is as it was, and beside a change elsewhere in it", () => {
  const base = "\n".repeat(19_000) + "one\ntwo\nthree\nfour";
  const hunks = pending([
    { start: 19_000, removed: ["one"], added: ["1"], reason: "" },
    { start: 19_003, removed: ["four"], added: ["4"], reason: "" },
  ]);
  const reasons = (present: string) => [...unfitHunks(base, hunks, present)];
  deepEqual(reasons(base), []);
  deepEqual(workIn(base, hunks, [2], base).text, base.replace("four", "4"));
  deepEqual(workIn(base, hunks, [2], `Top${base}`).text, `Top${base.replace("four", "4")}`);
  deepEqual(reasons(base.replace("three", "3")), [[2, "changed"]]);
  // Everything between two changes has to be compared.
  deepEqual(reasons(`Top\n${base}\nBottom`), [[1, "too_large"], [2, "too_large"]]);
});

Deno.test("however many pieces there are, a changed document is compared once", () => {
  const lines = Array.from({ length: 6_000 }, (_, n) => n % 3 ? `line ${n}` : "");
  const hunks = pending(
    Array.from({ length: HUNKS_MAX }, (_, n) => ({
      ...{ start: n * 20 + 1, removed: [`line ${n * 20 + 1}`], added: ["now"], reason: "" },
    })).filter(({ start, removed }) => lines[start] === removed[0]),
  );
  ok(hunks.length > HUNKS_MAX / 2);
  const present = lines.map((line, n) => n % 500 === 499 ? `${line} theirs` : line);
  const text = ["Top", ...present, "Bottom"].join("\n");
  const once = leastMs(20, () => unfitHunks(lines.join("\n"), hunks.slice(0, 1), text));
  const all = leastMs(20, () => unfitHunks(lines.join("\n"), hunks, text));
  ok(all < once * 10 + 50, `${all} ms for all, ${once} ms for one`);
});

Deno.test("a text of more lines than a call takes arguments is put together", () => {
  const lines = Array.from({ length: 300_000 }, () => "");
  const hunk = { start: 299_999, removed: [""], added: lines, reason: "" };
  equal(putIn(lines, [hunk]).length, 599_999);
});
