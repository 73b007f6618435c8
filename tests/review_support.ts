/** A ticket in review with a real repository and worktree behind it, without the agents that would make it. */
import { join } from "node:path";
import { checkpoint } from "../agents/git/checkpoints.ts";
import { createWorktree } from "../agents/git/worktrees.ts";
import type { Comment, Project, ReviewFinding, Run, Ticket } from "../server/records.ts";
import { addComment, createTicket } from "../server/services/tickets.ts";
import { listComments, listFindings, replaceFindings } from "../server/store/reviews.ts";
import { appendRunEvent } from "../server/store/run_log.ts";
import { getRun, insertRun, moveRun } from "../server/store/runs.ts";
import { listSubtasks } from "../server/store/subtasks.ts";
import {
  getTicket,
  moveTicket,
  type TicketChanges,
  updateTicket,
} from "../server/store/tickets.ts";
import { allocateWorktree, moveWorktree } from "../server/store/worktrees.ts";
import { never, TestRepo } from "./git_support.ts";
import { type PagesBench, pagesBench } from "./pages_support.ts";
import { passChecks, type TestApp, testApp } from "./support.ts";

/** Lines "name 1" to "name <count>", each with its end. */
export const numbered = (name: string, count: number): string =>
  Array.from({ length: count }, (_, i) => `${name} ${i + 1}\n`).join("");

export class ReviewScene implements AsyncDisposable {
  private constructor(
    readonly app: TestApp,
    readonly repo: TestRepo,
    readonly pages: PagesBench,
    readonly project: Project,
    readonly id: string,
    readonly worktree: string,
    readonly branch: string,
  ) {}

  /** The base has `files`; the ticket's worktree is there, and nothing is changed in it. */
  static async make(files: Record<string, string>): Promise<ReviewScene> {
    const repo = await TestRepo.make(files);
    const app = testApp({ config: { dataDir: repo.beside("data") } });
    const project = app.project({ path: repo.dir });
    const ticket = createTicket(app, {
      projectId: project.id,
      title: "Greet",
      description: "",
      type: "feature",
      acceptance: [],
      subtasks: [
        { title: "Say it", description: "", complexity: "small" },
        { title: "Test it", description: "", complexity: "small" },
      ],
    });
    const base = await repo.git("rev-parse", "HEAD");
    const spec = { path: repo.beside("work"), branch: "gaffer/1-greet", base };
    const made = await createWorktree({ repo: repo.dir, ...spec, signal: never });
    app.tx((tx) => {
      const row = allocateWorktree(tx, {
        projectId: project.id,
        ticketId: ticket.id,
        path: made.path,
        branch: made.branch,
      });
      moveWorktree(tx, row.id, "ready");
      moveTicket(tx, ticket.id, "in_progress", { step: "develop" });
      updateTicket(tx, ticket.id, { branch: made.branch, baseCommit: base, headCommit: base });
    });
    return new ReviewScene(
      app,
      repo,
      pagesBench(app),
      project,
      ticket.id,
      made.path,
      made.branch,
    );
  }

  get ticket(): Ticket {
    return getTicket(this.app.db, this.id);
  }

  get href(): string {
    return `/tickets/${this.id}/review`;
  }

  /** A run on one of the subtasks, by position; it is over, so that there can be another. */
  run(position: number): Run {
    const subtask = listSubtasks(this.app.db, this.id)[position - 1]!;
    return this.app.tx((tx) => {
      const run = insertRun(tx, {
        projectId: this.project.id,
        ticketId: this.id,
        subtaskId: subtask.id,
        purpose: "develop",
        agent: "feature-dev",
        round: 1,
        model: "claude-haiku-4-5",
        demo: false,
        maxTurns: 9,
        maxCostMicroUsd: 1,
      });
      moveRun(tx, run.id, "running");
      moveRun(tx, run.id, "succeeded", { result: {} });
      return getRun(tx.db, run.id);
    });
  }

  /** What a turn leaves: files written (null: removed), committed and recorded. Gives the commit. */
  async turn(files: Record<string, string | null>, run?: Run): Promise<string> {
    for (const [path, text] of Object.entries(files)) {
      if (text === null) await Deno.remove(join(this.worktree, path));
      else await this.repo.write(path, text, this.worktree);
    }
    const made = await checkpoint({
      repo: this.repo.dir,
      worktree: this.worktree,
      branch: this.branch,
      message: "A turn",
      signal: never,
    });
    this.app.tx((tx) => {
      if (run) appendRunEvent(tx, run, { type: "checkpoint", turn: 1, ...made! });
      updateTicket(tx, this.id, { headCommit: made!.commit });
    });
    return made!.commit;
  }

  /** Its build and tests have passed, and the reviewer is done. */
  toReview(changes: TicketChanges = {}): void {
    passChecks(this.app, this.id, this.ticket.headCommit!);
    this.app.tx((tx) => moveTicket(tx, this.id, "review", { step: null, ...changes }));
  }

  /** To the developer and back, with these files changed. */
  async round(files: Record<string, string | null>, run?: Run): Promise<string> {
    this.app.tx((tx) => moveTicket(tx, this.id, "in_progress", { step: "develop" }));
    const commit = await this.turn(files, run);
    this.toReview();
    return commit;
  }

  comment(path: string, line: number, body: string, side: "old" | "new" = "new"): Comment {
    return addComment(this.app, { ticketId: this.id, path, line, side, body });
  }

  finding(path: string, line: number, suggestion: string): ReviewFinding {
    const run = this.run(1);
    this.app.tx((tx) =>
      replaceFindings(tx, this.id, [
        { runId: run.id, severity: "minor", path, line, message: "Mind this", suggestion },
      ])
    );
    return listFindings(this.app.db, this.id)[0]!;
  }

  comments = (): Comment[] => listComments(this.app.db, this.id);

  /** The page's HTML; `query` begins with "?". */
  async page(query = "", headers: Record<string, string> = {}): Promise<string> {
    return await (await this.pages.get(this.href + query, headers)).text();
  }

  async [Symbol.asyncDispose]() {
    this.app[Symbol.dispose]();
    await this.repo[Symbol.asyncDispose]();
  }
}

export const suggestion = (text: string, reach = ""): string =>
  `Better so:\n\n\`\`\`suggestion${reach}\n${text}\`\`\`\n`;
