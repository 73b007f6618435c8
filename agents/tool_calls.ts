/** Does one tool call: on the server, or through the hands. What may be done at all is decided before. */
import { messageOf } from "../server/errors.ts";
import { CHECK_OUTPUT_CHARS, checkAnswer } from "./check_answer.ts";
import type { RangeQuestion } from "./git/range_diff.ts";
import type { Hands, ToolRequest } from "./hands_client.ts";
import { deedsIn, type Ledger, missingEvidence } from "./ledger.ts";
import type { KeptOutputs } from "./kept_outputs.ts";
import type { OutputFiles } from "./output_files.ts";
import type { FileIntent, Place, RunEventBody, ToolCall, ToolResult } from "./protocol.ts";
import { MAX_MCP_RESULT_CHARS } from "./mcp/connection.ts";
import { readMcpToolName } from "./mcp/names.ts";
import { maskedOutput } from "./permissions/masked_output.ts";
import { factsOf } from "./prompts/task_facts.ts";
import { type MemoryCommand, viewOf } from "./memory/notes.ts";
import { findReportFiles } from "./reports/report_files.ts";
import { faultsIn } from "./result_rules.ts";
import type { AskedQuestions } from "./results.ts";
import type { RunContext, RunHost } from "./runtime.ts";
import { BASH_DEFAULT_TIMEOUT_MS, BASH_MAX_BYTES } from "./tools/bash.ts";
import { type CheckedInput, checkInput, whenCutOff } from "./tools/registry.ts";
import { ToolError } from "./tools/tool.ts";

export type Answer = Omit<ToolResult, "callId" | "durationMs">;

export interface ToolCallsOptions {
  context: RunContext;
  host: RunHost;
  hands: Hands;
  ledger: Ledger;
  outputs: OutputFiles;
  /** Null: the run has no way to read them. */
  kept: KeptOutputs | null;
  append: (event: RunEventBody) => Promise<void>;
  /** The run lives; from now on it may be silent for so long beyond what any run may. */
  sign: (patienceMs: number) => void;
  signal: AbortSignal;
}

export class ToolCalls {
  readonly #options: ToolCallsOptions;

  constructor(options: ToolCallsOptions) {
    this.#options = options;
  }

  /**
   * Does a call, or goes on with one that was cut off and can be. `unconfined`: a person said yes, and knew that
   * nothing would confine it. Throws what hands throw; a call that `signal` ends has no answer that counts.
   */
  async run(call: ToolCall, unconfined: boolean): Promise<Answer> {
    if (readMcpToolName(call.name)) return await this.#byServer(call);
    const checked = this.check(call);
    if (!checked.ok) return refusal(checked.message);
    const { input } = checked;
    switch (call.name) {
      case "submit_result":
        return this.#submit(input);
      case "GitDiff":
        return await this.#diff(input as RangeQuestion);
      case "memory":
        return await this.#memory(call.id, input as unknown as MemoryCommand);
      case "ask_questions":
        return this.#ask(input as AskedQuestions);
      case "run_checks":
        return await this.#runChecks(call.id, String(input.name));
      case "Bash":
        return await this.#bash({ ...call, input }, unconfined);
      case "Read":
        return await this.#readKept(input) ?? await this.#byHands({ ...call, input }, unconfined);
      default:
        return whenCutOff(call.name) === "settle"
          ? await this.#write({ ...call, input }, unconfined)
          : await this.#byHands({ ...call, input }, unconfined);
    }
  }

  /** What the tool says of its input. Throws when there is no such tool. */
  check(call: ToolCall): CheckedInput {
    if (readMcpToolName(call.name)) return { ok: true, input: call.input };
    const { commands, permissions: { result: resultName } } = this.#options.context;
    return checkInput(call.name, call.input, {
      resultName,
      checkNames: commands.map((command) => command.name),
    });
  }

  /** What a call that writes a file would do, with the change itself. `call` has been checked. */
  plan(call: ToolCall): Promise<Answer> {
    return this.#byHands(call, false, { plan: "diff" });
  }

  /** For a call that was cut off and is not done again: nobody knows how far it came. */
  report(call: ToolCall): Answer {
    const printed = this.#options.outputs.read(call.id).trimEnd();
    const output = printed === ""
      ? "It had printed nothing until then."
      : `Its output until then:\n${printed}`;
    return { ...refusal(`${INTERRUPTED}\n\n${output}`), interrupted: true };
  }

  /** The server checks its own input. */
  async #byServer({ id, name, input }: ToolCall): Promise<Answer> {
    const { context: { servers }, kept, sign, signal } = this.#options;
    sign(servers.timeoutMs(name));
    const { whole, ...answer } = await servers.call(name, input, signal);
    const file = whole === undefined ? null : kept?.begin(id, MAX_MCP_RESULT_CHARS) ?? null;
    file?.write(whole!);
    return withRest(answer, file?.close() ?? null);
  }

  #submit(result: Record<string, unknown>): Answer {
    const { context: { permissions, commands, spec }, ledger } = this.#options;
    const faults = faultsIn(permissions.result, result, {
      task: factsOf(spec.prompt),
      deeds: deedsIn(ledger),
    });
    if (faults) return refusal(faults);
    const unfit = this.#options.host.judge?.(spec.runId, result);
    if (unfit) return refusal(unfit);
    if (permissions.result === "developer" && result.status === "done") {
      const missing = missingEvidence(ledger, commands.map((command) => command.name));
      if (missing) return refusal(`Not accepted as done: ${missing}.`);
    }
    return { content: "Accepted.", isError: false, final: true };
  }

  async #diff(question: RangeQuestion): Promise<Answer> {
    const { context, host, signal } = this.#options;
    const content = await host.diff(context.spec.runId, question, {
      dir: context.place.dir,
      paths: context.permissions.paths,
      signal,
    });
    return { content, isError: false };
  }

  /** Changes it in two steps, as a file is written: what it will be is on record in between. */
  async #memory(callId: string, command: MemoryCommand): Promise<Answer> {
    const { context: { spec, permissions }, host, ledger, append } = this.#options;
    const memory = host.memory(spec.runId, permissions.memory);
    if (!memory) return refusal("Cannot use the memory: this run has none");
    if (command.command === "view") {
      return { content: viewOf(memory.read(), command), isError: false };
    }
    let intent = ledger.executed.get(callId) ?? null;
    if (!intent) {
      intent = memory.plan(command);
      await append({ type: "tool_executing", callId, intent });
    }
    const diff = await memory.carryOut(callId, command, intent);
    return { content: intent.content, isError: false, ...(diff && { diff }) };
  }

  #ask(input: AskedQuestions): Answer {
    this.#options.host.questions(this.#options.context.spec.runId, input);
    const content =
      "Recorded. A person answers them later, and the agents after you get the answers. " +
      "Finish now with submit_result.";
    return { content, isError: false };
  }

  async #runChecks(callId: string, name: string): Promise<Answer> {
    const { context, hands, outputs, signal } = this.#options;
    const command = context.commands.find((c) => c.name === name)!;
    const { timeoutMs, cwd = "", env = {} } = command;
    const spec = { command: command.command, cwd, timeoutMs, env };
    const masked = maskedOutput(command.secrets ?? {});
    const { unconfinedAllowed, permissions: { checkHosts = [] }, spec: { runId } } = context;
    const { reach: _, ...bare } = context.place;
    // What the checks may reach is the project's own setting, not the agent's.
    const place: Place = checkHosts.length === 0
      ? bare
      : { ...bare, reach: { by: `${runId} checks`, hosts: checkHosts } };
    try {
      const reportsBefore = await findReportFiles(place.dir, command.reports ?? []);
      const { done, rest } = await this.#keepingOutput(
        callId,
        { timeoutMs, shownBytes: CHECK_OUTPUT_CHARS },
        async (pass) => {
          const live = masked.live(pass);
          const onOutput = (text: string) => live.push(text);
          const result = await hands.command(place, spec, { signal, onOutput, unconfinedAllowed })
            .finally(() => live.end());
          return { ...result, output: masked.clean(result.output) };
        },
      );
      const { clean } = masked;
      return withRest(
        await checkAnswer(command, done, { root: place.dir, reportsBefore, clean }),
        rest,
      );
    } catch (error) {
      if (signal.aborted) throw error;
      const printed = outputs.read(callId).trimEnd();
      return refusal(`${messageOf(error)}${printed && `\n\nIts output until then:\n${printed}`}`);
    }
  }

  async #bash(call: ToolCall, unconfined: boolean): Promise<Answer> {
    const timeoutMs = Number(call.input.timeout ?? BASH_DEFAULT_TIMEOUT_MS);
    const { done, rest } = await this.#keepingOutput(
      call.id,
      { timeoutMs, shownBytes: BASH_MAX_BYTES },
      (onOutput) => this.#byHands(call, unconfined, { onOutput }),
    );
    return withRest(done, rest);
  }

  /** Null: the path is none of an output that was kept. */
  async #readKept(input: Record<string, unknown>): Promise<Answer | null> {
    const { kept, context } = this.#options;
    if (!kept) return null;
    try {
      const content = await kept.read(input as { file_path: string }, context.place.dir);
      return content === null ? null : { content, isError: false };
    } catch (error) {
      if (error instanceof ToolError) return refusal(error.message);
      throw error;
    }
  }

  /**
   * Whatever comes while `work` is done is on disk before it is over. `rest`: where the whole of it is, when it is
   * more than the `shownBytes` that go back.
   */
  async #keepingOutput<T>(
    callId: string,
    { timeoutMs, shownBytes }: { timeoutMs: number; shownBytes: number },
    work: (onOutput: (text: string) => void) => Promise<T>,
  ): Promise<{ done: T; rest: string | null }> {
    const { outputs, kept, sign } = this.#options;
    const file = outputs.begin(callId);
    const whole = kept?.begin(callId, shownBytes);
    // Within its own time limit, which the hands enforce, a command may be as silent as it likes.
    sign(timeoutMs);
    try {
      const done = await work((text) => {
        file.write(text);
        whole?.write(text);
        sign(timeoutMs);
      });
      return { done, rest: whole?.close() ?? null };
    } finally {
      whole?.close();
      file.close();
    }
  }

  /**
   * Writes a file in two steps, with what it will be on record in between. After a crash its content then tells
   * whether that was done: it is done now, or it was, or something else has changed the file meanwhile.
   */
  async #write(call: ToolCall, unconfined: boolean): Promise<Answer> {
    const { ledger, append } = this.#options;
    const earlier = ledger.executed.get(call.id);
    if (earlier) {
      const answer = await this.#byHands(call, unconfined, { intent: earlier });
      return answer.isError
        ? { ...answer, content: `${CHANGED_MEANWHILE} ${answer.content}` }
        : answer;
    }
    const plan = await this.#byHands(call, unconfined, { plan: true });
    const intent = plan.isError ? null : intentOf(plan);
    if (!intent) return plan;
    const granted = ledger.asked.get(call.id)?.intent;
    if (granted && (granted.path !== intent.path || granted.hash !== intent.hash)) {
      return refusal(CHANGED_SINCE_GRANTED);
    }
    await append({ type: "tool_executing", callId: call.id, intent });
    return await this.#byHands(call, unconfined, { intent });
  }

  async #byHands(
    call: ToolCall,
    unconfinedAllowed: boolean,
    more: Pick<ToolRequest, "plan" | "intent" | "onOutput"> = {},
  ): Promise<Answer> {
    const { context: { place, permissions }, hands, ledger, signal } = this.#options;
    const { known, cwd } = ledger;
    const request = { call, policy: permissions.paths, known, cwd, unconfinedAllowed, ...more };
    const answer = await hands.tool(place, request, signal);
    const { callId: _callId, durationMs: _durationMs, ...result } = answer.result;
    return call.name === "Bash" ? { ...result, cwd: answer.cwd } : result;
  }
}

const withRest = (answer: Answer, rest: string | null): Answer =>
  rest === null ? answer : { ...answer, content: `${answer.content}\n\n${rest}` };

export const refusal = (content: string): Answer => ({ content, isError: true });

const INTERRUPTED =
  "This call was interrupted by a restart or a pause: what it had started was ended, and it is not known " +
  "how far it came. Look at the files before you go on; call it again if it is still needed.";
const CHANGED_MEANWHILE =
  "This call was cut off, and its file is neither as it was before nor as this call leaves it: " +
  "something else has changed it.";
const CHANGED_SINCE_GRANTED =
  "Nothing was written: this would not be the change that a person was shown and granted, since the file has " +
  "changed meanwhile. Read it again and make the change anew.";

/** Null: nothing would be changed. */
export function intentOf({ changed: [path] = [], files, content }: Answer): FileIntent | null {
  if (path === undefined) return null;
  const hash = files?.[path];
  if (!hash) throw new Error(`The hands planned to write "${path}" and did not say what`);
  return { path, hash, content };
}
