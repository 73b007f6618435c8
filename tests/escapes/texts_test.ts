/**
 * The escape suite: what a hostile model or a hostile repository would try, in runs, in both ways in which hands may
 * be confined. Each is denied, stands in the run with what became of it, and leaves the world outside as it was.
 * Here what tools are asked for and what they show; `commands_test.ts` has what commands do.
 */
import { deepStrictEqual as deepEqual, ok } from "node:assert";
import { tables, testNoWayOut } from "./tables.ts";

Deno.test("there are sixty attacks and more, each with a name of its own", () => {
  const names = Object.values(tables).flatMap((attacks) => attacks.map(({ name }) => name));
  ok(names.length >= 60, `${names.length} attacks`);
  deepEqual(names.filter((name, index) => names.indexOf(name) !== index), []);
});

testNoWayOut("paths");
testNoWayOut("files");
testNoWayOut("runaways", { fileToolWallMs: 3_000 });
testNoWayOut("inputs");
testNoWayOut("output");
