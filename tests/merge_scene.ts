/** A reviewed ticket over a real repository, its merge queue taken by hand; its checks end as the test says. */
import type { Outcome } from "../queue/job.ts";
import type { MergeRule, Ticket } from "../server/records.ts";
import { checkMergeRule, setMergeRule } from "../server/services/merge_rules.ts";
import { mergeTicket, removeMergedWorktree } from "../server/services/merging.ts";
import { approveTicket } from "../server/services/tickets.ts";
import { askForUndo, undoMerge } from "../server/services/undoing.ts";
import { PLAIN_RULE } from "../server/store/merge_rules.ts";
import { findUndo } from "../server/store/undos.ts";
import { never } from "./git_support.ts";
import { ReviewScene } from "./review_support.ts";

const once = { attempt: 1, maxAttempts: 8 };

export class MergeScene implements AsyncDisposable {
  /** What its commands print, exit with, and do while they run. */
  checks = { exitCode: 0, output: "ok\n", during: (_dir: string): unknown => null };
  /** Folders in which commands ran. */
  readonly checkedIn: string[] = [];

  private constructor(readonly scene: ReviewScene) {}

  /** The ticket changes a.txt and adds new.txt, in two checkpoints by one run. */
  static async make(): Promise<MergeScene> {
    const scene = await ReviewScene.make({ "a.txt": "1\n2\n3\n", "b.txt": "b\n" });
    const made = new MergeScene(scene);
    scene.app.agents.command = async ({ dir }) => {
      made.checkedIn.push(dir);
      const { exitCode, output, during } = made.checks;
      await during(dir);
      return {
        exitCode,
        output,
        outputBytes: 3,
        cwd: "",
        durationMs: 1,
        timedOut: false,
        unconfined: false,
      };
    };
    const run = scene.run(1);
    await scene.turn({ "new.txt": "new\n" }, run);
    await scene.turn({ "a.txt": "1\n2\nthree\n" }, run);
    scene.toReview({ reviewSummary: "Good" });
    return made;
  }

  get app() {
    return this.scene.app;
  }
  get repo() {
    return this.scene.repo;
  }
  get ticket(): Ticket {
    return this.scene.ticket;
  }
  /** Sets the project's rule; what is not given is as it is for a new one. */
  async rule(changes: Partial<MergeRule>): Promise<MergeRule> {
    const rule = { ...PLAIN_RULE, ...changes };
    return setMergeRule(this.app, await checkMergeRule(this.app, this.scene.project.id, rule));
  }

  get undo() {
    return findUndo(this.app.db, this.scene.id)!;
  }

  approve(message = "", options: Parameters<typeof approveTicket>[3] = {}): void {
    approveTicket(this.app, this.scene.id, message, options);
  }

  /** One attempt at the merge's job. */
  merge(): Promise<Outcome> {
    return mergeTicket(this.app, this.scene.id, once, never);
  }

  /** Approved, merged, its worktree removed; gives the merge's commit. */
  async merged(options: Parameters<typeof approveTicket>[3] = {}): Promise<string> {
    this.approve("", options);
    await this.merge();
    await removeMergedWorktree(this.app, this.scene.id, never);
    return this.ticket.mergeCommit!;
  }

  ask(why = ""): void {
    askForUndo(this.app, this.scene.id, why);
  }

  /** One attempt at the undo's job. */
  undoIt(): Promise<Outcome> {
    return undoMerge(this.app, this.scene.id, once, never);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.scene[Symbol.asyncDispose]();
  }
}
