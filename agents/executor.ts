/** Executes one run's tool calls: checks, records, does and records again, in the order that the API demands. */
import { parseReport } from "./reports/mod.ts";
import { decide } from "./policy.ts";
import type { Hands } from "./hands_client.ts";
import { emptyLedger, type Ledger, missingEvidence, note } from "./ledger.ts";
import type { RunContext, RunHost } from "./runtime.ts";
import type { Confinement } from "./runtime.ts";
import type { RunEventBody, ToolCall, ToolResult } from "./protocol.ts";
import type { AskedQuestions } from "./results.ts";
import { checkInput } from "./tools/registry.ts";
import { messageOf } from "../server/errors.ts";

/** Most characters of a check's output that go back to the model. */
const CHECK_OUTPUT_CHARS = 12_000;

type Answer = Omit<ToolResult, "callId" | "durationMs">;

export interface ExecutorOptions {
  context: RunContext;
  host: RunHost;
  hands: Hands;
  confinement: Confinement;
  nowMs: () => number;
  signal: AbortSignal;
}

export class Executor {
  readonly #options: ExecutorOptions;
  readonly #ledger: Ledger;

  constructor(options: ExecutorOptions) {
    this.#options = options;
    this.#ledger = emptyLedger();
    for (const event of options.context.log) note(this.#ledger, event);
  }

  /** Appends an event and remembers what follows from it. */
  append(event: RunEventBody): void {
    this.#options.host.append(this.#options.context.spec.runId, event);
    note(this.#ledger, event);
  }

  /**
   * One turn's calls. Calls that only read run side by side, the others in order. At the first that waits
   * for a person it stops: what comes after may depend on it. Afterwards the turn's work is committed.
   */
  async tools(
    turn: number,
    calls: ToolCall[],
  ): Promise<{ results: ToolResult[]; suspended: boolean }> {
    const results: ToolResult[] = [];
    let suspended = false;
    for (const group of groupCalls(calls, (name) => this.#isReadOnly(name))) {
      const answers = await Promise.all(group.map((call) => this.#one(turn, call)));
      results.push(...answers.filter((answer) => answer !== null));
      suspended = answers.includes(null);
      if (suspended || this.#options.signal.aborted) break;
    }
    await this.#checkpoint(turn);
    return { results, suspended };
  }

  #isReadOnly(name: string): boolean {
    return this.#options.context.spec.tools.find((tool) => tool.name === name)?.readOnly ?? false;
  }

  /** Null: the call waits for a person. */
  async #one(turn: number, call: ToolCall): Promise<ToolResult | null> {
    const known = this.#ledger.finished.get(call.id);
    if (known) return known;
    const begun = this.#ledger.started.has(call.id);
    const begin = this.#options.nowMs();
    const finish = (answer: Answer): ToolResult => {
      const result = { ...answer, callId: call.id, durationMs: this.#options.nowMs() - begin };
      this.append({ type: "tool_finished", turn, result });
      return result;
    };
    if (!begun) this.append({ type: "tool_started", turn, call });
    const { context, confinement, host } = this.#options;
    const decision = decide({
      tool: call.name,
      input: call.input,
      allowed: context.spec.tools.map((tool) => tool.name),
      confinement: confinement.kind,
    });
    if (decision.type === "deny") return finish(refusal(decision.reason));
    if (decision.type === "ask") {
      const approval = host.approval(context.spec.runId, call, decision.detail);
      if (approval.status === "pending") return null;
      if (approval.status === "denied") {
        const why = approval.reason ? `: ${approval.reason}` : "";
        return finish(refusal(`A person denied this call${why}. Trying it again will not help.`));
      }
      // Granted just now or before a restart: either way it has not been executed, or it left a mark.
      if (begun && this.#ledger.executed.has(call.id)) return finish(interrupted);
      this.append({ type: "tool_executing", callId: call.id });
    } else if (begun && !this.#isReadOnly(call.name)) {
      return finish(interrupted);
    }
    try {
      return finish(await this.#execute(call));
    } catch (error) {
      if (this.#options.signal.aborted) throw error;
      return finish(refusal(messageOf(error)));
    }
  }

  #execute(call: ToolCall): Promise<Answer> | Answer {
    const { commands, resultName } = this.#options.context;
    const checked = checkInput(call.name, call.input, {
      resultName,
      checkNames: commands.map((command) => command.name),
    });
    if (!checked.ok) return refusal(checked.message);
    switch (call.name) {
      case "submit_result":
        return this.#submit(checked.input);
      case "ask_questions":
        return this.#ask(checked.input as AskedQuestions);
      case "run_checks":
        return this.#runChecks(String(checked.input.name));
      default:
        return this.#byHands({ ...call, input: checked.input });
    }
  }

  #submit({ status }: Record<string, unknown>): Answer {
    const { resultName, commands } = this.#options.context;
    if (resultName === "developer" && status === "done") {
      const missing = missingEvidence(this.#ledger, commands.map((command) => command.name));
      if (missing) return refusal(`Not accepted as done: ${missing}.`);
    }
    return { content: "Accepted.", isError: false, final: true };
  }

  #ask(input: AskedQuestions): Answer {
    this.#options.host.questions(this.#options.context.spec.runId, input);
    const content =
      "Recorded. A person answers them later, and the agents after you get the answers. " +
      "Finish now with submit_result.";
    return { content, isError: false };
  }

  async #runChecks(name: string): Promise<Answer> {
    const { context, hands, signal } = this.#options;
    const command = context.commands.find((c) => c.name === name)!;
    const result = await hands.command(
      context.place,
      { command: command.command, cwd: "", timeoutMs: command.timeoutMs, env: {} },
      { signal, unconfinedAllowed: context.unconfinedAllowed },
    );
    const report = parseReport(result.output, { root: context.place.dir });
    const head = result.timedOut
      ? `${command.name} ran into its time limit of ${command.timeoutMs / 1000} s`
      : `${command.name} ${
        result.exitCode === 0 ? "passed" : "failed"
      } (exit code ${result.exitCode})`;
    const counts = report
      ? `: ${report.passed} passed, ${report.failed} failed, ${report.skipped} skipped`
      : "";
    const output = result.output.length > CHECK_OUTPUT_CHARS
      ? `… (${result.outputBytes} bytes in all; the end follows)\n${
        result.output.slice(-CHECK_OUTPUT_CHARS)
      }`
      : result.output;
    return {
      content: `${head}${counts}\n\n${output}`.trimEnd(),
      isError: result.exitCode !== 0,
      exitCode: result.exitCode ?? -1,
    };
  }

  async #byHands(call: ToolCall): Promise<Answer> {
    const { context, hands, signal } = this.#options;
    const { result, cwd } = await hands.tool(context.place, {
      call,
      policy: context.policy,
      known: this.#ledger.known,
      cwd: this.#ledger.cwd,
    }, signal);
    const { callId: _callId, durationMs: _durationMs, ...answer } = result;
    return call.name === "Bash" ? { ...answer, cwd } : answer;
  }

  async #checkpoint(turn: number): Promise<void> {
    const { context, host } = this.#options;
    if (context.place.access !== "write" || !this.#ledger.uncommitted) return;
    const saved = await host.checkpoint(context.spec.runId, turn);
    if (saved) this.append({ type: "checkpoint", turn, ...saved });
    else this.#ledger.uncommitted = false;
  }
}

const refusal = (content: string): Answer => ({ content, isError: true });

const interrupted: Answer = {
  content: "This call was interrupted by a restart, and it is not known how far it came. " +
    "Look at the files before you go on; call it again if it is still needed.",
  isError: true,
};

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
