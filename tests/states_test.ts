import { deepStrictEqual as deepEqual, ok } from "node:assert";
import * as states from "../server/states.ts";
import { type Moves, sourcesOf } from "../server/states.ts";

const tables: [string, readonly string[], Moves<string>][] = [
  ["project", states.projectStatuses, states.projectMoves],
  ["idea", states.ideaStatuses, states.ideaMoves],
  ["question", states.questionStatuses, states.questionMoves],
  ["ticket", states.ticketStatuses, states.ticketMoves],
  ["subtask", states.subtaskStatuses, states.subtaskMoves],
  ["run", states.runStatuses, states.runMoves],
  ["approval", states.approvalStatuses, states.approvalMoves],
  ["job", states.jobStatuses, states.jobMoves],
  ["worktree", states.worktreeStatuses, states.worktreeMoves],
];

for (const [noun, statuses, moves] of tables) {
  Deno.test(`every ${noun} status has its moves, and leads only to statuses that exist`, () => {
    deepEqual(Object.keys(moves).toSorted(), [...statuses].toSorted());
    for (const [from, targets] of Object.entries(moves)) {
      for (const to of targets) {
        ok(statuses.includes(to), `${from} → ${to}`);
        ok(to !== from, `${from} leads to itself`);
      }
    }
  });

  Deno.test(`every ${noun} status but the first can be reached`, () => {
    for (const status of statuses.slice(1)) ok(sourcesOf(moves, status).length > 0, status);
  });
}

Deno.test("sourcesOf() names the statuses from which one can be reached", () => {
  deepEqual(sourcesOf(states.ideaMoves, "converted"), ["ready"]);
  deepEqual(sourcesOf(states.runMoves, "queued"), []);
});

Deno.test("every failure reason says what to do", () => {
  for (const [reason, { mend }] of Object.entries(states.failureReasons)) {
    ok(mend.endsWith("."), reason);
  }
});
