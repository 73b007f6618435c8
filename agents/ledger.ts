/** What the tools of a run must remember between calls, folded from the run's log: nothing is lost with a process. */
import type { Deeds } from "./result_rules.ts";
import type {
  ApprovalQuestion,
  FileIntent,
  RunEventBody,
  ToolCall,
  ToolResult,
} from "./protocol.ts";
import { onlyLooks } from "./tools/registry.ts";
import { WEB_CALL_ID } from "./web/web_tools.ts";

export interface Ledger {
  /** Content hashes of the files the run has read or written, by path. */
  known: Record<string, string>;
  /** Where Bash starts, relative to the place. */
  cwd: string;
  /** The turn of the newest result. */
  turn: number;
  /** Calls that have begun, of which some may wait for a person; without their input once they have ended. */
  started: Map<string, ToolCall>;
  /** Calls that a person was asked about, with what was asked. */
  asked: Map<string, ApprovalQuestion>;
  /** Calls that left a mark before they were executed, with what they were to write. */
  executed: Map<string, FileIntent | null>;
  /** The results of that turn by call id: those of others nobody asks for again, and a run has megabytes of them. */
  results: Map<string, ToolResult>;
  /** What is kept of all results, by call id. */
  finished: Map<string, Finished>;
  /** Files were changed since the last checkpoint. */
  uncommitted: boolean;
  /** All paths that can have been changed since then; null: any can, since commands ran. */
  touched: Set<string> | null;
  /** Newest result of each check since the last change of a file; true: passed. */
  checks: Map<string, boolean>;
  /** Whether a person let its requests go out with the tools of the web; null: nobody was asked, or has said so yet. */
  webGranted: boolean | null;
}

/** Of a result, what it did and not what it says. */
export type Finished = Pick<ToolResult, "callId" | "isError" | "changed" | "exitCode" | "tags">;

export const emptyLedger = (): Ledger => ({
  known: {},
  cwd: "",
  turn: 0,
  started: new Map(),
  asked: new Map(),
  executed: new Map(),
  results: new Map(),
  finished: new Map(),
  uncommitted: false,
  touched: new Set(),
  checks: new Map(),
  webGranted: null,
});

/** Takes one event into account. */
export function note(ledger: Ledger, event: RunEventBody): void {
  if (event.type === "tool_started") ledger.started.set(event.call.id, event.call);
  if (event.type === "approval_requested") ledger.asked.set(event.callId, event);
  if (event.type === "tool_executing") ledger.executed.set(event.callId, event.intent ?? null);
  if (event.type === "approval_decided" && event.callId === WEB_CALL_ID) {
    ledger.webGranted = event.granted;
  }
  if (event.type === "checkpoint") noteCommitted(ledger);
  if (event.type !== "tool_finished") return;
  const { result, turn } = event;
  if (turn !== ledger.turn) ledger.results.clear();
  ledger.turn = turn;
  ledger.results.set(result.callId, result);
  const { callId, isError, changed, exitCode, tags } = result;
  ledger.finished.set(callId, { callId, isError, changed, exitCode, tags });
  Object.assign(ledger.known, result.files);
  if (result.cwd !== undefined) ledger.cwd = result.cwd;
  const call = ledger.started.get(callId);
  if (call) ledger.started.set(callId, { ...call, input: {} });
  ledger.touched = touchedAfter(ledger.touched, call?.name, result);
  if (call?.name === "run_checks" && (result.exitCode !== undefined || result.interrupted)) {
    // One that was cut off has proven nothing, whatever it had proven before.
    ledger.checks.set(String(call.input.name), result.exitCode === 0 || result.asBefore === true);
    // A build may write files that belong to the work (a lock file, generated code).
    ledger.uncommitted = true;
  } else if (result.changed?.length || call?.name === "Bash") {
    // Bash may have changed anything, so what was proven before it is not proven any more.
    ledger.uncommitted = true;
    ledger.checks.clear();
  }
}

/** Nothing is uncommitted any more. What commands may have left running can still change any file. */
export function noteCommitted(ledger: Ledger): void {
  ledger.uncommitted = false;
  ledger.touched &&= new Set();
}

/** Files by which git goes when it says what is changed elsewhere. */
const SETS_RULES = /(^|\/)\.git[a-z]*$/;

function touchedAfter(
  touched: Set<string> | null,
  name: string | undefined,
  { changed = [], isError, interrupted }: ToolResult,
): Set<string> | null {
  if (touched === null || name === undefined) return null;
  if (onlyLooks(name)) return touched;
  const isKnown = (name === "Edit" || name === "Write") && !isError && !interrupted;
  if (!isKnown || changed.some((path) => SETS_RULES.test(path))) return null;
  return touched.union(new Set(changed));
}

/** What the run's own calls have done, for the rules of its result. */
export function deedsIn({ finished, started }: Ledger): Deeds {
  const results = [...finished.values()].filter(({ isError }) => !isError);
  return {
    changed: new Set(results.flatMap(({ changed = [] }) => changed)),
    commandsDone:
      results.filter(({ callId, exitCode }) =>
        exitCode === 0 && started.get(callId)?.name === "Bash"
      ).length,
  };
}

/** Why "done" can't be accepted yet, or null: done is evidence, not a claim. */
export function missingEvidence(ledger: Ledger, commandNames: string[]): string | null {
  if (commandNames.length === 0) return null;
  const failed = [...ledger.checks].filter(([, passed]) => !passed).map(([name]) => name);
  if (failed.length > 0) {
    return `run_checks failed for: ${failed.join(", ")}. Mend it and run it again`;
  }
  if (ledger.checks.size === 0) {
    return `no check has passed since your last change. Call run_checks with one of: ${
      commandNames.join(", ")
    }`;
  }
  return null;
}
