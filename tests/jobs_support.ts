/** Jobs of an App whose work is made up: finding them, and a runner with the server's own wiring. */
import type { AnyJobHandler } from "../queue/job.ts";
import { getJob } from "../queue/queue.ts";
import { createRunner, type Runner } from "../queue/runner.ts";
import type { Job, Ticket } from "../server/records.ts";
import { giveUpJob } from "../server/services/jobs.ts";
import { approveTicket } from "../server/services/tickets.ts";
import { moveTicket } from "../server/store/tickets.ts";
import { passChecks, type TestApp } from "./support.ts";

/** The newest job of a kind, about one thing where it is named. */
export function jobOf(app: TestApp, kind: string, args: Record<string, string> = {}): Job {
  const rows = app.db.prepare("SELECT id FROM jobs WHERE kind = :kind ORDER BY id DESC")
    .all({ kind });
  const jobs = rows.map((row) => getJob(app.db, String(row.id)));
  const found = jobs.find((job) =>
    Object.entries(args).every(([name, value]) =>
      (job.args as Record<string, string>)[name] === value
    )
  );
  if (!found) throw new Error(`There is no ${kind} job`);
  return found;
}

/** A ticket whose merge was asked for. */
export async function merging(
  app: TestApp,
  { branch = "b", baseCommit = "a".repeat(40), headCommit = "b".repeat(40) } = {},
): Promise<Ticket> {
  const { id } = await app.ticket();
  passChecks(app, id, headCommit);
  app.tx((tx) => {
    moveTicket(tx, id, "in_progress", { step: "review", branch, baseCommit, headCommit });
    moveTicket(tx, id, "review", { step: null });
  });
  return approveTicket(app, id);
}

/** A runner with the server's own wiring, and a timer that the test fires. */
export function runnerOf(app: TestApp, ...handlers: AnyJobHandler[]): Runner & { fire(): void } {
  let timer: () => void = () => {};
  const runner = createRunner({
    app,
    handlers,
    limits: { queues: { agents: 1, steps: 1, merges: 1, forges: 1, upkeep: 1 }, crashes: 3 },
    bootId: "boot",
    gaveUp: (tx, job, reason, failure) => giveUpJob(app, tx, job, reason, failure),
    timers: {
      after(_ms, callback) {
        timer = callback;
        return () => {};
      },
    },
  });
  return Object.assign(runner, { fire: () => timer() });
}
