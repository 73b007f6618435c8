/** Starts and stops the agents' parts and gives each run its place; what the rest of the server knows of agents. */
import type { Brains } from "./brains.ts";
import { Deadline } from "./deadline.ts";
import { Executor } from "./executor.ts";
import type { Gate } from "./gates/gate.ts";
import type { RangeQuestion } from "./git/range_diff.ts";
import type { Hands } from "./hands_client.ts";
import { removeKeptOutputs } from "./kept_outputs.ts";
import { isExcused } from "./loop/loop_state.ts";
import type { McpServers } from "./mcp/servers.ts";
import { orAborted } from "./or_aborted.ts";
import type { Redactor } from "./permissions/redact.ts";
import type {
  ApprovalQuestion,
  CommandResult,
  CommandSpec,
  FileIntent,
  McpServerConfig,
  MemoryScope,
  NoteEvent,
  PathPolicy,
  Permissions,
  Place,
  RunEventBody,
  RunOutcome,
  RunSpec,
  ToolCall,
} from "./protocol.ts";
import type { MemoryCommand, Notes } from "./memory/notes.ts";
import type { AskedQuestions } from "./results.ts";
import { StallWatch, type StallWatchOptions } from "./stall.ts";
import { messageOf } from "../server/errors.ts";
import type { CheckReport } from "../server/records.ts";
import type { Log } from "../server/log.ts";
import { Unavailable } from "../server/machine_fault.ts";
import { systemTimers } from "../server/timers.ts";
import { onlyLooks } from "./tools/registry.ts";

/** One of the project's own commands, as its settings say. */
export interface RunCommand {
  name: string;
  command: string;
  timeoutMs: number;
  /** Relative to the place; absent: its root. */
  cwd?: string;
  env?: Record<string, string>;
  /** Values that are taken out of what it prints, by their names. */
  secrets?: Record<string, string>;
  /** Globs of the JUnit files that it writes. */
  reports?: string[];
  /** What it said before any change; absent: what failed then is no excuse. */
  base?: CheckReport;
}

/** How commands and tools are confined on this machine. */
export interface Confinement {
  /** `bubblewrap`: an OS sandbox; `process`: a process of its own that gave up its rights. */
  kind: "bubblewrap" | "process";
  /** What a person can do to get more, or empty. */
  hint: string;
}

export interface AgentsStatus {
  model: { kind: "demo" } | { kind: "endpoint"; baseUrl: string };
  confinement: Confinement;
  /** Set when the canary has found a hole: no agent runs, and this says why. */
  refused: string | null;
  /** Runs whose loop works right now. */
  active: number;
}

/** What a run works with; made by the host from the database and the repository. */
export interface RunContext {
  spec: RunSpec;
  /** What is on disk of the run, `started` first. */
  log: RunEventBody[];
  /** Time the loop has worked before, for its time limit. */
  workedMs: number;
  place: Place;
  permissions: Permissions;
  /** Closed with the run. */
  servers: McpServers;
  /** The project's checks, for run_checks. */
  commands: RunCommand[];
  /** A person allowed the project's own commands to run without a sandbox. */
  unconfinedAllowed: boolean;
  /** Whether a person lets the project's runs have all tags together, as it is right now; absent: nobody does. */
  tagsAllowed?: () => boolean;
  /** Where what its commands print is kept while they are at work; made when there is something to keep. */
  outputDir: string;
  /** Where the whole of long outputs is kept until the run is over; absent: nowhere. */
  keptDir?: string;
}

/** A run's memory, as its tool sees it. All of it throws `ToolError` for what may not be. */
export interface RunMemory {
  read(): Notes;
  /** What a command will do; the same as long as the notes are. */
  plan(command: MemoryCommand): FileIntent;
  /** Does it once, whichever life of the run it is; gives the diff for people. */
  carryOut(callId: string, command: MemoryCommand, intent: FileIntent): Promise<string>;
}

/** The runs as the agents see them: the rest of the server implements this. */
export interface RunHost {
  /** Throws AppError when the run's place can't be made. */
  prepare(runId: string, signal: AbortSignal): Promise<Omit<RunContext, "log">>;
  /** What is on disk of a prepared run, `started` first. */
  log(runId: string): RunEventBody[];
  /** False: a person paused it, so that it begins neither a request nor a tool call. */
  mayGoOn(runId: string): boolean;
  /**
   * Resolves when the event is on disk, in the order in which they are given. Rejects when the run has ended,
   * nothing may follow its end; with `Paused` when a request would begin although a person paused the run, and
   * with `OverBudget` when there is no room for what it may cost. `mayWait`: for a moment, for what is written next.
   * `failed` is called as soon as it has.
   */
  append(
    runId: string,
    event: RunEventBody,
    options?: { mayWait: boolean; failed?: () => void },
  ): void | Promise<void>;
  /** Has what may wait written now; absent: nothing does. */
  hurry?(): void;
  worked(runId: string, ms: number): void;
  delta(runId: string, turn: number, part: "text" | "thinking" | "tool", text: string): void;
  questions(runId: string, input: AskedQuestions): void;
  /** Why what a run hands in can't be taken, with how to mend it; null: it can. Absent: all of it can. */
  judge?(runId: string, result: unknown): string | null;
  /** The approval of a call, asked for when it is new. */
  approval(
    runId: string,
    call: ToolCall,
    question: ApprovalQuestion,
  ): { status: "pending" | "granted" | "denied"; reason: string };
  /** The run's memory; null: it has none. */
  memory(runId: string, scope: MemoryScope): RunMemory | null;
  /** What GitDiff answers. Throws `ToolError` for what the run may not see. */
  diff(
    runId: string,
    question: RangeQuestion,
    options: { dir: string; paths: PathPolicy; signal: AbortSignal },
  ): Promise<string>;
  /**
   * Commits what the turn changed; null when nothing did. `paths`: all that can have been changed since the last
   * time, relative to the worktree; by default any.
   */
  checkpoint(
    runId: string,
    turn: number,
    paths?: string[],
  ): Promise<{ commit: string; files: string[] } | null>;
}

/** The agents as services and handlers see them. */
export interface Agents {
  status(): AgentsStatus;
  /** Runs or continues the run's loop from its log until it ends, waits or is stopped. */
  run(runId: string, signal: AbortSignal): Promise<RunOutcome>;
  /** Stops a run's loop and what its tools started, within a second. No-op when it is not active. */
  stopRun(runId: string): Promise<void>;
  /**
   * Lets a run that may not go on (`RunHost.mayGoOn`) end as stopped at its next event: a request on its way is
   * finished, since it is paid, and so are tool calls, unless they are to be killed. No-op when it is not active.
   */
  pauseRun(runId: string, options: { killTools: boolean }): void;
  /** The same for a server that stops: nothing but this life of the run is to end. No-op when it is not active. */
  letGo(runId: string): void;
  /** Tells the run's loop of a person's note that was just appended to its log. No-op when it is not active. */
  tellRun(runId: string, note: NoteEvent): void;
  /** What the run's present turn has streamed so far. */
  liveText(runId: string): LiveText | null;
  /** Runs one of the project's own commands in a place. Throws `conflict` when that needs a permission. */
  command(
    place: Place,
    spec: CommandSpec,
    options: {
      signal: AbortSignal;
      onOutput?: (text: string) => void;
      unconfinedAllowed: boolean;
      /** See `CommandOptions`. */
      network?: boolean;
    },
  ): Promise<CommandResult & { unconfined: boolean }>;
  /** Starts MCP servers for a run in this place. They are the caller's to close. Rejects when `signal` aborts. */
  serve(
    place: Place,
    configs: readonly McpServerConfig[],
    signal: AbortSignal,
  ): Promise<McpServers>;
  /** Kills the hands of a folder, so that it can be removed. */
  release(dir: string): Promise<void>;
  close(): Promise<void>;
}

export interface LiveText {
  turn: number;
  text: string;
  thinking: string;
}

/** Most characters of a streaming turn that are kept for pages that open in the middle. */
const LIVE_TEXT_CHARS = 100_000;

/** For the loop to end by itself, with what it has, before it is stopped. */
const DEADLINE_GRACE_MS = 30_000;

/** A run's loop at work. */
interface ActiveRun {
  stop: AbortController;
  ended: Promise<unknown>;
  /** What a pause waits for. */
  busy: "request" | "tools" | null;
  /** Ends the tool calls at work, and with them the loop. */
  killTools: AbortController;
  /** Begins nothing more, whatever its host says. */
  lettingGo: boolean;
  tell: (note: NoteEvent) => void;
}

/** Thrown into a loop that is about to begin something although its run was paused, or lets go. */
export class Paused extends Error {
  override name = "Paused";
}

/** Thrown into a loop whose next request has no room within a limit on spending. */
export class OverBudget extends Error {
  override name = "OverBudget";
  constructor(message: string, readonly details: Pick<BudgetOutcome, "untilMs" | "need">) {
    super(message);
  }
}
type BudgetOutcome = Extract<RunOutcome, { type: "budget" }>;

const tooLong = (timeoutMs: number): RunOutcome => ({
  type: "failed",
  reason: "timed_out",
  message: `it worked for longer than ${Math.round(timeoutMs / 60_000)} minutes`,
});

export interface AgentsOptions {
  brains: Brains;
  hands: Hands;
  host: RunHost;
  model: AgentsStatus["model"];
  confinement: Confinement;
  /** Resolves with null when the agents are proven confined, otherwise with why none runs; runs wait for it. */
  proof: Promise<string | null>;
  /** See `ExecutorOptions`. */
  redact?: Redactor;
  /** Hears of what does not matter to a run that is over; absent: nobody. */
  log?: Log;
  nowMs: () => number;
  /** What each request passes before it goes out, in this order. */
  gates?: readonly Gate[];
  /** For tests: how silence and a run's own time are measured. */
  time?: Partial<Pick<StallWatchOptions, "nowMs" | "timers" | "stallMs">>;
}

/** The agents of this server. Parts come in made, so that tests can put others behind the same lines. */
export function createAgents(options: AgentsOptions): Agents {
  const { brains, hands, gates = [] } = options;
  const active = new Map<string, ActiveRun>();
  const live = new Map<string, LiveText>();
  let refused: string | null = null;
  void options.proof.then((hole) => refused = hole);

  async function work(runId: string, run: ActiveRun, signal: AbortSignal): Promise<RunOutcome> {
    const hole = await orAborted(options.proof, signal);
    if (hole !== null) return { type: "failed", reason: "unconfined", message: hole };
    const host: RunHost = {
      ...options.host,
      mayGoOn: (id) => !run.lettingGo && options.host.mayGoOn(id),
    };
    const prepared = await host.prepare(runId, signal);
    const outcome = await workOn(run, host, prepared, signal);
    const over = outcome.type === "succeeded" || outcome.type === "failed";
    if (over && prepared.keptDir !== undefined) forgetOutputs(runId, prepared.keptDir);
    return outcome;
  }

  /** The run is over, whatever the disk says of its files: they only take room. */
  function forgetOutputs(runId: string, folder: string): void {
    try {
      removeKeptOutputs(folder);
    } catch (error) {
      const message = "what a run's commands printed could not be removed: remove the folder";
      options.log?.warn(message, { run: runId, folder, error: messageOf(error) });
    }
  }

  async function workOn(
    run: ActiveRun,
    host: RunHost,
    prepared: Omit<RunContext, "log">,
    signal: AbortSignal,
  ): Promise<RunOutcome> {
    const { runId } = prepared.spec;
    // Read in the same breath in which the loop gets it: a note that comes later is told to the loop.
    const context = { ...prepared, log: host.log(runId) };
    const time = { nowMs: () => performance.now(), timers: systemTimers, ...options.time };
    const watch = new StallWatch({ ...time, onStall: () => run.stop.abort() });
    const executor = new Executor({
      context,
      host,
      hands,
      confinement: options.confinement,
      redact: options.redact,
      nowMs: options.nowMs,
      sign: (patienceMs) => watch.sign(patienceMs),
      signal: AbortSignal.any([signal, run.killTools.signal]),
    });
    // Ready by the time the model has decided what to look at.
    if (context.spec.tools.some(({ name }) => onlyLooks(name))) hands.warm(context.place, signal);
    const mayBegin = () => {
      if (run.killTools.signal.aborted || !host.mayGoOn(runId)) throw new Paused();
    };
    // Whether a person paused it, the host looks in the transaction in which it records that a request begins.
    const maySend = () => {
      if (run.killTools.signal.aborted || run.lettingGo) throw new Paused();
    };
    const begin = options.nowMs();
    // The loop looks at its time before each request; this ends a stream or a tool that goes on beyond it.
    const { timeoutMs } = context.spec.limits;
    let timedOut = false;
    const deadline = new Deadline({
      ...time,
      afterMs: Math.max(0, timeoutMs - context.workedMs) + DEADLINE_GRACE_MS,
      onOver() {
        timedOut = true;
        run.stop.abort();
      },
    });
    const save = async (event: RunEventBody) => {
      try {
        await executor.append(event);
      } catch (error) {
        // What can't be saved yet is paid for and kept; the agent is neither silent meanwhile nor does it work.
        if (error instanceof Unavailable) {
          watch.suspend();
          deadline.suspend();
        }
        throw error;
      }
      deadline.resume();
    };
    /** Held back by no fault of its own: no silence and no time of the run's counts meanwhile. */
    const passGates = async () => {
      if (gates.length === 0) return;
      watch.suspend();
      deadline.suspend();
      for (const gate of gates) await gate.before(context.spec, signal);
      watch.sign();
      deadline.resume();
    };
    try {
      if (!await executor.mayBegin()) return { type: "suspended" };
      const running = brains.run(context.spec, context.log, context.workedMs, {
        begun(tell) {
          run.tell = tell;
        },
        async append(event) {
          if (event.type === "turn_started") {
            maySend();
            await passGates();
            maySend();
          }
          await save(event);
          if (event.type === "turn_failed" && isExcused(event.reason)) {
            // The wait before the next try does not count either; whatever is saved next ends it.
            deadline.excuse(event.durationMs ?? 0);
            deadline.suspend();
          }
          for (const gate of gates) gate.recorded?.(runId, event);
          if (event.type.startsWith("turn_")) live.delete(runId);
          run.busy = event.type === "turn_started" ? "request" : null;
          // The loop would sleep until its next try.
          if (event.type === "turn_failed") mayBegin();
        },
        async tools(turn, calls) {
          mayBegin();
          run.busy = "tools";
          watch.sign();
          const answer = await executor.tools(turn, calls);
          watch.sign();
          run.busy = null;
          if (answer.suspended) return answer;
          // Cut short by a pause, which may have been taken back meanwhile: the log knows what is left to do.
          if (answer.results.length < calls.length) throw new Paused();
          if (!answer.results.some(({ final }) => final)) mayBegin();
          return answer;
        },
        answering() {
          for (const gate of gates) gate.answering?.(runId);
        },
        rate(limits) {
          for (const gate of gates) gate.rate?.(runId, limits);
        },
        delta(turn, kind, text) {
          watch.sign();
          remember(runId, turn, kind, text);
          host.delta(runId, turn, kind, text);
        },
      }, signal);
      const outcome = await running.finally(() => executor.settle());
      if (outcome.type !== "stopped") return outcome;
      return timedOut ? tooLong(timeoutMs) : watch.outcome ?? outcome;
    } catch (error) {
      if (timedOut) return tooLong(timeoutMs);
      if (watch.outcome) return watch.outcome;
      if (error instanceof Paused) return { type: "stopped" };
      if (error instanceof OverBudget) {
        return { type: "budget", message: error.message, ...error.details };
      }
      throw error;
    } finally {
      for (const gate of gates) gate.over?.(runId);
      deadline.stop();
      watch.stop();
      await context.servers.close();
      live.delete(runId);
      host.worked(runId, Math.max(0, options.nowMs() - begin - deadline.suspendedMs));
    }
  }

  function remember(runId: string, turn: number, kind: string, text: string): void {
    let entry = live.get(runId);
    if (entry?.turn !== turn) live.set(runId, entry = { turn, text: "", thinking: "" });
    if (kind === "text") entry.text = (entry.text + text).slice(-LIVE_TEXT_CHARS);
    if (kind === "thinking") entry.thinking = (entry.thinking + text).slice(-LIVE_TEXT_CHARS);
  }

  return {
    status: () => ({
      model: options.model,
      confinement: options.confinement,
      refused,
      active: active.size,
    }),
    async run(runId, signal) {
      if (active.has(runId)) throw new Error(`Run "${runId}" is already active`);
      const run: ActiveRun = {
        stop: new AbortController(),
        ended: Promise.resolve(),
        busy: null,
        killTools: new AbortController(),
        lettingGo: false,
        tell: () => {},
      };
      active.set(runId, run);
      const ended = work(runId, run, AbortSignal.any([signal, run.stop.signal]));
      run.ended = ended;
      try {
        return await ended;
      } catch (error) {
        const stops = [signal, run.stop.signal, run.killTools.signal];
        if (stops.some((stop) => stop.aborted)) return { type: "stopped" };
        throw error;
      } finally {
        active.delete(runId);
      }
    },
    async stopRun(runId) {
      const entry = active.get(runId);
      if (!entry) return;
      entry.stop.abort();
      await entry.ended.catch(() => {});
    },
    pauseRun(runId, { killTools }) {
      const run = active.get(runId);
      if (!run) return;
      if (run.busy === null) run.stop.abort();
      else if (run.busy === "tools" && killTools) run.killTools.abort();
    },
    letGo(runId) {
      const run = active.get(runId);
      if (!run) return;
      run.lettingGo = true;
      if (run.busy === null) run.stop.abort();
    },
    tellRun: (runId, note) => active.get(runId)?.tell(note),
    liveText: (runId) => live.get(runId) ?? null,
    command: (place, spec, how) => hands.command(place, spec, how),
    serve: (place, configs, signal) => hands.serve(place, configs, signal),
    release: (dir) => hands.release(dir),
    async close() {
      for (const { stop } of active.values()) stop.abort();
      await Promise.allSettled([...active.values()].map(({ ended }) => ended));
      brains.close();
      await hands.close();
    },
  };
}
