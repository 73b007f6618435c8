/**
 * Every table of legal moves. A move that a table lacks is refused with `conflict` and changes nothing;
 * the stores put these tables into their WHERE clauses, so the check and the write are one statement.
 */

/** For each state the states it may go to. */
export type Moves<S extends string> = Readonly<Record<S, readonly S[]>>;

export const projectStatuses = ["active", "archived"] as const;
export type ProjectStatus = typeof projectStatuses[number];
export const projectMoves: Moves<ProjectStatus> = { active: ["archived"], archived: ["active"] };

export const ideaStatuses = [
  "submitted",
  "refining",
  "questions",
  "ready",
  "converted",
  "rejected",
  "stuck",
] as const;
/**
 * `submitted` waits for its first job; `refining` agents are at work; `questions` a person must answer;
 * `ready` a person must decide; `converted` it became a ticket; `stuck` refinement failed (with the reason).
 */
export type IdeaStatus = typeof ideaStatuses[number];
export const ideaMoves: Moves<IdeaStatus> = {
  submitted: ["refining", "rejected"],
  refining: ["questions", "ready", "stuck", "rejected"],
  questions: ["refining", "stuck", "rejected"],
  ready: ["refining", "converted", "rejected"],
  stuck: ["refining", "rejected"],
  converted: [],
  rejected: ["refining"],
};

export const questionStatuses = ["pending", "answered", "skipped"] as const;
export type QuestionStatus = typeof questionStatuses[number];
export const questionMoves: Moves<QuestionStatus> = {
  pending: ["answered", "skipped"],
  answered: [],
  skipped: [],
};

export const ticketStatuses = [
  "queued",
  "in_progress",
  "review",
  "done",
  "blocked",
  "cancelled",
] as const;
/**
 * `queued` starts when a slot is free; `in_progress` its pipeline runs; `review` a person decides, or the
 * merge queue works (`step` = "merge"); `blocked` needs a person (with the reason).
 */
export type TicketStatus = typeof ticketStatuses[number];
export const ticketMoves: Moves<TicketStatus> = {
  queued: ["in_progress", "blocked", "cancelled"],
  in_progress: ["review", "blocked", "cancelled"],
  review: ["in_progress", "done", "blocked", "cancelled"],
  blocked: ["queued", "in_progress", "review", "cancelled"],
  // Its merge was undone: what it was for is not there any more, and it may be queued for another attempt.
  done: ["cancelled"],
  cancelled: ["queued"],
};

export const documentTypes = ["roadmap", "spec", "architecture", "note"] as const;
export type DocumentType = typeof documentTypes[number];

export const documentStatuses = ["draft", "review", "approved", "implementing", "done"] as const;
/** What its front matter says, a person's own word: a file may be written by anyone, so no table of moves binds it. */
export type DocumentStatus = typeof documentStatuses[number];
/** In these, what a document says holds: it is told to agents, and is stale once its files change. */
export const approvedStatuses: readonly DocumentStatus[] = ["approved", "implementing", "done"];

/** What a planning agent can be asked to do with a document. */
export const planningAsks = [
  "draft",
  "review",
  "interview",
  "extend",
  "summarise",
  "update",
] as const;
export type PlanningAskKind = typeof planningAsks[number];

export const hunkStatuses = ["pending", "accepted", "rejected"] as const;
/** Of one piece of a suggested change: a person decides, once. */
export type HunkStatus = typeof hunkStatuses[number];
export const hunkMoves: Moves<HunkStatus> = {
  pending: ["accepted", "rejected"],
  accepted: [],
  rejected: [],
};

export const suggestionStatuses = ["open", "accepted", "partly", "rejected"] as const;
/** Of a suggested change as a whole: `open` while a piece is pending, then what became of them all. */
export type SuggestionStatus = typeof suggestionStatuses[number];

/** Where documents are saved: as commits on the project's base branch, or only in the person's folder. */
export const documentSaves = ["commit", "files"] as const;
export type DocumentSaves = typeof documentSaves[number];

/** What documents can be exported as; a zip holds the files of all of a project. */
export const exportFormats = ["html", "pdf", "json", "zip"] as const;
export type ExportFormat = typeof exportFormats[number];

/** Files that tell agents about a project, which a part can be assembled for. */
export const guideFiles = ["CLAUDE.md", "AGENTS.md"] as const;
export type GuideFile = typeof guideFiles[number];

/** Where a project template comes from that is not built in. */
export const templateSources = ["imported", "project"] as const;
export type TemplateSource = typeof templateSources[number];

/** How tickets start that nobody said anything else about: by themselves, or when a person starts each. */
export const startModes = ["auto", "hand"] as const;
export type StartMode = typeof startModes[number];
/** The same of one ticket; `now`: a person started it, so that neither a mode nor a time holds it up. */
export const ticketStarts = [...startModes, "now"] as const;
export type TicketStarts = typeof ticketStarts[number];

export const subtaskStatuses = ["pending", "in_progress", "done", "skipped", "blocked"] as const;
export type SubtaskStatus = typeof subtaskStatuses[number];
export const subtaskMoves: Moves<SubtaskStatus> = {
  pending: ["in_progress", "skipped"],
  in_progress: ["done", "pending", "skipped", "blocked"],
  blocked: ["in_progress", "pending", "skipped"],
  // Only with its ticket, for another attempt after the first one's merge was undone.
  done: ["pending"],
  skipped: ["pending"],
};

export const runStatuses = [
  "queued",
  "running",
  "waiting",
  "succeeded",
  "failed",
  "cancelled",
] as const;
/**
 * `waiting` holds no worker: it waits for an approval, for its next try, or for the person who paused it, which
 * may have been before it ever began.
 */
export type RunStatus = typeof runStatuses[number];
export const runMoves: Moves<RunStatus> = {
  queued: ["running", "waiting", "failed", "cancelled"],
  running: ["waiting", "succeeded", "failed", "cancelled"],
  waiting: ["running", "failed", "cancelled"],
  succeeded: [],
  failed: [],
  cancelled: [],
};

export const approvalStatuses = ["pending", "granted", "denied"] as const;
export type ApprovalStatus = typeof approvalStatuses[number];
export const approvalMoves: Moves<ApprovalStatus> = {
  pending: ["granted", "denied"],
  granted: [],
  denied: [],
};

export const jobStatuses = [
  "scheduled",
  "available",
  "executing",
  "retryable",
  "completed",
  "discarded",
  "cancelled",
] as const;
export type JobStatus = typeof jobStatuses[number];
export const jobMoves: Moves<JobStatus> = {
  scheduled: ["available", "cancelled"],
  available: ["executing", "cancelled"],
  executing: ["completed", "retryable", "scheduled", "available", "discarded", "cancelled"],
  retryable: ["available", "cancelled", "discarded"],
  completed: [],
  discarded: ["available", "cancelled"],
  cancelled: [],
};

export const worktreeStatuses = ["allocated", "ready", "removed"] as const;
/** `allocated` its row exists, git may or may not have made it; `ready` usable; `removed` gone, branch kept. */
export type WorktreeStatus = typeof worktreeStatuses[number];
export const worktreeMoves: Moves<WorktreeStatus> = {
  allocated: ["ready", "removed"],
  ready: ["removed"],
  removed: ["allocated"],
};

export const undoStatuses = ["pending", "done", "refused"] as const;
/** Of the undoing of a merge: `refused` with the reason; then the merge stands, and it can be asked for again. */
export type UndoStatus = typeof undoStatuses[number];

/** `squash` one commit with all of a ticket's work; `merge` one that has the ticket's own commits as second parent. */
export const mergeStyles = ["squash", "merge"] as const;
export type MergeStyle = typeof mergeStyles[number];

export const signKinds = ["ssh", "openpgp"] as const;
/** How commits that land are signed: by `ssh-keygen`, or by `gpg`. */
export type SignKind = typeof signKinds[number];

/** A merge that meets a conflict: the developer resolves it, once for each state of the base; or the ticket blocks. */
export const conflictWays = ["resolve", "block"] as const;
export type ConflictWay = typeof conflictWays[number];

export const forgeKinds = ["github", "gitlab", "gitea"] as const;
/** Which API a forge speaks; `gitea` is Forgejo's, too. */
export type ForgeKind = typeof forgeKinds[number];
/** As people call them. */
export const forgeNames: Record<ForgeKind, string> = {
  github: "GitHub",
  gitlab: "GitLab",
  gitea: "Gitea",
};

export const pullStatuses = ["opening", "open", "merged", "closed"] as const;
/** Of a pull request: `opening` pushed or about to be, nobody knows its number yet; `closed` without a merge. */
export type PullStatus = typeof pullStatuses[number];

export const forgeCheckStatuses = ["running", "passed", "failed", "skipped"] as const;
/** What a forge's own check says of a commit. */
export type ForgeCheckStatus = typeof forgeCheckStatuses[number];

/** The states from which `to` can be reached, for the guard in a WHERE clause. */
export function sourcesOf<S extends string>(moves: Moves<S>, to: S): S[] {
  return (Object.keys(moves) as S[]).filter((from) => moves[from].includes(to));
}

export const ticketTypes = ["feature", "bugfix", "refactor", "docs", "chore"] as const;
export type TicketType = typeof ticketTypes[number];

export const complexities = ["trivial", "small", "medium", "large"] as const;
export type Complexity = typeof complexities[number];

/** The steps of a ticket's pipeline, in order. `merge` is the merge queue. */
export const ticketSteps = [
  "prepare",
  "baseline",
  "develop",
  "build",
  "test",
  "review",
  "merge",
] as const;
export type TicketStep = typeof ticketSteps[number];

/**
 * What a person may set of the limits of what agents run: the least and the most of each. The memory is of all
 * processes of a command together, CPU time and open files of one process, the size of one file.
 */
export const handsLimitBounds = {
  memory_mb: [256, 1_048_576],
  cpu_seconds: [10, 86_400],
  processes: [32, 32_768],
  file_mb: [1, 1_048_576],
  open_files: [64, 1_048_576],
} as const;
export type HandsLimitName = keyof typeof handsLimitBounds;
export const handsLimitNames = Object.keys(handsLimitBounds) as HandsLimitName[];

/** What a limit on spending holds for, the span it begins anew with, and what it counts. */
export const limitScopes = ["all", "project", "agent"] as const;
export type LimitScope = typeof limitScopes[number];
export const limitPeriods = ["day", "month"] as const;
export type LimitPeriod = typeof limitPeriods[number];
export const limitUnits = ["micro_usd", "tokens"] as const;
export type LimitUnit = typeof limitUnits[number];

/** How often failed checks go back to the developer before the ticket blocks. */
export const CHECK_ROUNDS_MAX = 3;

export const checkStatuses = ["passed", "failed", "timed_out", "skipped"] as const;
/** `skipped`: the project has no such command; the row says so instead of hiding it. */
export type CheckStatus = typeof checkStatuses[number];

/** Priority of an idea, a ticket and its jobs. 0 runs first. */
export const priorities = [0, 1, 2, 3] as const;
export const priorityNames = ["urgent", "high", "normal", "low"] as const;
export const DEFAULT_PRIORITY = 2;

/**
 * The closed list of reasons why a run, an idea or a ticket stopped. `retriable` ones go on by themselves;
 * the others need a person, and `mend` says what that person can do.
 */
export const failureReasons = {
  rate_limited: { retriable: true, mend: "It goes on by itself when the limit allows." },
  overloaded: { retriable: true, mend: "It goes on by itself when the service has room." },
  network: { retriable: true, mend: "Check the connection; it goes on by itself." },
  server_error: { retriable: true, mend: "It goes on by itself when the service recovers." },
  stream_broken: { retriable: true, mend: "The turn is asked for again by itself." },
  stalled: {
    retriable: true,
    mend: "A silent request is sent again by itself; if the run has stopped, retry.",
  },
  worker_lost: { retriable: true, mend: "It goes on from its last event by itself." },
  budget: {
    retriable: true,
    mend: "It goes on by itself when there is room, or when the limit is raised on the page Usage.",
  },
  machine_fault: { retriable: true, mend: "It goes on by itself when the machine allows." },
  authentication: {
    retriable: false,
    mend: "Set a valid ANTHROPIC_API_KEY and start Gaffer again.",
  },
  billing: { retriable: false, mend: "Settle the account's billing, then resume the agents." },
  permission: { retriable: false, mend: "Use a key that may use this model, then resume." },
  spend_limit: { retriable: false, mend: "Raise the account's spending limit, then resume." },
  model_not_found: { retriable: false, mend: "Choose a model that this key may use." },
  invalid_request: { retriable: false, mend: "Look at the run's last event, then retry." },
  refusal: { retriable: false, mend: "Reword the ticket or the idea, then retry." },
  context_full: { retriable: false, mend: "Split the work into smaller tickets, then retry." },
  output_limit: { retriable: false, mend: "Split the work into smaller tickets, then retry." },
  max_turns: { retriable: false, mend: "Give guidance or split the work, then retry." },
  max_tokens: { retriable: false, mend: "Give guidance or split the work, then retry." },
  max_cost: { retriable: false, mend: "Give guidance or split the work, then retry." },
  timed_out: { retriable: false, mend: "Give guidance or split the work, then retry." },
  stuck: { retriable: false, mend: "Give guidance in words, then retry." },
  no_result: { retriable: false, mend: "Retry, or reword the task." },
  agent_blocked: { retriable: false, mend: "Read what the agent says, give guidance, then retry." },
  demo_limit: {
    retriable: false,
    mend:
      "Set ANTHROPIC_API_KEY and start Gaffer again: the demo model can implement only the sample's ideas.",
  },
  cancelled: { retriable: false, mend: "Retry when you want it to go on." },
  taken_over: {
    retriable: false,
    mend: "Continue with what was committed on its branch; or guide the developer, or retry.",
  },
  denied: { retriable: false, mend: "Give guidance in words, then retry." },
  unconfined: {
    retriable: false,
    mend: "See Settings: agents run only when their confinement is proven.",
  },
  commands_not_allowed: {
    retriable: false,
    mend:
      "Allow the project's commands to run without a sandbox, or install bubblewrap, then retry.",
  },
  checks_failed: { retriable: false, mend: "Read the failures, give guidance, then retry." },
  setup_failed: { retriable: false, mend: "Mend the setup command in the project, then retry." },
  setup_offline: {
    retriable: false,
    mend: "It could not reach the network, which commands in the sandbox do not have. Switch on " +
      "“Setup may use the network” in the project's settings, or name the hosts that it needs there, then retry.",
  },
  checks_misconfigured: {
    retriable: false,
    mend: "Mend it under “Checks” in the project's settings, then retry.",
  },
  no_changes: { retriable: false, mend: "Say what should change, then retry." },
  repository: { retriable: false, mend: "Mend the repository as the message says, then retry." },
  merge_conflict: {
    retriable: false,
    mend: "Resolve it on the branch, or send it back, then retry.",
  },
  merge_checks_failed: {
    retriable: false,
    mend: "Let the developer resolve it, or mend the base branch and retry the merge.",
  },
  dependency_cancelled: {
    retriable: false,
    mend:
      "Take that ticket from what this one needs, or queue it again: then this one goes on by itself.",
  },
  quarantined: {
    retriable: false,
    mend: "Gaffer went down with it again and again. Look into the server's log, then retry.",
  },
  internal: {
    retriable: false,
    mend: "Retry; if it happens again, report it with the server's log.",
  },
} as const satisfies Record<string, { retriable: boolean; mend: string }>;
export type FailureReason = keyof typeof failureReasons;

/** Reasons that only a run's loop comes to, by what its log says: the limits it keeps, what the model answered. */
export const loopReasons = [
  ...["rate_limited", "overloaded", "network", "server_error", "stream_broken"] as const,
  ...["authentication", "billing", "permission", "spend_limit"] as const,
  ...["model_not_found", "invalid_request", "refusal", "output_limit", "context_full"] as const,
  ...["max_turns", "max_tokens", "max_cost", "stuck", "no_result"] as const,
] as const satisfies readonly FailureReason[];
/** All others, whether or not a loop comes to them too: a run may end with them whatever its log says. */
export type OutsideReason = Exclude<FailureReason, typeof loopReasons[number]>;

export const isFailureReason = (text: string): text is FailureReason =>
  Object.hasOwn(failureReasons, text);

// ------------------------------------------------------------------ agents

/** Where a version of an agent's definition comes from. */
export const agentOrigins = ["built_in", "person", "repository"] as const;
export type AgentOrigin = typeof agentOrigins[number];
