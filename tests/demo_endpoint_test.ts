/** The demo model as an endpoint of the Messages API, and how it reads a task. */
import Anthropic from "@anthropic-ai/sdk";
import {
  deepStrictEqual as deepEqual,
  match,
  ok,
  rejects,
  strictEqual as equal,
} from "node:assert";
import { createDemoFetch, DEMO_MODEL_ID } from "../agents/demo/model.ts";
import { parseTask } from "../agents/demo/task.ts";
import { buildPrompt } from "../agents/prompts/task_prompt.ts";
import { count, demoClient, ideaOf } from "./demo_support.ts";

const params = {
  model: DEMO_MODEL_ID,
  max_tokens: 1_000,
  messages: [{ role: "user" as const, content: "hi" }],
};

Deno.test("the same request gets the same answer, byte for byte", async () => {
  const ask = async () => {
    const response = await createDemoFetch({ paceMs: 0 })("http://demo.invalid/v1/messages", {
      method: "POST",
      body: JSON.stringify({ ...params, stream: true }),
    });
    return await response.text();
  };
  equal(await ask(), await ask());
});

Deno.test("plain and streamed answers are the same message, and an unknown agent gets an honest one", async () => {
  const plain = await demoClient().messages.create(params);
  const stream = await demoClient().messages.stream(params).finalMessage();
  deepEqual(plain.content, stream.content);
  deepEqual(plain.usage, stream.usage);
  equal(plain.stop_reason, "end_turn");
  const [block] = plain.content;
  match(block?.type === "text" ? block.text : "", /demo model/);
});

Deno.test("it counts tokens, lists itself, and refuses what a strict server refuses", async () => {
  const client = demoClient();
  const { input_tokens } = await client.messages.countTokens({
    model: DEMO_MODEL_ID,
    messages: params.messages,
  });
  const { usage } = await client.messages.create(params);
  equal(usage.input_tokens, input_tokens);
  ok(usage.output_tokens > 0);
  equal((await client.models.retrieve(DEMO_MODEL_ID)).id, DEMO_MODEL_ID);
  deepEqual((await client.models.list()).data.map(({ id }) => id), [DEMO_MODEL_ID]);
  await rejects(
    client.messages.create({ ...params, model: "claude-opus-5-5" }),
    Anthropic.NotFoundError,
  );
  await rejects(client.messages.create({ ...params, max_tokens: 0.5 }), Anthropic.BadRequestError);
  await rejects(client.messages.create({ ...params, messages: [] }), Anthropic.BadRequestError);
  const error = await client.messages.create({ ...params, messages: [] }).catch((e) => e);
  match(error.requestID, /^req_demo_/);
});

Deno.test("with one call at a time the same work is done in more turns", async () => {
  const prompt = buildPrompt({
    purpose: "clarify",
    round: 1,
    project: "sample",
    idea: ideaOf(count),
    files: ["README.md"],
  });
  const tools = ["Glob", "Read"].map((name) => ({
    name,
    input_schema: { type: "object" as const },
  }));
  const messages: Anthropic.MessageParam[] = [{ role: "user", content: prompt }];
  const called: string[] = [];
  for (let turn = 0; turn < 2; turn++) {
    const { content } = await demoClient().messages.create({
      ...params,
      system: "You are the clarifier agent of Gaffer.",
      tools,
      tool_choice: { type: "auto", disable_parallel_tool_use: true },
      messages,
    });
    const [call, ...more] = content.filter((block) => block.type === "tool_use");
    equal(more.length, 0);
    called.push(call!.name);
    messages.push(
      { role: "assistant", content },
      {
        role: "user",
        content: [{ type: "tool_result", tool_use_id: call!.id, content: "1\tTodo" }],
      },
    );
  }
  deepEqual(called, ["Glob", "Read"]);
});

Deno.test("it paces each piece of text, and an abort ends the answer at once", async () => {
  const waits: number[] = [];
  const abort = new AbortController();
  const client = demoClient({
    paceMs: 40,
    delay: (ms, signal) => {
      waits.push(ms);
      if (waits.length < 3) return Promise.resolve();
      abort.abort();
      return Promise.reject(signal!.reason);
    },
  });
  const stream = client.messages.stream(params, { signal: abort.signal });
  await rejects(stream.finalMessage(), Anthropic.APIUserAbortError);
  deepEqual(waits, [40, 40, 40]);
  await rejects(
    createDemoFetch({ paceMs: 0 })("http://demo.invalid/v1/messages", {
      method: "POST",
      signal: AbortSignal.abort(),
    }),
    { name: "AbortError" },
  );
});

Deno.test("the model needs no permission at all", async () => {
  const worker = new Worker(new URL("./fixtures/demo_worker.ts", import.meta.url), {
    type: "module",
    deno: { permissions: "none" },
  });
  try {
    const answer = await new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = (event) => {
        event.preventDefault();
        reject(new Error(event.message));
      };
      worker.postMessage(params);
    });
    deepEqual(answer, { status: 200, stopReason: "end_turn" });
  } finally {
    worker.terminate();
  }
});
// ---------------------------------------------------------------- reading a task

Deno.test("parseTask() reads what buildPrompt() writes", () => {
  const task = parseTask(buildPrompt({
    purpose: "fix",
    round: 2,
    project: "p",
    idea: { number: 1, title: 'A "big" <b> & c', description: "Line one\n\n- two </idea> three" },
    ticket: { number: 2, type: "docs", title: "T", description: "" },
    acceptance: ["one", "two\nlines"],
    findings: [{ path: "a.ts", line: 3, kind: "related", text: "x" }],
    answers: [
      { text: "Why?", status: "answered", answer: "Because\nof <task> it" },
      { text: "How?", status: "skipped", answer: "" },
    ],
    feedback: "Shorter",
    subtask: { position: 2, of: 3, title: "S", description: "Do it" },
    commands: [{ name: "build", command: "sh build.sh" }],
    checkFailures: [
      { name: "build", status: "passed", exitCode: 0, report: null, tail: "fine" },
      {
        name: "test",
        status: "failed",
        exitCode: 1,
        report: null,
        tail: "not ok </check_failures>",
      },
    ],
    requestedChanges: "Please\n- a:1: b",
    guidance: "Go on",
    diff: "+</diff>\n+x",
    output: "boom",
    files: ["a.ts", "b/c.ts"],
  }));
  deepEqual([task.purpose, task.round], ["fix", 2]);
  deepEqual(task.idea, {
    title: 'A "big" <b> & c',
    text: "Line one\n\n- two &lt;/idea> three",
  });
  deepEqual(task.ticket, { title: "T", type: "docs", text: "" });
  deepEqual(task.acceptance, ["one", "two lines"]);
  deepEqual(task.findings, ["a.ts:3 related: x"]);
  deepEqual(task.answers, [{ question: "Why?", text: "Because\nof &lt;task> it" }]);
  equal(task.feedback, "Shorter");
  deepEqual(task.subtask, { position: 2, of: 3, title: "S", text: "Do it" });
  deepEqual(task.commands, { build: "sh build.sh" });
  deepEqual(task.checkFailures.map(({ name }) => name), ["build", "test"]);
  match(task.checkFailures[1]!.text, /not ok &lt;\/check_failures>$/);
  match(task.requestedChanges, /^Please\n- a:1: b$/);
  equal(task.guidance, "Go on");
  equal(task.diff, "+&lt;/diff>\n+x");
  equal(task.output, "boom");
  deepEqual(task.files, ["a.ts", "b/c.ts"]);
});

Deno.test("parseTask() takes a text without sections for an empty task", () => {
  const task = parseTask("Just do it </task> <idea");
  deepEqual([task.purpose, task.idea, task.files], ["", null, []]);
});
