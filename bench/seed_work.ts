/** A database with tickets that wait to be developed, so that no refinement is in what is measured. */
import { timeText } from "../server/clock.ts";
import { migrate, openDb, transact, type Transactor, type Tx } from "../server/db.ts";
import { createHub } from "../server/hub.ts";
import { insertProject } from "../server/store/projects.ts";
import { insertSubtasks } from "../server/store/subtasks.ts";
import { insertTicket, moveTicket } from "../server/store/tickets.ts";
import { submit } from "../tests/journey_support.ts";

const CRITERION = "It greets";

/** What the reviewer of such a ticket hands in; without a verdict on each criterion it would be sent back. */
export const goodReview = submit({
  summary: "Good",
  findings: [],
  criteria: [{ criterion: CRITERION, met: true, evidence: "greet.sh:2" }],
});

/** Writes `count` cancelled tickets of two subtasks each, to be retried; gives their ids. */
export function seedWork(path: string, repository: string, count: number): string[] {
  const db = openDb(path);
  const app: Transactor = {
    db,
    clock: { nowMs: Date.now },
    hub: createHub((error) => {
      throw error;
    }),
    actor: "owner",
  };
  migrate(db, timeText(Date.now()));
  const ids = transact(app, (tx) => {
    const { id: projectId } = insertProject(tx, {
      slug: "greet",
      name: "Greet",
      path: repository,
      baseBranch: "main",
      commands: [],
      commandsAllowed: true,
      setupNetwork: false,
      sample: false,
    });
    return Array.from({ length: count }, () => seedTicket(tx, projectId));
  });
  db.close();
  return ids;
}

function seedTicket(tx: Tx, projectId: string): string {
  const { id } = insertTicket(tx, {
    projectId,
    ideaId: null,
    type: "bugfix", // whose developer has Bash
    title: "Greet the world",
    description: "It should greet everyone.",
    acceptance: [CRITERION],
    priority: 2,
  });
  const subtask = { description: "In greet.sh", complexity: "trivial" as const };
  insertSubtasks(tx, id, [
    { title: "Greet the world", ...subtask },
    { title: "Greet better", ...subtask },
  ]);
  moveTicket(tx, id, "cancelled");
  return id;
}
