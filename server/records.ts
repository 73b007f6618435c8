/**
 * What the stores hand out and the views show: one type per noun, camelCase, times as UTC text.
 * Types only, so that every layer may import this file.
 */
import type {
  AgentOrigin,
  ApprovalStatus,
  CheckStatus,
  Complexity,
  ConflictWay,
  DocumentStatus,
  DocumentType,
  FailureReason,
  ForgeCheckStatus,
  ForgeKind,
  HandsLimitName,
  HunkStatus,
  IdeaStatus,
  JobStatus,
  LimitPeriod,
  LimitScope,
  LimitUnit,
  MergeStyle,
  PlanningAskKind,
  ProjectStatus,
  PullStatus,
  QuestionStatus,
  RunStatus,
  SignKind,
  StartMode,
  SubtaskStatus,
  SuggestionStatus,
  TicketStarts,
  TicketStatus,
  TicketStep,
  TicketType,
  UndoStatus,
  WorktreeStatus,
} from "./states.ts";
import type { McpServerConfig, RunEventBody, ToolCall, Usage } from "../agents/protocol.ts";

/** A person's own name for the commands that Gaffer runs in a project. */
export const commandNames = ["setup", "build", "test"] as const;
export type CommandName = typeof commandNames[number];

export interface ProjectCommand {
  name: CommandName;
  /** Given to `sh -c` in the worktree's root. */
  command: string;
  timeoutMs: number;
}

export interface Project {
  id: string;
  /** Unique, made from the name; names the folder under the data folder. */
  slug: string;
  name: string;
  /** Absolute real path of the person's repository. */
  path: string;
  baseBranch: string;
  status: ProjectStatus;
  commands: ProjectCommand[];
  /** A person allowed the project's own commands to run where there is no sandbox. */
  commandsAllowed: boolean;
  /** A person lets the setup command, and it alone, use the machine's network in the sandbox. */
  setupNetwork: boolean;
  /** Rules of hosts that its own commands may reach in the sandbox, setup, build and test alike; empty: none. */
  hosts: string[];
  /** Absolute paths of folders with programs that its sandboxes show. */
  toolchains: string[];
  /** Patterns of ignored files in the person's folder that its worktrees get a copy of. */
  localFiles: string[];
  /** In place of the configuration's; see `handsLimitBounds`. */
  handsLimits: Partial<Record<HandsLimitName, number>>;
  /** Who let its runs have private data, untrusted input and a way out together; null: each run asks for that. */
  tagsAllowed: { by: string; at: string } | null;
  /** The built-in sample; the demo model can implement its ideas. */
  sample: boolean;
  createdAt: string;
  updatedAt: string;
}

/** What the index knows of a planning document; the file is what holds. */
export interface PlanningDocument {
  /** Row of the index. */
  number: number;
  /** Lasts, also where the file is away for a while or gets another name. */
  id: string;
  projectId: string;
  /** From the project's `planning/`, with its ending. */
  path: string;
  title: string;
  type: DocumentType;
  status: DocumentStatus;
  /** Whoever its front matter names; empty: no one. */
  owner: string;
  /** A date, version or milestone in its front matter's own words; empty: none. */
  target: string;
  /** What is wrong with the file or its front matter; empty: nothing. */
  problem: string;
  bytes: number;
  /** Differs as soon as the file may differ. */
  stamp: string;
  /** Of its text, to tell whether somebody has changed it since. */
  version: string;
  indexedAt: string;
}

/** What a planning agent was asked to do with a document; its run does it. */
export interface PlanningAsk {
  id: string;
  projectId: string;
  /** Of the document, from the project's `planning/`. */
  path: string;
  ask: PlanningAskKind;
  /** The person's own words; may be empty. */
  words: string;
  /** Heading of the section that it is about; empty: all of it. */
  section: string;
  /** Ids of commits that it is about. */
  commits: string[];
  /** Name of the agent. */
  agent: string;
  /** The interview whose answers it works in; null: none. */
  answersOf: string | null;
  /** The document as its run began with it; null: it has not begun. */
  baseText: string | null;
  askedBy: string;
  askedAt: string;
}

/** A question that a planning agent asks about a document. */
export interface PlanningQuestion extends AskedQuestion {
  askId: string;
}

/** A change of a document that an agent suggests. */
export interface DocumentSuggestion {
  id: string;
  askId: string;
  runId: string;
  /** Why all of it, in the agent's words. */
  reason: string;
  status: SuggestionStatus;
  createdAt: string;
  decidedAt: string | null;
}

/** Lines of the text that an agent began with, and what is to stand in their place. */
export interface TextHunk {
  /** Lines before it, in the text that the run began with. */
  start: number;
  removed: string[];
  added: string[];
  /** Why this piece; empty: the suggestion's reason says it. */
  reason: string;
}

/** A piece of a suggested change that is decided on by itself. */
export interface SuggestionHunk extends TextHunk {
  /** From 1, in the order of the text. */
  number: number;
  status: HunkStatus;
  /** Null: nobody yet. */
  decidedBy: string | null;
  decidedAt: string | null;
}

/** Another document by a name or path in lower case, or an idea or ticket by its number. */
export interface DocumentLink {
  kind: "document" | "idea" | "ticket";
  target: string;
}

/** A repository's own file with settings of its project, on the base branch. */
export const PROJECT_CONFIG = ".gaffer/config.yaml";

/** A server of tools that the agents of a project may use. */
export interface McpServer extends McpServerConfig {
  id: string;
  projectId: string;
  /** Runs that begin get its tools. */
  active: boolean;
  createdAt: string;
  updatedAt: string;
}

/** One thing the researcher found. */
export interface Finding {
  /** Path in the project, without a leading slash; absent when it is about the whole. */
  path?: string;
  line?: number;
  kind: "related" | "similar" | "conflict" | "prior_art" | "note";
  text: string;
}

export interface ProposedSubtask {
  title: string;
  description: string;
  complexity: Complexity;
}

/** What refinement worked out; parts appear as the agents finish. */
export interface Plan {
  summary?: string;
  type?: TicketType;
  acceptance: string[];
  subtasks: ProposedSubtask[];
  findings: Finding[];
  complexity?: Complexity;
  /** Why this complexity. */
  complexityReason?: string;
  priorityReason?: string;
}

export interface Idea {
  id: string;
  projectId: string;
  /** Short number per project, shown as `#12`. */
  number: number;
  title: string;
  description: string;
  status: IdeaStatus;
  /** 0 urgent … 3 low. */
  priority: number;
  tags: string[];
  plan: Plan;
  /** Which refinement this is: 1 at first, one more after each "request changes". */
  round: number;
  /** What the person wrote when sending it back; empty at first. */
  feedback: string;
  /** Why it was rejected or is stuck. */
  reason: string;
  failure: FailureReason | null;
  /** The ticket it became. */
  ticketId: string | null;
  costMicroUsd: number;
  createdBy: string;
  createdAt: string;
  updatedAt: string;
}

/** What an agent asks a person, whatever about. */
export interface AskedQuestion {
  id: string;
  /** From 1 within its idea or ask. */
  number: number;
  text: string;
  /** Why it matters. */
  why: string;
  options: string[];
  status: QuestionStatus;
  answer: string;
  /** The agent that asked. */
  askedBy: string;
  createdAt: string;
  decidedAt: string | null;
}

export interface Question extends AskedQuestion {
  ideaId: string;
  round: number;
}

export interface Ticket {
  id: string;
  projectId: string;
  number: number;
  ideaId: string | null;
  type: TicketType;
  title: string;
  /** Specification, markdown. */
  description: string;
  acceptance: string[];
  status: TicketStatus;
  step: TicketStep | null;
  priority: number;
  /** Failed check rounds since a person last had a say; blocked at 3. */
  round: number;
  /** What the person wrote last (guidance or requested changes), given to the developer. */
  guidance: string;
  /** Why it is blocked, in words. */
  reason: string;
  failure: FailureReason | null;
  branch: string | null;
  /** Commit of the base branch that the work started from. */
  baseCommit: string | null;
  /** Newest checkpoint commit. */
  headCommit: string | null;
  /** The commit on the base branch, once merged; null in a ticket that is done: the base branch had all of it already. */
  mergeCommit: string | null;
  /** What the merge queue waits for; empty when it does not wait. */
  mergeWait: string;
  /** Who paused it: no further step of its pipeline begins. Null: nobody did. */
  pausedBy: string | null;
  /** Who put it where it stands in the queue, among those of its priority. Null: it stands there by its age. */
  placedBy: string | null;
  /** Among those of its priority the smallest comes first; by age 1024 for each millisecond of `createdAt`. */
  place: number;
  /** Reviewer's summary. */
  reviewSummary: string;
  costMicroUsd: number;
  createdAt: string;
  updatedAt: string;
  /** Since when it is in its state. */
  movedAt: string;
  startedAt: string | null;
  doneAt: string | null;
}

export interface Subtask {
  id: string;
  ticketId: string;
  position: number;
  title: string;
  description: string;
  complexity: Complexity;
  status: SubtaskStatus;
  /** What the developer said it did. */
  summary: string;
  startedAt: string | null;
  doneAt: string | null;
}

/** How tickets of a project are merged. */
export interface MergeRule {
  style: MergeStyle;
  onConflict: ConflictWay;
  /** With which key a person lets Gaffer sign what lands; null: with none. */
  sign: { kind: SignKind; key: string } | null;
}

/** The undoing of a ticket's merge, as a person asked for it. */
export interface Undo {
  id: string;
  ticketId: string;
  /** The commit on the base branch that is to be reverted. */
  mergeCommit: string;
  /** The person's words; may be empty. */
  why: string;
  status: UndoStatus;
  /** The commit that reverts it: planned while it is pending, then on the base branch. */
  commit: string | null;
  /** What the merge queue waits for with it; empty when it does not wait. */
  wait: string;
  /** Why it was refused. */
  reason: string;
  askedBy: string;
  askedAt: string;
  endedAt: string | null;
}

/** Which part of the work a run does. */
export type RunPurpose =
  | "clarify"
  | "research"
  | "estimate"
  | "prioritize"
  | "develop"
  | "fix"
  | "change"
  | "review"
  | "explain"
  | "plan"
  | "deploy";

export interface Run {
  id: string;
  projectId: string;
  /** Name of the agent; the definition it ran with is in its first event. */
  agent: string;
  purpose: RunPurpose;
  ideaId: string | null;
  ticketId: string | null;
  subtaskId: string | null;
  /** What it was asked to do with a document. */
  askId: string | null;
  /** The idea's or ticket's round it belongs to. */
  round: number;
  status: RunStatus;
  /** Exact model id; "gaffer-demo" for the demo model. */
  model: string;
  /** The demo model answered: shown on every page that shows the run. */
  demo: boolean;
  /** Why it waits, for a person to read; empty when it does not. */
  waitReason: string;
  /** Who paused it; while it is still running, it lets go at its next event. Null: nobody did. */
  pausedBy: string | null;
  failure: FailureReason | null;
  error: string;
  /** Validated output of submit_result. */
  result: unknown;
  turns: number;
  usage: Usage;
  costMicroUsd: number;
  maxTurns: number;
  maxCostMicroUsd: number;
  createdAt: string;
  startedAt: string | null;
  finishedAt: string | null;
  /** The run whose log, up to the end of that turn, this one's begins with. */
  forkedFrom: { runId: string; turn: number } | null;
  /** The version of the definition that it works with; null: it began before there were versions. */
  definition: { agentId: string; version: number } | null;
  /** It only shows what the agent would hand in: nothing follows from it for the idea or ticket. */
  trial: boolean;
}

/** An agent with its present definition. */
export interface Agent {
  /** Its name; one of a project has an id of its own. */
  id: string;
  name: string;
  /** Null: for every project that has none of its own by that name. */
  projectId: string | null;
  /** A disabled one starts no run. */
  active: boolean;
  /** The repository's file that it was taken from; null: it is a person's, or built in. */
  file: { path: string; hash: string } | null;
  /** False while nobody trusts `file` in that content: then it is not used. */
  trusted: boolean;
  version: number;
  origin: AgentOrigin;
  /** The definition, as a markdown file. */
  text: string;
  /** Null: it is built in and nobody has used it yet. */
  updatedAt: string | null;
}

/** One saved definition of an agent; never changes. */
export interface AgentVersion {
  agentId: string;
  version: number;
  text: string;
  origin: AgentOrigin;
  /** What the person said about it, or where it comes from. */
  note: string;
  savedBy: string;
  savedAt: string;
}

/** One appended fact about a run, numbered from 1 within it. */
export interface RunEvent {
  /** Global, growing: the id of the server-sent event. */
  seq: number;
  runId: string;
  number: number;
  at: string;
  body: RunEventBody;
}

/** What a paused run goes on from, and with what. */
export interface Outlook {
  /** Null: nothing has happened in it yet. */
  lastEvent: RunEvent | null;
  /** Calls of the last turn without a result yet. */
  openCalls: ToolCall[];
  turnsLeft: number;
  /** Null: not known before it has begun. */
  tokensLeft: number | null;
  /** What requests that broke off may have cost counts as paid. */
  costLeftMicroUsd: number;
}

/** One change of an idea, ticket, project …: the history, and the feed of pages and API. */
export interface ChangeEvent {
  seq: number;
  at: string;
  /** Who did it: "owner", or the agent's name, or "gaffer". */
  actor: string;
  type: string;
  projectId: string | null;
  ideaId: string | null;
  ticketId: string | null;
  data: Record<string, unknown>;
}

export interface Approval {
  id: string;
  runId: string;
  /** The tool call that waits. */
  callId: string;
  tool: string;
  /** The exact command, or which file. */
  detail: string;
  /** What says that a person is asked; "" in old rows. */
  rule: string;
  /** The exact change of a file; null: there is none, or it is too large to show. */
  diff: string | null;
  status: ApprovalStatus;
  reason: string;
  createdAt: string;
  decidedAt: string | null;
  decidedBy: string | null;
}

/** Which memory: an agent's, of all projects, of one, or of one idea or ticket. */
export interface MemoryRef {
  /** Such as "reviewer.global". */
  id: string;
  agent: string;
  scope: "global" | "project" | "session";
  projectId: string | null;
  ideaId: string | null;
  ticketId: string | null;
}

/** One change of one note. */
export interface MemoryChange {
  id: string;
  memory: string;
  path: string;
  /** Unified; "" when it was too large. */
  diff: string;
  /** The run that did it, and its call; null: a person. */
  runId: string | null;
  callId: string | null;
  by: string;
  at: string;
}

/** One parsed failure of a check. */
export interface CheckFailure {
  file?: string;
  line?: number;
  /** Name of the test, when it is one. */
  test?: string;
  message: string;
  /** It failed so before any agent edited. */
  before?: true;
}

/** A test that failed and then passed on the same commit. */
export interface FlakyTest {
  /** Path in the project; "" where its runner names none. */
  file: string;
  test: string;
  /** How often it was seen to. */
  times: number;
  firstAt: string;
  lastAt: string;
  /** Where it was seen last. */
  ticketId: string;
}

/** How one of a project's commands runs. */
export interface CommandRules {
  /** Null: as long as such a command has by default. */
  timeoutMs: number | null;
  /** Where it runs, relative to the worktree's root, which "" is. */
  folder: string;
  /** A value "$NAME" is that of Gaffer's own environment. */
  env: Record<string, string>;
  /** Globs of the JUnit files that it writes, from the worktree's root on. */
  reports: string[];
}

/** How a project's commands run, and what counts as evidence. */
export interface CheckRules {
  /** Steps that no ticket may do without. */
  required: CommandName[];
  /** A check that failed in tests is run once more on the same commit. */
  rerunFailed: boolean;
  /** What failed before any change has to be mended too. */
  baselineBlocks: boolean;
  /** The reviewer's blocking findings go back to the developer once before a person reads them. */
  findingsBack: boolean;
  /** Build and tests run on the untouched base before anyone works; false: only once something fails. */
  baselineFirst: boolean;
  /** The reviewer reads a ticket before a person does; false: a person alone reviews. */
  agentReviews: boolean;
  commands: Record<CommandName, CommandRules>;
}

/** Counts and failures read from a check's output; null when no parser knew it. */
export interface CheckReport {
  format: string;
  passed: number;
  failed: number;
  skipped: number;
  failures: CheckFailure[];
}

/** One real execution of a project command on one commit. */
export interface Check {
  id: string;
  ticketId: string;
  name: CommandName;
  commit: string;
  /** On the untouched base, before any agent edited. */
  baseline: boolean;
  command: string;
  status: CheckStatus;
  exitCode: number | null;
  durationMs: number;
  report: CheckReport | null;
  /** Last lines of the output. */
  tail: string;
  /** File with the full output, in the data folder; null when nothing was run. */
  outputPath: string | null;
  /** Ran without a sandbox. */
  unconfined: boolean;
  /** The failed check that this one repeats on the same commit; null: it repeats none. */
  rerunOf: string | null;
  /** Tests that failed there and not here. */
  flaky: Pick<FlakyTest, "file" | "test">[];
  /** It failed in nothing but what failed before any change, and the project lets that go on. */
  knownFailures: boolean;
  createdAt: string;
}

/** A reviewer's remark, at a line when it has one. */
export interface ReviewFinding extends Applicable {
  id: string;
  ticketId: string;
  runId: string;
  severity: "blocking" | "major" | "minor" | "note";
  path: string | null;
  line: number | null;
  message: string;
  suggestion: string;
}

/** Whether one acceptance criterion is met, by the reviewer. */
export interface CriterionVerdict {
  criterion: string;
  met: boolean;
  evidence: string;
}

/** What a suggestion beside a line would change it to, and the commit that was made of it. */
export interface Applicable {
  /** The commit that the remark was made on: its line is a line of that. Null: nobody knows. */
  commit: string | null;
  /** Its suggestion was applied by this commit. */
  appliedCommit: string | null;
}

/** A person's remark on the review page. */
export interface Comment extends Applicable {
  id: string;
  ticketId: string;
  path: string | null;
  line: number | null;
  side: "old" | "new";
  body: string;
  /** Sent to the developer; a draft until then. */
  sent: boolean;
  author: string;
  createdAt: string;
  /** It is none yet: what stands on the forge, for a person to take up. */
  remarkId?: string;
}

/** Where a project's pull requests are opened. */
export interface ForgeSettings {
  kind: ForgeKind;
  /** Without a slash at its end: "https://api.github.com". */
  apiUrl: string;
  /** `owner/name`; of GitLab the project's whole path, or its number. */
  repository: string;
  /** What branches are pushed to; holds no user and no password. */
  remoteUrl: string;
  /** `$NAME`: a variable of Gaffer's own environment has the token. */
  token: string;
  /** An approval opens a pull request, and nothing is merged here. */
  takesMerge: boolean;
}

/** A ticket's work on a forge: from a person's wish for it to its merge or its end there. */
export interface PullRequest {
  id: string;
  ticketId: string;
  kind: ForgeKind;
  repository: string;
  branch: string;
  status: PullStatus;
  /** What a person said shall be there. */
  commit: string;
  /** Known to have arrived. */
  pushed: string | null;
  /** All that may have arrived, in the order in which it was sent. */
  sent: string[];
  /** Null until it is open. */
  number: number | null;
  /** Of its page; "" until it is open, or where the forge gave no web address. */
  url: string;
  /** Commit at the branch there when it was last looked at; null: it was not since the last push. */
  head: string | null;
  mergeCommit: string | null;
  /** What is in the way and how to mend it; "" when nothing is. */
  error: string;
  /** With the error: nothing happens until a person says so. */
  stopped: boolean;
  /** Looks in a row that came to nothing. */
  failures: number;
  lookedAt: string | null;
  /** When something of it was last seen to change. */
  changedAt: string;
  askedBy: string;
  askedAt: string;
  endedAt: string | null;
  /** Who said that it is to be closed on the forge; null: nobody did. */
  closeAskedBy: string | null;
  /** Whom Gaffer last wrote into its text as having approved it; "": nobody. */
  approver: string;
  /** When its merge was first seen in the project's base branch; null: it was not yet. */
  broughtAt: string | null;
}

/** What a forge's own check says of a pushed commit. */
export interface ForgeCheck {
  /** Tells it from the others of its pull request. */
  key: string;
  name: string;
  status: ForgeCheckStatus;
  summary: string;
  /** "" where the forge names no web address. */
  url: string;
  commit: string;
}

/** What somebody said on the forge. */
export interface ForgeRemark {
  id: string;
  pullRequestId: string;
  /** The forge's own, by which it is known again. */
  forgeId: string;
  author: string;
  path: string | null;
  line: number | null;
  side: "old" | "new";
  body: string;
  verdict: "approved" | "changes_requested" | null;
  url: string;
  /** When it was said there; null: the forge does not say. */
  at: string | null;
  /** Where the branch was when Gaffer first saw it: its line is a line of that. */
  commit: string;
  /** When Gaffer first saw it. */
  seenAt: string;
  /** The comment that a person made of it here; null: of none. */
  commentId: string | null;
  /** When Gaffer saw that its verdict does not stand there any more; null: it does, or it has none. */
  withdrawnAt: string | null;
}

export interface Worktree {
  id: string;
  projectId: string;
  ticketId: string;
  /** Absolute path of the folder. */
  path: string;
  branch: string;
  status: WorktreeStatus;
  /** The setup command has run. */
  setUp: boolean;
  /** A digest of what was set for it then; "": nobody knows. Another word: it has begun since, or did not end well. */
  setUpAs: string;
  createdAt: string;
}

export interface Job {
  id: string;
  kind: string;
  args: Record<string, unknown>;
  queue: string;
  status: JobStatus;
  priority: number;
  attempt: number;
  maxAttempts: number;
  uniqueKey: string | null;
  /** Jobs of one key never execute at the same time. */
  concurrencyKey: string | null;
  projectId: string | null;
  scheduledAt: string;
  /** When its newest attempt began. */
  startedAt: string | null;
  leaseToken: string | null;
  leaseExpiresAt: string | null;
  /** Boot id of the process that executes it. */
  leasedBy: string | null;
  /** How often the process died while it executed, since it last ended an attempt or got on. */
  crashes: number;
  /** What became of its newest attempts, the last one last. */
  errors: JobNote[];
  createdAt: string;
  finishedAt: string | null;
}

/** Why an attempt at a job did not end it. */
export interface JobNote {
  attempt: number;
  at: string;
  message: string;
  /** Null: it did not fail, it was put off. */
  failure: FailureReason | null;
}

/** One file of a diff. */
export interface DiffFile {
  /** Path now; the old one when deleted. */
  path: string;
  oldPath: string | null;
  kind: "added" | "modified" | "deleted" | "renamed" | "mode";
  binary: boolean;
  additions: number;
  deletions: number;
  hunks: DiffHunk[];
  /** Object ids of its content before and now, where the diff names them. */
  oldBlob?: string;
  newBlob?: string;
  /** What the repository's `.gitattributes` says about it; undefined: nothing. */
  generated?: boolean;
  /** As git writes them ("100644"), when the mode changed. */
  oldMode?: string;
  newMode?: string;
}
export interface DiffHunk {
  header: string;
  lines: DiffLine[];
}
export interface DiffLine {
  kind: "context" | "added" | "removed";
  oldLine: number | null;
  newLine: number | null;
  text: string;
  /** The file's last line has no line end. */
  noNewline?: true;
}

/** A cap on what may be used in each window of a scope; it is never passed. */
export interface Limit {
  id: string;
  scope: LimitScope;
  /** A project's id or an agent's name; empty: all. */
  scopeId: string;
  period: LimitPeriod;
  unit: LimitUnit;
  /** Whole micro-USD, or tokens of every kind. */
  amount: number;
  updatedBy: string;
  updatedAt: string;
}

/** A limit with what is used of it, in its unit. */
export interface LimitState extends Limit {
  /** The window: 2026-11-27, or 2026-11; UTC. */
  start: string;
  spent: number;
  /** What requests without a known end may have used beyond what was told: it stays counted until the window ends. */
  doubt: number;
  /** The most that requests on their way can use. */
  reserved: number;
}

/** So many percent of a limit were used in one of its windows. */
export interface Alert {
  id: string;
  limitId: string;
  start: string;
  /** Percent. */
  threshold: number;
  /** What was used of `amount` then, in the limit's unit. */
  used: number;
  /** Of that, what was in doubt; null: it was not noted, as in earlier versions. */
  doubt: number | null;
  /** Beside it, what requests on their way could use; null as before. */
  reserved: number | null;
  amount: number;
  at: string;
  seenAt: string | null;
  seenBy: string | null;
}

/** What a person said about when a ticket starts. */
export interface TicketStart {
  /** Null: as its project's rule says. */
  starts: TicketStarts | null;
  /** UTC text; null: at any time. */
  notBefore: string | null;
  /** The ticket that it was a part of, by its id. */
  splitFrom: string | null;
}

/** When tickets of a project, or all, start. */
export interface StartRule {
  starts: StartMode;
  /** Tickets in progress at the same time; 0: any number. */
  atOnce: number;
  /** The hours in which tickets start; null: at any time. */
  hours: StartHours | null;
}

export interface StartHours {
  /** A cron expression of five parts: when they begin. */
  opens: string;
  /** How long they last each time. */
  openMinutes: number;
  /** IANA name, as "Europe/Berlin". */
  timeZone: string;
}

/** What would come of a reviewed ticket's merge if it began now. */
export interface MergeLook {
  baseBranch: string;
  /** Commits of the base branch that the work does not have. */
  newer: number;
  /** Files in which the two conflict; null: nobody can tell yet. */
  conflicts: string[] | null;
  /** What runs on the result where the base has moved. */
  checks: ProjectCommand[];
  /** The person's own commits there are signed, and what lands will not be. */
  unsigned: boolean;
}
