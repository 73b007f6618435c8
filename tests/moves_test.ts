/** Every move of every thing with a state: its store lets pass what its table has, and nothing else. */
import { strictEqual as equal, throws } from "node:assert";
import type { Tx } from "../server/db.ts";
import * as states from "../server/states.ts";
import type { Moves } from "../server/states.ts";
import { decideApproval, insertApproval } from "../server/store/approvals.ts";
import { moveIdea } from "../server/store/ideas.ts";
import { moveProject } from "../server/store/projects.ts";
import { decideQuestion, insertQuestion } from "../server/store/questions.ts";
import { listIdeaRuns, moveRun } from "../server/store/runs.ts";
import { listSubtasks, moveSubtask } from "../server/store/subtasks.ts";
import { moveTicket } from "../server/store/tickets.ts";
import { allocateWorktree, moveWorktree } from "../server/store/worktrees.ts";
import { type TestApp, testApp } from "./support.ts";

interface Thing {
  table: string;
  moves: Moves<string>;
  /** Makes one, and returns its id. */
  make(app: TestApp): string | Promise<string>;
  /** The store's own function. */
  move(tx: Tx, id: string, to: never): unknown;
}

const clarifierOf = async (app: TestApp) =>
  listIdeaRuns(app.db, (await app.idea("refining")).id).find((run) => run.purpose === "clarify")!;

const worktree = async (app: TestApp) => {
  const { id: ticketId, projectId } = await app.ticket();
  return { projectId, ticketId, path: "/worktrees/1", branch: "gaffer/1-greet" };
};

const things: Thing[] = [
  {
    table: "projects",
    moves: states.projectMoves,
    make: (app) => app.project().id,
    move: (tx, id, to) => moveProject(tx, id, to),
  },
  {
    table: "ideas",
    moves: states.ideaMoves,
    make: async (app) => (await app.idea("submitted")).id,
    move: (tx, id, to) => moveIdea(tx, id, to),
  },
  {
    table: "questions",
    moves: states.questionMoves,
    async make(app) {
      const { id: runId, ideaId } = await clarifierOf(app);
      const asked = { text: "Who?", why: "", options: [], askedBy: "clarifier", round: 1 };
      return app.tx((tx) => insertQuestion(tx, { ...asked, ideaId: ideaId!, runId })).id;
    },
    move: (tx, id, to) => decideQuestion(tx, id, to, ""),
  },
  {
    table: "tickets",
    moves: states.ticketMoves,
    make: async (app) => (await app.ticket()).id,
    move: (tx, id, to) => moveTicket(tx, id, to),
  },
  {
    table: "subtasks",
    moves: states.subtaskMoves,
    make: async (app) => listSubtasks(app.db, (await app.ticket()).id)[0]!.id,
    move: (tx, id, to) => moveSubtask(tx, id, to),
  },
  {
    table: "runs",
    moves: states.runMoves,
    make: async (app) => (await clarifierOf(app)).id,
    move: (tx, id, to) => moveRun(tx, id, to),
  },
  {
    table: "approvals",
    moves: states.approvalMoves,
    async make(app) {
      const asked = { callId: "call_1", tool: "Bash", detail: "make" };
      const { id: runId } = await clarifierOf(app);
      return app.tx((tx) => insertApproval(tx, { rule: "", diff: null, ...asked, runId })).id;
    },
    move: (tx, id, to) => decideApproval(tx, id, to, ""),
  },
  {
    table: "worktrees",
    moves: states.worktreeMoves,
    async make(app) {
      const place = await worktree(app);
      return app.tx((tx) => allocateWorktree(tx, place)).id;
    },
    move: (tx, id, to) => moveWorktree(tx, id, to),
  },
];

for (const { table, moves, make, move } of things) {
  Deno.test(`each legal move of ${table} is made, and each illegal one refused without a change`, async () => {
    using app = testApp();
    const id = await make(app);
    // What else holds of a row in some state is other tests' business.
    app.db.exec("PRAGMA ignore_check_constraints = ON; DROP TRIGGER tickets_review_needs_evidence");
    const put = (status: string) =>
      app.db.prepare(`UPDATE ${table} SET status = :status WHERE id = :id`).run({ id, status });
    const now = () =>
      app.db.prepare(`SELECT status FROM ${table} WHERE id = :id`).get({ id })!.status;
    for (const [from, targets] of Object.entries(moves)) {
      for (const to of Object.keys(moves)) {
        put(from);
        const go = () => app.tx((tx) => move(tx, id, to as never));
        if (targets.includes(to)) {
          go();
          equal(now(), to, `${from} → ${to}`);
        } else {
          throws(go, { code: "conflict" }, `${from} → ${to}`);
          equal(now(), from, `${from} → ${to} was refused`);
        }
      }
    }
  });
}

Deno.test("a worktree that was removed is allocated anew; any other is left as it is", async () => {
  using app = testApp();
  const place = await worktree(app);
  const allocate = (branch: string) => app.tx((tx) => allocateWorktree(tx, { ...place, branch }));
  const { id } = allocate("a");
  for (const to of ["ready", "removed"] as const) {
    equal(allocate("b").branch, "a");
    app.tx((tx) => moveWorktree(tx, id, to));
  }
  const again = allocate("b");
  equal(again.id, id);
  equal(again.branch, "b");
  equal(again.status, "allocated");
});
