import { deepStrictEqual as deepEqual, match, strictEqual as equal } from "node:assert";
import { deedsIn, emptyLedger, type Ledger, missingEvidence, note } from "../agents/ledger.ts";
import type { RunEventBody, ToolResult } from "../agents/protocol.ts";

let calls = 0;
const ledgerOf = (...events: RunEventBody[]): Ledger => {
  const ledger = emptyLedger();
  for (const event of events) note(ledger, event);
  return ledger;
};

function call(name: string, result: Partial<ToolResult>, input = {}): RunEventBody[] {
  const id = `call_${++calls}`;
  return [
    { type: "tool_started", turn: 1, call: { id, name, input } },
    {
      type: "tool_finished",
      turn: 1,
      result: { callId: id, content: "", isError: false, durationMs: 1, ...result },
    },
  ];
}
const edit = (path: string) => call("Edit", { changed: [path], files: { [path]: "hash" } });
const check = (name: string, exitCode: number) => call("run_checks", { exitCode }, { name });

Deno.test("the ledger knows what was read, where Bash is, and what is not committed", () => {
  const ledger = ledgerOf(
    ...call("Read", { files: { "a.ts": "1" } }),
    ...edit("b.ts"),
    ...call("Bash", { cwd: "src" }),
  );
  deepEqual(ledger.known, { "a.ts": "1", "b.ts": "hash" });
  equal(ledger.cwd, "src");
  equal(ledger.uncommitted, true);
  note(ledger, { type: "checkpoint", turn: 1, commit: "c", files: [] });
  equal(ledger.uncommitted, false);
});

Deno.test("what calls were given and what they said is kept for their turn alone, what they did for the run", () => {
  const words = "words ".repeat(100);
  const events = [
    ...call("Write", { content: words, changed: ["a.ts"] }, { file_path: "a.ts", content: words }),
    ...call("Bash", { content: words, exitCode: 0, tags: ["private"] }, { command: words }),
  ];
  const ledger = ledgerOf(...events);
  const [write, bash] = [...ledger.started.keys()] as [string, string];
  equal(ledger.results.get(write)?.content, words, "for the call that is asked for again");
  for (const event of call("Read", {})) {
    note(ledger, event.type === "tool_finished" ? { ...event, turn: 2 } : event);
  }
  equal(ledger.results.has(write), false);
  equal(JSON.stringify([...ledger.started, ...ledger.finished]).includes("words"), false);
  equal(ledger.started.get(bash)?.name, "Bash");
  deepEqual(ledger.finished.get(bash)?.tags, ["private"]);
  deepEqual(deedsIn(ledger), { changed: new Set(["a.ts"]), commandsDone: 1 });
});

Deno.test("reading changes nothing that would have to be committed", () => {
  equal(ledgerOf(...call("Read", { files: { "a.ts": "1" } })).uncommitted, false);
});

Deno.test("done needs a check that passed after the last change", () => {
  const names = ["build", "test"];
  match(missingEvidence(ledgerOf(...edit("a")), names)!, /no check has passed.*build, test/);
  match(missingEvidence(ledgerOf(...check("build", 0), ...edit("a")), names)!, /no check/);
  match(missingEvidence(ledgerOf(...edit("a"), ...check("test", 1)), names)!, /failed for: test/);
  equal(missingEvidence(ledgerOf(...edit("a"), ...check("build", 0)), names), null);
  equal(missingEvidence(ledgerOf(...check("test", 1), ...check("test", 0)), names), null);
});

Deno.test("a check that was cut off proves nothing, and what it left has to be committed", () => {
  const cutOff = call("run_checks", { interrupted: true, isError: true }, { name: "test" });
  const ledger = ledgerOf(...check("build", 0), ...check("test", 0), ...cutOff);
  match(missingEvidence(ledger, ["build", "test"])!, /failed for: test/);
  equal(ledgerOf(...cutOff).uncommitted, true);
});

Deno.test("the ledger knows who was asked, what was begun, and what was to be written", () => {
  const intent = { path: "a.ts", hash: "h", content: "Edited a.ts" };
  const ledger = ledgerOf(
    { type: "approval_requested", callId: "b", approvalId: "approval_1", detail: "make" },
    { type: "tool_executing", callId: "b" },
    { type: "tool_executing", callId: "e", intent },
    ...call("Read", {}),
  );
  deepEqual([...ledger.asked.keys()], ["b"]);
  deepEqual([...ledger.executed], [["b", null], ["e", intent]]);
  equal(ledger.turn, 1);
});

Deno.test("a failed check is not outweighed by another one that passed", () => {
  const ledger = ledgerOf(...edit("a"), ...check("build", 0), ...check("test", 1));
  match(missingEvidence(ledger, ["build", "test"])!, /failed for: test/);
});

Deno.test("after Bash nothing is proven any more: it may have changed anything", () => {
  match(missingEvidence(ledgerOf(...check("test", 0), ...call("Bash", {})), ["test"])!, /no check/);
});

Deno.test("a project without commands can give no evidence, so none is asked for", () => {
  equal(missingEvidence(ledgerOf(...edit("a")), []), null);
});

Deno.test("a refused call is no evidence", () => {
  const ledger = ledgerOf(...edit("a"), ...call("run_checks", { isError: true }, { name: "nope" }));
  match(missingEvidence(ledger, ["test"])!, /no check/);
});
