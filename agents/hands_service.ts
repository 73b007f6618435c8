/** Answers requests to hands, in whichever process or worker may do what they ask for. */
import { messageOf } from "../server/errors.ts";
import { machineFaultOf } from "../server/machine_fault.ts";
import { type HandsConfig, isSandboxed } from "./hands_config.ts";
import { MAX_ANSWER_BYTES } from "./lines.ts";
import { type PathRules, pathRules } from "./policy.ts";
import { tryProbes } from "./probes.ts";
import type { FromHands, PathPolicy, ProbeResult, ToHands, ToolResult } from "./protocol.ts";
import { Shell } from "./shell.ts";
import { PlaceFiles, type PlaceFilesOptions } from "./tools/files.ts";
import { handsTools } from "./tools/hands_tools.ts";
import { utf8Length } from "./tools/text.ts";
import { ToolError, type ToolOutput } from "./tools/tool.ts";
import { useTool } from "./tools/use.ts";

/** Most bytes of a project command's output in its result; a report of tests fits. */
const COMMAND_OUTPUT_BYTES = 256 * 1024;
/** A piece of live output: long ones are cut so that no line gets too long. */
const OUTPUT_PIECE_CHARS = 64 * 1024;

type Request<T extends ToHands["type"]> = Extract<ToHands, { type: T }>;

export class HandsService {
  readonly #config: HandsConfig;
  readonly #write: (line: string) => void;
  readonly #shell: Shell;
  readonly #seams: Pick<PlaceFilesOptions, "workIn">;
  readonly #running = new Map<number, AbortController>();
  #rules: { key: string; compiled: Promise<PathRules> } | null = null;

  /** `write` sends one line to the server. */
  constructor(
    config: HandsConfig,
    write: (line: string) => void,
    seams: Pick<PlaceFilesOptions, "workIn"> = {},
  ) {
    this.#config = config;
    this.#write = write;
    this.#seams = seams;
    this.#shell = new Shell({ ...config, ownNamespace: isSandboxed(config.role) });
  }

  /** Takes one line of the server. `alsoTried` is added to the results of a probe. */
  receive(line: string, alsoTried: ProbeResult[] = []): void {
    const message = JSON.parse(line) as ToHands;
    if (message.type === "cancel") return this.#running.get(message.id)?.abort(new Cancelled());
    const stop = new AbortController();
    this.#running.set(message.id, stop);
    this.#answer(message, stop.signal, alsoTried)
      .catch((error): FromHands => {
        console.error(error);
        const fault = machineFaultOf(error);
        return {
          type: "error",
          id: message.id,
          message: messageOf(error),
          ...fault && { fault },
        };
      })
      .then((answer) => this.send(answer))
      .finally(() => this.#running.delete(message.id));
  }

  send(message: FromHands): void {
    const line = JSON.stringify(message);
    if (utf8Length(line) <= MAX_ANSWER_BYTES) return this.#write(line);
    const id = "id" in message ? message.id : 0;
    this.#write(JSON.stringify({ type: "error", id, message: "the answer was too long to send" }));
  }

  /** Ends all that runs. */
  async close(): Promise<void> {
    for (const stop of this.#running.values()) stop.abort(new Cancelled());
    await this.#shell.close();
  }

  async #answer(
    message: Exclude<ToHands, Request<"cancel">>,
    signal: AbortSignal,
    alsoTried: ProbeResult[],
  ): Promise<FromHands> {
    switch (message.type) {
      case "tool":
        return await this.#tool(message, signal);
      case "command":
        return await this.#command(message, signal);
      case "probe": {
        const results = [...await tryProbes(message.attempts), ...alsoTried];
        return { type: "probe_done", id: message.id, results };
      }
    }
  }

  async #tool(request: Request<"tool">, signal: AbortSignal): Promise<FromHands> {
    const startedAt = performance.now();
    const { content, isError = false, cwd, ...rest } = await this.#runTool(request, signal)
      .catch((error) => failure(request.call.name, error, signal));
    const result: ToolResult = {
      ...rest,
      callId: request.call.id,
      content,
      isError,
      durationMs: Math.round(performance.now() - startedAt),
    };
    return { type: "tool_done", id: request.id, result, cwd: cwd ?? request.cwd };
  }

  async #runTool(request: Request<"tool">, signal: AbortSignal): Promise<ToolOutput> {
    const { id, call, policy, known, cwd } = request;
    const tool = handsTools.get(call.name);
    if (!tool) throw new ToolError(`No such tool available: ${call.name}`);
    const { dir, access, hidden, role } = this.#config;
    // What a model asks for never has the network, whoever mixes hands up.
    if (role === "networked") throw new ToolError(`${call.name} is not done with the network`);
    // Who only runs commands may not read files, and so can't load what rules are made with.
    const rules = await this.#rulesOf(role === "commands" ? { allow: [], block: [] } : policy);
    const files = new PlaceFiles({ dir, access, hidden, rules, ...this.#seams });
    const onOutput = (text: string) => this.#sendOutput(id, text);
    const context = { files, known, cwd, shell: this.#shell, onOutput, signal };
    return await useTool(tool, call.input, context, request);
  }

  /** Those of the call before, as a rule: compiled, they take as long as reading a file. */
  #rulesOf(policy: PathPolicy): Promise<PathRules> {
    const key = JSON.stringify(policy);
    if (this.#rules?.key !== key) {
      const compiled = pathRules(policy);
      this.#rules = { key, compiled };
      // What could not be compiled is tried again.
      compiled.catch(() => {
        if (this.#rules?.compiled === compiled) this.#rules = null;
      });
    }
    return this.#rules.compiled;
  }

  #sendOutput(id: number, text: string): void {
    for (let at = 0; at < text.length; at += OUTPUT_PIECE_CHARS) {
      this.send({ type: "output", id, text: text.slice(at, at + OUTPUT_PIECE_CHARS) });
    }
  }

  async #command({ id, spec }: Request<"command">, signal: AbortSignal): Promise<FromHands> {
    const { note: _, ...result } = await this.#shell.run({
      ...spec,
      interpreter: "sh",
      signal,
      maxOutputBytes: COMMAND_OUTPUT_BYTES,
      onOutput: (text) => this.#sendOutput(id, text),
    });
    return { type: "command_done", id, result };
  }
}

class Cancelled extends Error {
  override name = "Cancelled";
  override message = "the call was cancelled";
}

/**
 * What the model reads when a tool threw: a refusal as it is, anything else with the tool's name. Throws where the
 * machine did not take a file: that is for a person to mend, and then the call is done again.
 */
function failure(tool: string, error: unknown, signal: AbortSignal): ToolOutput {
  if (signal.aborted) {
    return { content: `${tool} was interrupted: the call was cancelled`, isError: true };
  }
  if (error instanceof ToolError) return { content: error.message, isError: true };
  if (handsTools.get(tool)?.whenCutOff === "settle" && machineFaultOf(error) !== null) throw error;
  console.error(error);
  return { content: `${tool} failed: ${messageOf(error)}`, isError: true };
}
