/**
 * All that the server does besides answering: jobs, and what the agents ask of it. Loaded when the first pages have
 * been answered: it is half of the code, and they don't need it.
 */
import type { RunHost } from "../agents/runtime.ts";
import { bringWaitingBack } from "../queue/due.ts";
import { advanceIdeaHandler } from "../queue/handlers/advance_idea.ts";
import { advanceTicketHandler } from "../queue/handlers/advance_ticket.ts";
import { backupHandler } from "../queue/handlers/backup.ts";
import { followPullRequestHandler } from "../queue/handlers/follow_pull_request.ts";
import { mergeTicketHandler } from "../queue/handlers/merge_ticket.ts";
import { notifyHandler } from "../queue/handlers/notify.ts";
import { notifyAlertHandler, tellAlertHandler } from "../queue/handlers/notify_alert.ts";
import { rollUpHandler } from "../queue/handlers/roll_up.ts";
import { undoMergeHandler } from "../queue/handlers/undo_merge.ts";
import { removeWorktreeHandler } from "../queue/handlers/remove_worktree.ts";
import { runAgentHandler } from "../queue/handlers/run_agent.ts";
import { queueLimits } from "../queue/limits.ts";
import { createRunner, type Runner } from "../queue/runner.ts";
import { pruneHandler, scheduleUpkeep } from "../queue/upkeep.ts";
import type { App } from "./app.ts";
import { transact } from "./db.ts";
import { Unavailable } from "./machine_fault.ts";
import { resumeAgents } from "./services/agents.ts";
import { removeAllBaseLeft } from "./services/base_leftovers.ts";
import { scheduleBackups } from "./services/backups.ts";
import { giveUpJob } from "./services/jobs.ts";
import { tidyAllMergeDirs } from "./services/merge_folder.ts";
import { mendProjects } from "./services/mend_projects.ts";
import { knownQuirks, learnQuirk, refreshModels } from "./services/models.ts";
import { pruneUsage, pruneWindows, scheduleRollUps } from "./services/roll_up.ts";
import { createRunHost } from "./services/run_host.ts";
import type { AgentsPlan } from "./start_agents.ts";
import { pruneAlerts } from "./store/alerts.ts";
import { pruneKeys } from "./store/idempotency_keys.ts";

export interface Work {
  /** What the agents ask of the server. */
  host: RunHost;
  quirks: AgentsPlan["quirks"];
  runner: Runner;
  /** Begins with the jobs; with a disk that is full at the start already, as soon as there is room. */
  begin(): void;
  /** Asks the endpoint for its models, unless that was done lately. */
  refreshModels(stop: AbortSignal): Promise<void>;
}

export function createWork(app: App): Work {
  const runner = createAppRunner(app);
  return {
    host: createRunHost(() => app),
    quirks: { known: () => knownQuirks(app), learned: (quirk) => learnQuirk(app, quirk) },
    runner,
    begin: () => begin(app, runner),
    refreshModels: (stop) => refreshModels(app, stop),
  };
}

function begin(app: App, runner: Runner): void {
  try {
    transact(app, (tx) => {
      scheduleUpkeep(tx);
      scheduleBackups(app, tx);
      scheduleRollUps(tx);
    });
    // What held the agents may be mended by this very start, with another key say.
    resumeAgents(app);
    void mendProjects(app);
    void removeAllBaseLeft(app);
    void tidyAllMergeDirs(app);
    runner.start();
  } catch (error) {
    if (!(error instanceof Unavailable) || app.db.fault === null) throw error;
    const unsubscribe = app.hub.subscribe(({ kind }) => {
      if (kind !== "storage" || app.db.fault !== null) return;
      unsubscribe();
      begin(app, runner);
    });
  }
}

/** After the clock was set back by so much: what waits for its time is not to wait for a future that was wrong. */
export const followSetBack = (app: App, byMs: number): void =>
  transact(app, (tx) => bringWaitingBack(tx, byMs));

const createAppRunner = (app: App): Runner =>
  createRunner({
    app,
    handlers: [
      advanceIdeaHandler,
      runAgentHandler,
      advanceTicketHandler,
      mergeTicketHandler,
      undoMergeHandler,
      removeWorktreeHandler,
      followPullRequestHandler,
      pruneHandler([pruneKeys, pruneUsage, pruneWindows, pruneAlerts]),
      rollUpHandler,
      notifyHandler,
      tellAlertHandler,
      notifyAlertHandler,
      backupHandler(app.clock.nowMs()),
    ],
    limits: queueLimits(app.config),
    bootId: crypto.randomUUID(),
    gaveUp: (tx, job, reason, failure) => giveUpJob(app, tx, job, reason, failure),
  });
