/** A desk for the demo model: a real repository, Gaffer's own tools, and a loop that is only as long as it must be. */
import Anthropic, { type ClientOptions } from "@anthropic-ai/sdk";
import { ok } from "node:assert";
import { createDemoFetch, DEMO_MODEL_ID, type DemoOptions } from "../agents/demo/model.ts";
import { type SampleIdea, sampleProject } from "../agents/demo/sample.ts";
import { checkRequest } from "../agents/demo/validate.ts";
import { deedsIn, emptyLedger, missingEvidence, note } from "../agents/ledger.ts";
import { pathRules } from "../agents/policy.ts";
import type { ToolCall, ToolResult } from "../agents/protocol.ts";
import { faultsIn } from "../agents/result_rules.ts";
import { factsOf } from "../agents/prompts/task_facts.ts";
import { buildPrompt, type PromptParts } from "../agents/prompts/task_prompt.ts";
import { PlaceFiles } from "../agents/tools/files.ts";
import { handsTools } from "../agents/tools/hands_tools.ts";
import { useTool } from "../agents/tools/use.ts";
import { checkInput, toolSpec } from "../agents/tools/registry.ts";
import type { ToolContext } from "../agents/tools/tool.ts";
import { personGit } from "./git_support.ts";
import { claudeModels } from "./fake_claude/models.ts";

const MAX_TURNS = 25;
/** What a call says that a restart cut off. */
const INTERRUPTED = "This call was interrupted by a restart, and it is not known how far it came.";

export type Role =
  | "clarifier"
  | "researcher"
  | "estimator"
  | "prioritizer"
  | "developer"
  | "reviewer";
const reading = ["Read", "Glob", "Grep"];
const toolsOf: Record<Role | "failures", string[]> = {
  clarifier: [...reading, "ask_questions"],
  researcher: reading,
  estimator: reading,
  prioritizer: reading,
  developer: [...reading, "Edit", "Write", "run_checks"],
  reviewer: reading,
  failures: ["Read", "Grep"],
};

/** A call as it was made and what came of it. */
export interface Done {
  name: string;
  input: Record<string, unknown>;
  content: string;
  isError: boolean;
}

export interface Worked {
  /** What was accepted; null: the agent stopped without handing in. */
  // deno-lint-ignore no-explicit-any -- each agent's result is looked into by its test
  result: any;
  calls: Done[];
  texts: string[];
}

export interface WorkOptions {
  /** Cuts this call off: "before" it did anything, or "after" it was done. Asked once per call. */
  interrupt?: (call: ToolCall) => "before" | "after" | null;
}

/** The sample project, or other files, in a repository of its own. */
export class Desk implements AsyncDisposable {
  private constructor(readonly dir: string) {}

  static async open(
    files: { path: string; content: string; executable?: boolean }[] = sampleProject.files,
  ): Promise<Desk> {
    const desk = new Desk(await Deno.realPath(await Deno.makeTempDir({ prefix: "gaffer-demo-" })));
    for (const { path, content, executable } of files) {
      const target = `${desk.dir}/${path}`;
      await Deno.mkdir(target.replace(/\/[^/]*$/, ""), { recursive: true });
      await Deno.writeTextFile(target, content);
      if (executable) await Deno.chmod(target, 0o755);
    }
    await desk.git("init", "-q", "-b", "main");
    await desk.git("config", "user.name", "Test");
    await desk.git("config", "user.email", "test@example.org");
    await desk.commit("Start");
    return desk;
  }

  git(...args: string[]): Promise<string> {
    return personGit(this.dir, ...args);
  }

  async commit(message: string): Promise<void> {
    await this.git("add", "-A");
    await this.git("commit", "-q", "--allow-empty", "-m", message);
  }

  read(path: string): Promise<string> {
    return Deno.readTextFile(`${this.dir}/${path}`);
  }

  /** What `sh -c` prints and how it ends. */
  async sh(command: string): Promise<{ code: number; output: string }> {
    const { code, stdout, stderr } = await new Deno.Command("sh", {
      args: ["-c", command],
      cwd: this.dir,
      env: { PATH: Deno.env.get("PATH") ?? "", LC_ALL: "C" },
      clearEnv: true,
    }).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { code, output: text(stdout) + text(stderr) };
  }

  /** Lets one agent work on a task until it hands in or has no more to say. */
  async work(
    agent: string,
    role: Role | "failures",
    parts: Omit<PromptParts, "round" | "project" | "files"> & { round?: number },
    options: WorkOptions = {},
  ): Promise<Worked> {
    const tracked = (await this.git("ls-files")).split("\n").filter(Boolean);
    const commands = Object.entries(sampleProject.commands)
      .map(([name, command]) => ({ name: name as "build" | "test", command }));
    const prompt = buildPrompt({ round: 1, project: "sample", commands, files: tracked, ...parts });
    const bench = await Bench.open(this, role, options, prompt);
    const client = demoClient();
    const messages: Anthropic.MessageParam[] = [{ role: "user", content: prompt }];
    const texts: string[] = [];
    for (let turn = 1; turn <= MAX_TURNS; turn++) {
      const params = {
        model: DEMO_MODEL_ID,
        max_tokens: 32_000,
        system: `You are the ${agent} agent of Gaffer.\n\nWork with care.`,
        tools: bench.tools,
        messages,
      };
      // What the demo model takes, a strict server takes too.
      checkRequest({ ...params, model: "claude-opus-5-5" }, { models: claudeModels });
      const { content } = await client.messages.stream(params).finalMessage();
      texts.push(...content.flatMap((block) => (block.type === "text" ? [block.text] : [])));
      const calls = content.filter((block) => block.type === "tool_use");
      if (calls.length === 0) return { result: null, calls: bench.done, texts };
      const results: Anthropic.ToolResultBlockParam[] = [];
      for (const { id, name, input } of calls) {
        const { content, isError } = await bench.call({ id, name, input: input as Done["input"] });
        results.push({ type: "tool_result", tool_use_id: id, content, is_error: isError });
      }
      if (bench.result !== null) return { result: bench.result, calls: bench.done, texts };
      messages.push({ role: "assistant", content }, { role: "user", content: results });
    }
    throw new Error(`${agent} is still at work after ${MAX_TURNS} turns`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.dir, { recursive: true });
  }
}

/** The SDK on the demo model. */
export const demoClient = ({ paceMs = 0, delay }: Partial<DemoOptions> = {}): Anthropic =>
  new Anthropic({
    apiKey: "demo",
    baseURL: "http://demo.invalid",
    // The SDK and Deno 2.7 disagree about the type of a body.
    fetch: createDemoFetch({ paceMs, ...delay && { delay } }) as ClientOptions["fetch"],
    maxRetries: 0,
    logLevel: "off",
  });

/** Does the calls with Gaffer's own tools and keeps the evidence as a run does. */
class Bench {
  readonly done: Done[] = [];
  result: unknown = null;
  #ledger = emptyLedger();

  private constructor(
    private readonly desk: Desk,
    private readonly role: Role | "failures",
    private readonly files: PlaceFiles,
    private readonly options: WorkOptions,
    private readonly prompt: string,
  ) {}

  static async open(
    desk: Desk,
    role: Role | "failures",
    options: WorkOptions,
    prompt: string,
  ): Promise<Bench> {
    const rules = await pathRules({ allow: [], block: [] });
    const access = role === "developer" ? "write" : "read";
    return new Bench(
      desk,
      role,
      new PlaceFiles({ dir: desk.dir, access, hidden: [], rules }),
      options,
      prompt,
    );
  }

  get #setup() {
    return { resultName: this.role, checkNames: Object.keys(sampleProject.commands) };
  }

  get tools(): Anthropic.Tool[] {
    return [...toolsOf[this.role], "submit_result"].map((name) => {
      const { description, inputSchema } = toolSpec(name, this.#setup);
      return { name, description, input_schema: inputSchema as Anthropic.Tool.InputSchema };
    });
  }

  async call(call: ToolCall): Promise<{ content: string; isError: boolean }> {
    note(this.#ledger, { type: "tool_started", turn: 1, call });
    const cutOff = this.options.interrupt?.(call) ?? null;
    const answer = cutOff === "before" ? null : await this.#execute(call);
    if (cutOff === "after") this.result = null;
    const { content, isError, ...facts } = cutOff || !answer
      ? { content: INTERRUPTED, isError: true }
      : answer;
    const result: ToolResult = { ...facts, callId: call.id, content, isError, durationMs: 0 };
    note(this.#ledger, { type: "tool_finished", turn: 1, result });
    this.done.push({ name: call.name, input: call.input, content, isError });
    return { content, isError };
  }

  async #execute(call: ToolCall): Promise<Omit<ToolResult, "callId" | "durationMs">> {
    const refuse = (content: string) => ({ content, isError: true });
    const checked = checkInput(call.name, call.input, this.#setup);
    ok(checked.ok, `${call.name} was called wrongly: ${checked.ok || checked.message}`);
    switch (call.name) {
      case "ask_questions":
        return { content: "Recorded.", isError: false };
      case "submit_result": {
        const work = { task: factsOf(this.prompt), deeds: deedsIn(this.#ledger) };
        const faults = faultsIn(this.role, checked.input, work);
        if (faults) return refuse(faults);
        const claim = call.input as { status?: string };
        const missing = claim.status === "done" &&
          missingEvidence(this.#ledger, Object.keys(sampleProject.commands));
        if (missing) return refuse(`Not accepted as done: ${missing}.`);
        this.result = call.input;
        return { content: "Accepted.", isError: false };
      }
      case "run_checks": {
        const name = call.input.name as keyof typeof sampleProject.commands;
        const { code, output } = await this.desk.sh(sampleProject.commands[name]);
        return {
          content: `${name} (exit code ${code})\n\n${output}`,
          isError: code !== 0,
          exitCode: code,
        };
      }
    }
    const context = {
      files: this.files,
      known: this.#ledger.known,
      cwd: "",
      signal: new AbortController().signal,
    } as unknown as ToolContext;
    return await useTool(handsTools.get(call.name)!, checked.input, context)
      .then(({ content, isError = false, files, changed }) => ({
        content,
        isError,
        files,
        changed,
      }))
      .catch((error: Error) => refuse(error.message));
  }
}

// ---------------------------------------------------------------- tasks

/** The sample's ideas: the command that counts, and the place of the tasks. */
export const [count, place] = sampleProject.ideas as [SampleIdea, SampleIdea];
/** An idea that the demo model does not know. */
export const other: SampleIdea = {
  title: "Sort the list by date",
  description: "Oldest first, please.",
  priority: 2,
};

export const ideaOf = ({ title, description }: { title: string; description: string }) => ({
  number: 1,
  title,
  description,
});
export const ticketOf = (idea: SampleIdea) => ({ ...ideaOf(idea), type: "feature" as const });

/** Names of the tools that were called, in order. */
export const names = ({ calls }: Worked) => calls.map(({ name }) => name);
/** Calls that came back as errors. */
export const failed = ({ calls }: Worked) => calls.filter(({ isError }) => isError);
