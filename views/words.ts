/** The words that people read for every state, step and reason, and the tone each is shown in. */
import type {
  ApprovalStatus,
  CheckStatus,
  Complexity,
  FailureReason,
  ForgeCheckStatus,
  IdeaStatus,
  JobStatus,
  MergeStyle,
  PullStatus,
  QuestionStatus,
  RunStatus,
  SubtaskStatus,
  TicketStatus,
  TicketStep,
  TicketType,
} from "../server/states.ts";
import type { ToolTag } from "../agents/protocol.ts";
import { CHECK_ROUNDS_MAX } from "../server/states.ts";
import type { Check, ReviewFinding, Run, RunPurpose, Ticket } from "../server/records.ts";

/** Colour and shape of a state; the word always stands beside them. */
export type Tone = "done" | "waiting" | "failed" | "running" | "review" | "idle";

/** A state as it is shown. */
export interface Shown {
  word: string;
  tone: Tone;
}

/** Why something that should go on does not right now. */
export interface Delay {
  /** What happened or holds it up, without a full stop: "Rate limited". */
  why: string;
  /** When it is tried again, UTC text; null: nobody knows. */
  until: string | null;
  /** What it does then; "tries again" when absent. */
  then?: "starts";
  /** More of it, in sentences: the words of who refused, and what a person can do; empty: there is no more. */
  more: string;
}

const shown = (tone: Tone, word: string): Shown => ({ word, tone });

export const ideaWords: Record<IdeaStatus, Shown> = {
  submitted: shown("idle", "Submitted"),
  refining: shown("running", "Refining"),
  questions: shown("waiting", "Needs answers"),
  ready: shown("review", "Ready"),
  converted: shown("done", "Approved"),
  rejected: shown("idle", "Rejected"),
  stuck: shown("failed", "Stuck"),
};

export const ticketWords: Record<TicketStatus, Shown> = {
  queued: shown("idle", "Queued"),
  in_progress: shown("running", "In progress"),
  review: shown("review", "In review"),
  done: shown("done", "Done"),
  blocked: shown("failed", "Blocked"),
  cancelled: shown("idle", "Cancelled"),
};

export const subtaskWords: Record<SubtaskStatus, Shown> = {
  pending: shown("idle", "Pending"),
  in_progress: shown("running", "In progress"),
  done: shown("done", "Done"),
  skipped: shown("idle", "Skipped"),
  blocked: shown("failed", "Blocked"),
};

export const runWords: Record<RunStatus, Shown> = {
  queued: shown("idle", "Queued"),
  running: shown("running", "Running"),
  waiting: shown("waiting", "Waiting"),
  succeeded: shown("done", "Succeeded"),
  failed: shown("failed", "Failed"),
  cancelled: shown("idle", "Cancelled"),
};

/** A run that a person paused says so, as does one that waits to try again, or that reported to be blocked. */
export function shownRun(
  { status, pausedBy, result }: Pick<Run, "status" | "pausedBy" | "result">,
  delay: Delay | null = null,
): Shown {
  if (pausedBy !== null) return shown("waiting", status === "running" ? "Pausing" : "Paused");
  if (status === "running" && delay !== null) return runWords.waiting;
  if (status === "succeeded" && reportsBlocked(result)) return shown("failed", "Reported blocked");
  return runWords[status];
}

/** A developer may hand in that it could not do its task. */
export const reportsBlocked = (result: unknown): boolean =>
  (result as { status?: unknown } | null)?.status === "blocked";

export const jobWords: Record<JobStatus, Shown> = {
  scheduled: shown("idle", "Scheduled"),
  available: shown("waiting", "Waiting"),
  executing: shown("running", "Working"),
  retryable: shown("waiting", "Tried again"),
  completed: shown("done", "Completed"),
  discarded: shown("failed", "Given up"),
  cancelled: shown("idle", "Cancelled"),
};

/** By the kind of a job; one that is not here is shown by its kind. */
export const jobKindWords: Readonly<Record<string, string>> = {
  advance_idea: "Refine an idea",
  run_agent: "Run an agent",
  advance_ticket: "Take a ticket's next step",
  merge_ticket: "Merge a ticket",
  undo_merge: "Undo a merge",
  remove_worktree: "Remove a worktree",
  follow_pull_request: "Follow a pull request",
  notify: "Tell that a run waits",
  prune: "Throw away what nobody needs",
  backup: "Back up the database",
  roll_up: "Roll up what was used",
  tell_alert: "Tell of a limit",
  notify_alert: "Notify of a limit",
};

export const mergeStyleWords: Record<MergeStyle, string> = {
  squash: "One commit with all of its work",
  merge: "A merge commit, with its checkpoint commits behind it",
};

export const pullWords: Record<PullStatus, Shown> = {
  opening: shown("running", "Opening"),
  open: shown("review", "Open"),
  merged: shown("done", "Merged"),
  closed: shown("idle", "Closed"),
};

export const forgeCheckWords: Record<ForgeCheckStatus, Shown> = {
  running: shown("running", "Running"),
  passed: shown("done", "Passed"),
  failed: shown("failed", "Failed"),
  skipped: shown("idle", "Skipped"),
};

export const checkWords: Record<CheckStatus, Shown> = {
  passed: shown("done", "Passed"),
  failed: shown("failed", "Failed"),
  timed_out: shown("failed", "Timed out"),
  skipped: shown("idle", "No command"),
};

/** A check with what makes it count, or not, beside its own result. */
export function shownCheck(
  { status, flaky, knownFailures }: Pick<Check, "status" | "flaky" | "knownFailures">,
): Shown {
  if (status === "passed" && flaky.length > 0) return shown("done", "Passed, flaky");
  if (knownFailures) return shown("waiting", "Fails as before");
  return checkWords[status];
}

/** What a run may have had. */
export const tagWords: Record<ToolTag, string> = {
  private: "private data",
  untrusted: "untrusted input",
  outbound: "way out",
};

export const approvalWords: Record<ApprovalStatus, Shown> = {
  pending: shown("waiting", "Waits for you"),
  granted: shown("done", "Granted"),
  denied: shown("failed", "Denied"),
};

export const questionWords: Record<QuestionStatus, Shown> = {
  pending: shown("waiting", "Open"),
  answered: shown("done", "Answered"),
  skipped: shown("idle", "Skipped"),
};

export const severityWords: Record<ReviewFinding["severity"], Shown> = {
  blocking: shown("failed", "Blocking"),
  major: shown("waiting", "Major"),
  minor: shown("idle", "Minor"),
  note: shown("idle", "Note"),
};

export const ticketTypeWords: Record<TicketType, string> = {
  feature: "Feature",
  bugfix: "Bug fix",
  refactor: "Refactor",
  docs: "Docs",
  chore: "Chore",
};

export const complexityWords: Record<Complexity, string> = {
  trivial: "Trivial",
  small: "Small",
  medium: "Medium",
  large: "Large",
};

/** What the pipeline does in a step. */
export const stepWords: Record<TicketStep, string> = {
  prepare: "Preparing the worktree",
  baseline: "Checking the untouched base",
  develop: "Developing",
  build: "Building",
  test: "Testing",
  review: "Reviewing",
  merge: "Merging",
};

/** What happens for a ticket right now: mending belongs to the step whose check failed. */
export function doingNow(
  { step, round }: Pick<Ticket, "step" | "round">,
  purpose: RunPurpose | null,
): string {
  if (purpose === "fix") return `Mending, round ${round} of ${CHECK_ROUNDS_MAX}`;
  if (purpose === "change") return "Changing as requested";
  if (purpose === "explain") return "Explaining the failure";
  return step ? stepWords[step] : "Starting";
}

/** What a run is for. */
export const purposeWords: Record<RunPurpose, string> = {
  clarify: "Clarify",
  research: "Research",
  estimate: "Estimate",
  prioritize: "Prioritize",
  develop: "Develop",
  fix: "Fix failed checks",
  change: "Change as requested",
  review: "Review",
  explain: "Explain output",
  plan: "Plan",
  deploy: "Deploy",
};

/** A failure reason in words. */
export const failureWords: Record<FailureReason, string> = {
  rate_limited: "Rate limited",
  overloaded: "Model overloaded",
  network: "No connection to the model",
  server_error: "The model's service failed",
  stream_broken: "The answer broke off",
  stalled: "The model went silent",
  worker_lost: "The worker was lost",
  budget: "Waits for its budget",
  machine_fault: "The machine lacks something",
  authentication: "The key was refused",
  billing: "Billing problem",
  permission: "The key may not do this",
  spend_limit: "Spending limit reached",
  model_not_found: "Model not found",
  invalid_request: "The request was refused",
  refusal: "The model declined",
  context_full: "Too much context",
  output_limit: "The answer was too long",
  max_turns: "Turn limit reached",
  max_tokens: "Token limit reached",
  max_cost: "Cost limit reached",
  timed_out: "Out of time",
  stuck: "Went in circles",
  no_result: "Handed in no result",
  agent_blocked: "The agent could not go on",
  demo_limit: "Beyond the demo model",
  cancelled: "A person cancelled it",
  taken_over: "Taken over by hand",
  denied: "You denied it",
  unconfined: "Confinement not proven",
  commands_not_allowed: "Commands not allowed",
  checks_failed: "Checks failed",
  setup_failed: "Setup failed",
  setup_offline: "Setup had no network",
  checks_misconfigured: "The project's checks need mending",
  no_changes: "Nothing was changed",
  repository: "Repository problem",
  merge_conflict: "Merge conflict",
  merge_checks_failed: "Checks failed after the rebase",
  dependency_cancelled: "What it needs was cancelled",
  quarantined: "Gaffer went down with it",
  internal: "Fault in Gaffer",
};
