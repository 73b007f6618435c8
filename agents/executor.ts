/** Executes one run's tool calls: checks, records, does and records again, in the order that the API demands. */
import { messageOf } from "../server/errors.ts";
import { hasRoom } from "../server/disk.ts";
import { machineFaultOf, Unavailable } from "../server/machine_fault.ts";
import type { Hands } from "./hands_client.ts";
import { emptyLedger, type Ledger, note } from "./ledger.ts";
import { KeptOutputs } from "./kept_outputs.ts";
import { OutputFiles } from "./output_files.ts";
import { decide, type Decision } from "./policy.ts";
import type { RunEventBody, ToolCall, ToolResult } from "./protocol.ts";
import type { Confinement, RunContext, RunHost } from "./runtime.ts";
import { type Answer, refusal, ToolCalls } from "./tool_calls.ts";
import { whenCutOff } from "./tools/registry.ts";

type Permission =
  | { type: "go"; granted: boolean }
  | { type: "wait" }
  | { type: "refuse"; why: string };

export interface ExecutorOptions {
  context: RunContext;
  host: RunHost;
  hands: Hands;
  confinement: Confinement;
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

  constructor(options: ExecutorOptions) {
    this.#options = options;
    this.#ledger = emptyLedger();
    for (const event of options.context.log) note(this.#ledger, event);
    this.#outputs = new OutputFiles(options.context.outputDir);
    this.#calls = new ToolCalls({
      ...options,
      ledger: this.#ledger,
      outputs: this.#outputs,
      kept: keptOf(options.context),
      append: (event) => this.append(event),
      sign: options.sign ?? (() => {}),
    });
  }

  /** Appends an event and, when it is on disk, remembers what follows from it. */
  async append(event: RunEventBody): Promise<void> {
    await this.#options.host.append(this.#options.context.spec.runId, event);
    note(this.#ledger, event);
    this.#options.sign?.(0);
  }

  /**
   * One turn's calls. Calls that only read run side by side, the others in order. At the first that waits
   * for a person it stops: what comes after may depend on it. Afterwards the turn's work is committed.
   */
  async tools(
    turn: number,
    calls: ToolCall[],
  ): Promise<{ results: ToolResult[]; suspended: boolean }> {
    this.#outputs.keepOnly(calls.map(({ id }) => id));
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
    const known = ledger.finished.get(call.id);
    if (known) return known;
    const isReported = whenCutOff(call.name) === "report";
    const begin = this.#options.nowMs();
    const finish = async (answer: Answer): Promise<ToolResult> => {
      // A clock may be set back.
      const durationMs = Math.max(0, this.#options.nowMs() - begin);
      const result = { ...answer, callId: call.id, durationMs };
      await this.append({ type: "tool_finished", turn, result });
      if (isReported) this.#outputs.remove(call.id);
      return result;
    };
    const decision = this.#decide(call);
    if (isReported && this.#isCutOff(call, decision)) return await finish(this.#calls.report(call));
    // On a full disk a command would fail for no reason of its own, and could not be taken up again.
    if (isReported && !hasRoom(this.#options.context.place.dir)) {
      throw new Unavailable("disk_full", `use ${call.name}`);
    }
    if (!ledger.started.has(call.id)) await this.append({ type: "tool_started", turn, call });
    const permission = this.#permission(call, decision);
    if (permission.type === "wait") return null;
    if (permission.type === "refuse") return await finish(refusal(permission.why));
    const { granted } = permission;
    // From this mark on nobody can know how far it came; what writes a file makes a mark of its own.
    if (granted && isReported) await this.append({ type: "tool_executing", callId: call.id });
    return await finish(await this.#answer(call, granted));
  }

  /** Throws when the run was stopped meanwhile, or the machine failed: the call is then still open, for the run's next life to settle. */
  async #answer(call: ToolCall, granted: boolean): Promise<Answer> {
    const { signal } = this.#options;
    let answer: Answer;
    try {
      answer = await this.#calls.run(call, granted);
    } catch (error) {
      // Too many open files, say: no answer of the call's, and the model can't mend it.
      if (signal.aborted || machineFaultOf(error) !== null) throw error;
      return refusal(messageOf(error));
    }
    if (answer.isError) signal.throwIfAborted();
    return answer;
  }

  /** A person who was once asked decides, whatever has become of the confinement since. */
  #decide(call: ToolCall): Decision {
    const { context: { spec }, confinement } = this.#options;
    const decision = decide({
      tool: call.name,
      input: call.input,
      allowed: spec.tools.map((tool) => tool.name),
      confinement: confinement.kind,
    });
    const wasAsked = decision.type === "allow" && this.#ledger.asked.has(call.id);
    return wasAsked ? { type: "ask", detail: "" } : decision;
  }

  /** At work when its life ended. What only waited for a person had not begun. */
  #isCutOff({ id }: ToolCall, { type }: Decision): boolean {
    const { started, executed } = this.#ledger;
    return type === "ask" ? executed.has(id) : started.has(id);
  }

  #permission(call: ToolCall, decision: Decision): Permission {
    const { context: { spec }, host } = this.#options;
    if (decision.type === "deny") return { type: "refuse", why: decision.reason };
    if (decision.type === "allow") return { type: "go", granted: false };
    const { status, reason } = host.approval(spec.runId, call, decision.detail);
    if (status === "pending") return { type: "wait" };
    if (status === "granted") return { type: "go", granted: true };
    const why = reason ? `: ${reason}` : "";
    return {
      type: "refuse",
      why: `A person denied this call${why}. Trying it again will not help.`,
    };
  }

  async #checkpoint(turn: number): Promise<void> {
    const { context, host } = this.#options;
    if (context.place.access !== "write" || !this.#ledger.uncommitted) return;
    const saved = await host.checkpoint(context.spec.runId, turn);
    if (saved) await this.append({ type: "checkpoint", turn, ...saved });
    else this.#ledger.uncommitted = false;
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
