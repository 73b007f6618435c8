/** A check that an agent runs where its project failed before: what the agent is told, and what it proves. */
import { deepStrictEqual as deepEqual, match, strictEqual as equal } from "node:assert";
import { checkAnswer } from "../agents/check_answer.ts";
import type { RunCommand } from "../agents/runtime.ts";
import { emptyLedger, missingEvidence, note } from "../agents/ledger.ts";
import { parseReport } from "../agents/reports/mod.ts";
import { tap } from "./evidence_support.ts";
import { tempDir } from "./gaffer.ts";

const command = { name: "test", command: "sh test.sh", timeoutMs: 60_000 };
const base = parseReport(tap("adds", "!old"), { exitCode: 1 })!;

const answer = (
  output: string,
  { root = "/nowhere", ...more }: Partial<RunCommand> & { root?: string } = {},
) =>
  checkAnswer({ ...command, base, ...more }, {
    exitCode: 1,
    timedOut: false,
    durationMs: 1,
    output,
    outputBytes: output.length,
    cwd: "",
    unconfined: false,
  }, { root, reportsBefore: new Map() });

/** What a run still lacks after this one call. */
function lacking(result: Awaited<ReturnType<typeof answer>>): string | null {
  const ledger = emptyLedger();
  const call = { id: "1", name: "run_checks", input: { name: "test" } };
  note(ledger, { type: "tool_started", turn: 1, call });
  note(ledger, {
    type: "tool_finished",
    turn: 1,
    result: { ...result, callId: "1", durationMs: 1 },
  });
  return missingEvidence(ledger, ["test"]);
}

Deno.test("a check that fails as before lets an agent hand in its work, and says that the rest is not its own", async () => {
  const before = await answer(tap("adds", "!old", "new"));
  deepEqual([before.isError, before.exitCode, before.asBefore], [false, 1, true]);
  match(before.content, /^test failed \(exit code 1\): 2 passed, 1 failed/);
  match(before.content, /Nothing fails but what failed before any change/);
  equal(lacking(before), null);
  const worse = await answer(tap("!adds", "!old", "new"));
  deepEqual([worse.isError, worse.asBefore], [true, undefined]);
  match(worse.content, /1 of them failed before any change, too/);
  match(lacking(worse)!, /run_checks failed for: test/);
});

Deno.test("without a baseline that may stay, every failure is the agent's to mend", async () => {
  const { isError, asBefore } = await answer(tap("adds", "!old"), { base: undefined });
  deepEqual([isError, asBefore], [true, undefined]);
});

Deno.test("report files that the check wrote are told to the agent as they are to its review", async () => {
  await using temp = await tempDir();
  const root = await Deno.realPath(temp.path);
  const xml = '<testsuite><testcase name="a"><failure message="no"/></testcase></testsuite>';
  await Deno.writeTextFile(`${root}/junit.xml`, xml);
  const { content } = await answer("done\n", { root, reports: ["junit.xml"] });
  match(content, /: 0 passed, 1 failed, 0 skipped/);
});
