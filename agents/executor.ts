/** Executes one run's tool calls: checks, records, does and records again, in the order that the API demands. */
import { messageOf } from "../server/errors.ts";
import { hasRoom } from "../server/disk.ts";
import { machineFaultOf, Unavailable } from "../server/machine_fault.ts";
import type { Hands } from "./hands_client.ts";
import { emptyLedger, type Ledger, note, noteCommitted } from "./ledger.ts";
import { KeptOutputs } from "./kept_outputs.ts";
import { OutputFiles } from "./output_files.ts";
import { Gate, type Judgement } from "./permissions/gate.ts";
import { createRedactor, type Redactor } from "./permissions/redact.ts";
import type { RunEventBody, ToolCall, ToolResult } from "./protocol.ts";
import { Recorder } from "./recorder.ts";
import type { Confinement, RunContext, RunHost } from "./runtime.ts";
import { type Answer, refusal, ToolCalls } from "./tool_calls.ts";
import { leavesNothing, whenCutOff } from "./tools/registry.ts";

/** How long a call that leaves nothing behind may take before its beginning is recorded by itself: nobody sees it sooner. */
const UNSEEN_MS = 50;

export interface ExecutorOptions {
  context: RunContext;
  host: RunHost;
  hands: Hands;
  confinement: Confinement;
  /** What leaves a tool passes it, before it is recorded or sent. By default it only knows keys by their form. */
  redact?: Redactor;
  nowMs: () => number;
  /** See `ToolCallsOptions`. */
  sign?: (patienceMs: number) => void;
  signal: AbortSignal;
}

export class Executor {
  readonly #options: ExecutorOptions;
  readonly #ledger: Ledger;
  readonly #outputs: OutputFiles;
  readonly #calls: ToolCalls;
  readonly #gate: Gate;
  readonly #redact: Redactor;
  readonly #recorder: Recorder;
  /** A life that was killed may have left files of its commands behind; this one removes its own. */
  #hasStale: boolean;

  constructor(options: ExecutorOptions) {
    this.#options = options;
    const { context: { spec: { runId } }, host } = options;
    this.#recorder = new Recorder({
      write: (event, how) => host.append(runId, event, how),
      hurry: () => host.hurry?.(),
    });
    this.#ledger = emptyLedger();
    for (const event of options.context.log) note(this.#ledger, event);
    this.#hasStale = this.#ledger.started.size > 0;
    this.#outputs = new OutputFiles(options.context.outputDir);
    this.#calls = new ToolCalls({
      ...options,
      ledger: this.#ledger,
      outputs: this.#outputs,
      kept: keptOf(options.context),
      append: (event) => this.append(event),
      sign: options.sign ?? (() => {}),
    });
    this.#redact = options.redact ?? createRedactor([]);
    this.#gate = new Gate({ ...options, ledger: this.#ledger, calls: this.#calls });
  }

  /** Appends an event and, when it is on disk, remembers what follows from it. */
  async append(event: RunEventBody): Promise<void> {
    await this.#recorder.append(event);
    note(this.#ledger, event);
    this.#options.sign?.(0);
  }

  /** To be called when the run's life is over: what waited to be recorded is on disk. Rejects as `append`. */
  settle(): Promise<void> {
    return this.#recorder.settle();
  }

  /**
   * An event that, lost, is made again by the run's next life: it is on disk before the next request goes out, and
   * need not be before the loop has said what that is.
   */
  async #later(event: RunEventBody): Promise<void> {
    await this.#recorder.later(event);
    note(this.#ledger, event);
    this.#options.sign?.(0);
  }

  /** Whether the run's requests may go out; false: it waits for a person's word. Asked once in each of its lives. */
  async mayBegin(): Promise<boolean> {
    return await this.#gate.mayBegin() === "go";
  }

  /**
   * One turn's calls. Calls that only read run side by side, the others in order. At the first that waits
   * for a person it stops: what comes after may depend on it. Afterwards the turn's work is committed.
   */
  async tools(
    turn: number,
    calls: ToolCall[],
  ): Promise<{ results: ToolResult[]; suspended: boolean }> {
    if (this.#hasStale) this.#outputs.keepOnly(calls.map(({ id }) => id));
    this.#hasStale = false;
    // What a crash kept the turn before from committing.
    if (calls.every(({ id }) => !this.#ledger.started.has(id))) {
      await this.#checkpoint(this.#ledger.turn);
    }
    const results: ToolResult[] = [];
    let suspended = false;
    for (const group of groupCalls(calls, (name) => this.#isReadOnly(name))) {
      const answers = await Promise.all(group.map((call) => this.#one(turn, call)));
      results.push(...answers.filter((answer) => answer !== null));
      suspended = answers.includes(null);
      if (suspended || this.#options.signal.aborted || !this.#mayGoOn()) break;
    }
    await this.#checkpoint(turn);
    return { results, suspended };
  }

  #mayGoOn(): boolean {
    return this.#options.host.mayGoOn(this.#options.context.spec.runId);
  }

  #isReadOnly(name: string): boolean {
    return this.#options.context.spec.tools.find((tool) => tool.name === name)?.readOnly ?? false;
  }

  /** Null: the call waits for a person. */
  async #one(turn: number, call: ToolCall): Promise<ToolResult | null> {
    const ledger = this.#ledger;
    const known = ledger.results.get(call.id);
    if (known) return known;
    const isReported = whenCutOff(call.name) === "report";
    const beganMs = this.#options.nowMs();
    const judgement = await this.#gate.judge(call);
    const finish = async (
      answer: Answer,
      { refused = false, mayWait = false } = {},
    ): Promise<ToolResult> => {
      // A clock may be set back.
      const durationMs = Math.max(0, this.#options.nowMs() - beganMs);
      const tags = refused ? [] : this.#gate.tagsOf(call.name);
      const result: ToolResult = {
        ...{ ...answer, ...this.#shareable(answer), callId: call.id, durationMs },
        ...tags.length > 0 && { tags },
        ...judgement.type === "allow" && judgement.together && { together: true },
      };
      const finished = { type: "tool_finished", turn, result } as const;
      await (mayWait ? this.#later(finished) : this.append(finished));
      if (isReported) this.#outputs.remove(call.id);
      return result;
    };
    if (isReported && this.#isCutOff(call, judgement)) {
      return await finish(this.#calls.report(call));
    }
    // On a full disk a command would fail for no reason of its own, and could not be taken up again.
    if (isReported && !hasRoom(this.#options.context.place.dir)) {
      throw new Unavailable("disk_full", `use ${call.name}`);
    }
    const begin = async (mayWait = false) => {
      if (ledger.started.has(call.id)) return;
      const started = { type: "tool_started", turn, call } as const;
      await (mayWait ? this.#later(started) : this.append(started));
    };
    if (judgement.type === "allow" && leavesNothing(call.name)) {
      const { answer, begun } = await this.#look(call, begin);
      // With what is final the run ends, and nothing comes that it could share a commit with.
      const [result] = await Promise.all([finish(answer, { mayWait: !answer.final }), begun]);
      return result;
    }
    // What settles it, cut off, is a mark of its own: this one is only for people.
    await begin(judgement.type === "allow" && whenCutOff(call.name) === "settle");
    const permission = this.#gate.permit(call, judgement);
    if (permission.type === "wait") return null;
    if (permission.type === "refuse") {
      return await finish(refusal(permission.why), { refused: true });
    }
    const { granted, unconfined } = permission;
    // From this mark on nobody can know how far it came; what writes a file makes a mark of its own.
    if (granted && isReported) await this.append({ type: "tool_executing", callId: call.id });
    return await finish(await this.#answer(call, unconfined));
  }

  /**
   * Does a call that, cut off, is simply done again: so its beginning need not be on disk before it. It is as soon as
   * the call takes its time, for people to see; otherwise it shares the commit of the end, which is to be asked for
   * in the same breath. `begun` settles when it is on disk.
   */
  async #look(
    call: ToolCall,
    begin: (mayWait?: boolean) => Promise<void>,
  ): Promise<{ answer: Answer; begun: Promise<void> }> {
    let begun: Promise<void> | null = null;
    const timer = setTimeout(() => {
      begun = begin();
      begun.catch(() => {}); // whoever waits for it gets it too
    }, UNSEEN_MS);
    try {
      const answer = await this.#answer(call, false);
      // The ledger hears of the beginning first, else it does not know what has ended.
      await begun;
      return { answer, begun: begun ?? begin(true) };
    } finally {
      clearTimeout(timer);
    }
  }

  /** Throws when the run was stopped meanwhile, or the machine failed: the call is then still open, for the run's next life to settle. */
  async #answer(call: ToolCall, unconfined: boolean): Promise<Answer> {
    const { signal } = this.#options;
    let answer: Answer;
    try {
      answer = await this.#calls.run(call, unconfined);
    } catch (error) {
      // Too many open files, say: no answer of the call's, and the model can't mend it.
      if (signal.aborted || machineFaultOf(error) !== null) throw error;
      return refusal(messageOf(error));
    }
    if (answer.isError) signal.throwIfAborted();
    return answer;
  }

  #shareable({ content, diff }: Answer): Pick<Answer, "content" | "diff"> {
    const clean = { content: this.#redact(content) };
    return diff === undefined ? clean : { ...clean, diff: this.#redact(diff) };
  }

  /** At work when its life ended. What only waited for a person had not begun. */
  #isCutOff({ id }: ToolCall, { type }: Judgement): boolean {
    const { started, executed } = this.#ledger;
    return type === "ask" ? executed.has(id) : started.has(id);
  }

  async #checkpoint(turn: number): Promise<void> {
    const { context, host } = this.#options;
    if (context.place.access !== "write" || !this.#ledger.uncommitted) return;
    const { touched } = this.#ledger;
    // After a restart nobody knows what the life before has left.
    const paths = touched && context.log.length === 0 ? [...touched] : undefined;
    const saved = await host.checkpoint(context.spec.runId, turn, paths);
    if (saved) await this.#later({ type: "checkpoint", turn, ...saved });
    else noteCommitted(this.#ledger);
  }
}

const keptOf = ({ keptDir, spec }: RunContext): KeptOutputs | null =>
  keptDir !== undefined && spec.tools.some(({ name }) => name === "Read")
    ? new KeptOutputs(keptDir)
    : null;

/** Neighbouring calls that only read form one group; every other call stands alone. */
export function groupCalls(calls: ToolCall[], isReadOnly: (name: string) => boolean): ToolCall[][] {
  const groups: ToolCall[][] = [];
  let reading = false;
  for (const call of calls) {
    const readOnly = isReadOnly(call.name);
    if (readOnly && reading) groups.at(-1)!.push(call);
    else groups.push([call]);
    reading = readOnly;
  }
  return groups;
}
