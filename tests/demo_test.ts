/** The demo model: takes the sample's ideas through every agent with real edits and checks, and is honest. */
import Anthropic from "@anthropic-ai/sdk";
import { deepStrictEqual as deepEqual, equal, match, notEqual, ok, rejects } from "node:assert";
import { createDemoFetch, DEMO_MODEL_ID } from "../agents/demo/model.ts";
import { sampleProject } from "../agents/demo/sample.ts";
import { parseTask } from "../agents/demo/task.ts";
import { buildPrompt } from "../agents/task_prompt.ts";
import { demoClient, Desk, type Worked } from "./demo_support.ts";

const [count, place] = sampleProject.ideas as [
  typeof sampleProject.ideas[0],
  typeof sampleProject.ideas[0],
];
const other = { title: "Sort the list by date", description: "Oldest first, please." };

const ideaOf = ({ title, description }: { title: string; description: string }) => ({
  number: 1,
  title,
  description,
});
const names = ({ calls }: Worked) => calls.map(({ name }) => name);
const failed = ({ calls }: Worked) => calls.filter(({ isError }) => isError);

// ---------------------------------------------------------------- the sample

Deno.test("the sample project builds and its tests pass before anybody touches it", async () => {
  await using desk = await Desk.open();
  equal((await desk.sh(sampleProject.commands.build)).code, 0);
  const { code, output } = await desk.sh(sampleProject.commands.test);
  equal(code, 0, output);
  match(output, /^TAP version 13\n(ok \d+ - .*\n)+1\.\.7\n$/);
  equal(await desk.git("status", "--porcelain"), "", "what the build writes is ignored");
});

Deno.test("a broken sample program fails its build, a wrong one its tests", async () => {
  await using desk = await Desk.open();
  const program = await desk.read("todo.sh");
  await Deno.writeTextFile(`${desk.dir}/todo.sh`, program.replace("[ ] %s", "[-] %s"));
  notEqual((await desk.sh("sh test.sh")).code, 0);
  await Deno.writeTextFile(`${desk.dir}/todo.sh`, program + "\nif");
  notEqual((await desk.sh("sh build.sh")).code, 0);
});

// ---------------------------------------------------------------- refinement

Deno.test("for the sample's first idea the clarifier looks first and asks one question with options", async () => {
  await using desk = await Desk.open();
  const work = await desk.work("clarifier", "clarifier", {
    purpose: "clarify",
    idea: ideaOf(count),
  });
  deepEqual(names(work), ["Glob", "Read", "ask_questions", "submit_result"]);
  const { questions } = work.calls[2]!.input as { questions: { options: string[]; why: string }[] };
  equal(questions.length, 1);
  equal(questions[0]!.options.length, 3);
  ok(questions[0]!.why);
  equal(work.result.type, "feature");
  equal(work.result.acceptance.length, 3);
  match(work.texts[0]!, /demo model/);
});

Deno.test("nothing is asked again once somebody answered or sent it back", async () => {
  await using desk = await Desk.open();
  for (
    const parts of [
      { answers: [{ text: "How?", status: "answered" as const, answer: "Two lines" }] },
      { round: 2, feedback: "Shorter, please" },
    ]
  ) {
    const work = await desk.work("clarifier", "clarifier", {
      purpose: "clarify",
      idea: ideaOf(count),
      ...parts,
    });
    deepEqual(names(work), ["Glob", "Read", "submit_result"]);
  }
});

Deno.test("for any other idea the clarifier asks one or two questions that follow from its words", async () => {
  await using desk = await Desk.open();
  const asked = async (title: string, description: string) => {
    const work = await desk.work("clarifier", "clarifier", {
      purpose: "clarify",
      idea: ideaOf({ title, description }),
    });
    const { questions } = work.calls.find(({ name }) => name === "ask_questions")!
      .input as { questions: { question: string }[] };
    return { type: work.result.type, questions: questions.map(({ question }) => question) };
  };
  const bug = await asked("The list is broken", "It crashes");
  equal(bug.type, "bugfix");
  equal(bug.questions.length, 2);
  match(bug.questions[0]!, /steps show “The list is broken”/);
  const long = await asked("Sort", "- by date\n- by name");
  equal(long.questions.length, 1);
});

Deno.test("the researcher's findings stand at real lines of the project", async () => {
  await using desk = await Desk.open();
  const work = await desk.work("researcher", "researcher", {
    purpose: "research",
    idea: ideaOf(count),
  });
  equal(names(work)[0], "Grep");
  ok(work.result.findings.length >= 3);
  for (const { path, line, text } of work.result.findings) {
    const lines = (await desk.read(path)).split("\n");
    const quoted = text.match(/^`(.*)` mentions/)[1].replace(/…$/, "");
    ok(lines[line - 1]!.replace(/\s+/g, " ").includes(quoted), `${path}:${line} is not ${quoted}`);
  }
});

Deno.test("the answer to the question decides what is planned", async () => {
  await using desk = await Desk.open();
  const plan = async (answer: string | null, feedback = "") => {
    const { result } = await desk.work("estimator", "estimator", {
      purpose: "estimate",
      idea: ideaOf(count),
      feedback,
      answers: [{
        text: "How should `todo count` print the numbers?",
        status: answer === null ? "skipped" : "answered",
        answer: answer ?? "",
      }],
    });
    equal(result.subtasks.length, 2);
    return result.acceptance[0] as string;
  };
  match(await plan("One sentence: 2 open, 1 done"), /one sentence/);
  match(await plan("Two lines: open 2 and done 1"), /two lines/);
  match(await plan("Only the number of open tasks"), /only the number/);
  match(await plan("each on its own line!"), /two lines/);
  match(await plan("Something with colours"), /one sentence/);
  match(await plan(null), /one sentence/);
  match(await plan("One sentence: 2 open, 1 done", "No, just the open ones"), /only the number/);
});

Deno.test("for any other idea the plan follows from description, answers and acceptance", async () => {
  await using desk = await Desk.open();
  const { result } = await desk.work("estimator", "estimator", {
    purpose: "estimate",
    idea: ideaOf({ title: "Sort the list", description: "- by date\n- by name" }),
    acceptance: ["The list is sorted"],
    answers: [{ text: "Which first?", status: "answered", answer: "Date" }],
  });
  deepEqual(result.subtasks.map(({ title }: { title: string }) => title), [
    "by date",
    "by name",
    "Test: Sort the list",
  ]);
  deepEqual(result.acceptance, ["The list is sorted", "As answered: Which first? → Date"]);
});

Deno.test("the prioritizer goes by what the idea says", async () => {
  await using desk = await Desk.open();
  const priority = async (title: string, description = "") => {
    const { result } = await desk.work("prioritizer", "prioritizer", {
      purpose: "prioritize",
      idea: ideaOf({ title, description }),
    });
    return result.priority;
  };
  equal(await priority(count.title), "normal");
  equal(await priority(place.title), "low");
  equal(await priority("The list loses data"), "urgent");
  equal(await priority("Sorting is broken"), "high");
  equal(await priority("A typo in the help"), "low");
  equal(await priority("Sort the list"), "normal");
});

Deno.test("refinement works in an empty project with an idea that is only a title", async () => {
  await using desk = await Desk.open([{ path: "x", content: "" }]);
  const idea = ideaOf({ title: "?", description: "" });
  for (
    const [role, purpose] of [
      ["clarifier", "clarify"],
      ["researcher", "research"],
      ["estimator", "estimate"],
      ["prioritizer", "prioritize"],
    ] as const
  ) ok((await desk.work(role, role, { purpose, idea })).result, role);
});

// ---------------------------------------------------------------- development

type Plan = { acceptance: string[]; subtasks: { title: string; description: string }[] };

/** Plans an idea as the estimator does after this answer. */
async function planned(desk: Desk, idea: typeof count, answer: string): Promise<Plan> {
  const { result } = await desk.work("estimator", "estimator", {
    purpose: "estimate",
    idea: ideaOf(idea),
    answers: [{ text: "?", status: "answered", answer }],
  });
  return result;
}

const ticketOf = ({ title, description }: typeof count) => ({
  number: 1,
  type: "feature" as const,
  title,
  description,
});

async function develop(
  desk: Desk,
  idea: typeof count,
  { acceptance, subtasks }: Plan,
  index: number,
  options = {},
) {
  const work = await desk.work("feature-dev", "developer", {
    purpose: "develop",
    ticket: ticketOf(idea),
    acceptance,
    subtask: { position: index + 1, of: subtasks.length, ...subtasks[index]! },
  }, options);
  await desk.commit(`Subtask ${index + 1}`);
  return work;
}

const fixTask = (plan: Plan, tail: string) => ({
  purpose: "fix" as const,
  ticket: ticketOf(count),
  acceptance: plan.acceptance,
  checkFailures: [{
    name: "test" as const,
    status: "failed" as const,
    exitCode: 1,
    report: null,
    tail,
  }],
});

const formats = [
  ["One sentence: 2 open, 1 done", "1 open, 1 done\n", "0 open, 0 done\n"],
  ["Two lines: open 2 and done 1", "open 1\ndone 1\n", "open 0\ndone 0\n"],
  ["Only the number of open tasks", "1\n", "0\n"],
] as const;

for (const [answer, mixed, empty] of formats) {
  Deno.test(`the first idea is developed, fails its test, is mended and reviewed (${answer})`, async () => {
    await using desk = await Desk.open();
    const plan = await planned(desk, count, answer);

    const first = await develop(desk, count, plan, 0);
    equal(first.result.status, "done");
    deepEqual(failed(first), []);
    deepEqual(first.calls.filter((c) => c.name === "run_checks").map((c) => c.input), [{
      name: "build",
    }]);
    match(await desk.git("show", "--stat", "HEAD"), /todo\.sh/);

    const second = await develop(desk, count, plan, 1);
    equal(second.result.status, "done");
    deepEqual(failed(second), []);
    deepEqual(second.calls.filter((c) => c.name === "run_checks").map((c) => c.input), [{
      name: "build",
    }]);
    match(await desk.read("README.md"), /sh todo\.sh count/);

    equal((await desk.sh("sh build.sh")).code, 0);
    const test = await desk.sh("sh test.sh");
    equal(test.code, 1, "only the tests find the fault");
    match(test.output, /not ok \d+ - count when everything is done/);

    const fix = await desk.work("feature-dev", "developer", fixTask(plan, test.output));
    equal(fix.result.status, "done", JSON.stringify(fix.result));
    deepEqual(failed(fix), []);
    deepEqual(fix.calls.filter((c) => c.name === "run_checks").map((c) => c.input), [
      { name: "build" },
      { name: "test" },
    ]);
    await desk.commit("Mend");
    equal((await desk.sh("sh test.sh")).code, 0);

    const todo = "TODO_FILE=$PWD/dist/list.txt sh todo.sh";
    equal((await desk.sh(`${todo} count`)).output, empty);
    await desk.sh(`${todo} add a; ${todo} add b; ${todo} done 1`);
    deepEqual(await desk.sh(`${todo} count`), { code: 0, output: mixed });

    const diff = await desk.git("diff", "main~3", "HEAD");
    const review = await desk.work("reviewer", "reviewer", {
      purpose: "review",
      ticket: ticketOf(count),
      acceptance: plan.acceptance,
      diff,
      checks: [{ name: "test", status: "passed", exitCode: 0, report: null, baseline: false }],
    });
    deepEqual(names(review).at(-1), "submit_result");
    ok(names(review).includes("Read"));
    deepEqual(
      review.result.criteria.map((c: { criterion: string; met: boolean }) => [c.criterion, c.met]),
      plan.acceptance.map((criterion) => [criterion, true]),
    );
    ok(review.result.findings.length > 0);
    for (const { path, line, severity } of review.result.findings) {
      const text = (await desk.read(path)).split("\n")[line - 1];
      ok(text && diff.includes(`+${text}`), `${path}:${line} is not in the diff`);
      ok(["note", "minor"].includes(severity));
    }
  });
}

Deno.test("a second try at a subtask finds the work done and only checks it", async () => {
  await using desk = await Desk.open();
  const plan = await planned(desk, count, "One sentence");
  for (const index of [0, 1]) {
    await develop(desk, count, plan, index);
    const again = await develop(desk, count, plan, index);
    equal(again.result.status, "done");
    ok(!names(again).some((name) => name === "Edit" || name === "Write"));
    equal(await desk.git("show", "--stat", "--format=", "HEAD"), "");
  }
});

Deno.test("a ticket without subtasks is developed in one run", async () => {
  await using desk = await Desk.open();
  const { result } = await desk.work("feature-dev", "developer", {
    purpose: "develop",
    ticket: ticketOf(count),
  });
  equal(result.status, "done");
  match(await desk.read("todo.sh"), /count_tasks\(\)/);
  match(await desk.read("tests/count.sh"), /check "count/);
});

for (const answer of ["A section of its own", "One line under the commands"]) {
  Deno.test(`the second idea is developed without a failed round (${answer})`, async () => {
    await using desk = await Desk.open();
    const plan = await planned(desk, place, answer);
    for (const index of [0, 1]) {
      const work = await develop(desk, place, plan, index);
      equal(work.result.status, "done");
      deepEqual(failed(work), []);
    }
    const readme = await desk.read("README.md");
    match(readme, /TODO_FILE/);
    equal(readme.includes("## Where the tasks are kept"), answer.includes("section"));
    match((await desk.sh("sh todo.sh help")).output, /the file that TODO_FILE names/);
    equal((await desk.sh("sh build.sh && sh test.sh")).code, 0);
  });
}

Deno.test("requested changes are written down in the README in their own words, and checked", async () => {
  await using desk = await Desk.open();
  const change = (text: string, comments: { path: string; line: number; body: string }[] = []) =>
    desk.work("feature-dev", "developer", {
      purpose: "change",
      ticket: ticketOf(count),
      requestedChanges: { text, comments },
    });
  const first = await change("Say it in two words.", [
    { path: "todo.sh", line: 3, body: "Why set -e?" },
  ]);
  equal(first.result.status, "done");
  await desk.commit("Change");
  const second = await change("And shorter.");
  deepEqual(failed(second), []);
  match(
    await desk.read("README.md"),
    /## Notes from the review\n\n- And shorter\.\n- Say it in two words\.\n- todo\.sh:3: Why set -e\?\n\n## /,
  );
  deepEqual(second.calls.filter((c) => c.name === "run_checks").map((c) => c.input.name), [
    "build",
    "test",
  ]);
});

// ---------------------------------------------------------------- honest refusals

Deno.test("a ticket that is not of the sample is looked at, left alone and blocked honestly", async () => {
  await using desk = await Desk.open();
  for (const purpose of ["develop", "fix", "change"] as const) {
    const work = await desk.work("bugfix-dev", "developer", {
      purpose,
      ticket: ticketOf({ ...other, priority: 2 }),
    });
    equal(work.result.status, "blocked");
    match(work.result.summary, /demo model/);
    match(work.result.summary, /ANTHROPIC_API_KEY/);
    ok(work.calls.length > 1, "it looked first");
    ok(!names(work).some((name) => name === "Edit" || name === "Write"));
  }
  equal(await desk.git("status", "--porcelain"), "");
});

Deno.test("the sample's idea in a project that is not the sample is blocked with what was expected", async () => {
  await using desk = await Desk.open([{ path: "todo.sh", content: "echo another program\n" }]);
  const { result } = await desk.work("feature-dev", "developer", {
    purpose: "develop",
    ticket: ticketOf(count),
  });
  equal(result.status, "blocked");
  match(
    result.summary,
    /I expected this exactly once in todo\.sh, but it is there 0 times:\nusage\(\) \{/,
  );
  equal(await desk.git("status", "--porcelain"), "");
});

Deno.test("a subtask that somebody else planned is blocked", async () => {
  await using desk = await Desk.open();
  const { result } = await desk.work("feature-dev", "developer", {
    purpose: "develop",
    ticket: ticketOf(count),
    subtask: { position: 1, of: 1, title: "Add colours", description: "" },
  });
  equal(result.status, "blocked");
  match(result.summary, /“Add colours” is not one of the subtasks/);
});

Deno.test("a failure that it does not know is blocked, with what it looked for", async () => {
  await using desk = await Desk.open();
  const plan = await planned(desk, count, "One sentence");
  await develop(desk, count, plan, 0);
  await develop(desk, count, plan, 1);
  const first = await desk.work("feature-dev", "developer", fixTask(plan, "not ok 4"));
  equal(first.result.status, "done");
  const second = await desk.work("feature-dev", "developer", fixTask(plan, "not ok 4"));
  equal(second.result.status, "blocked");
  match(second.result.summary, /What failed must be something else/);
});

Deno.test("a check that fails in its own run is blocked with the end of what it printed", async () => {
  await using desk = await Desk.open();
  await Deno.writeTextFile(`${desk.dir}/build.sh`, "echo no compiler here; exit 3\n");
  await desk.commit("Break the build");
  const plan = await planned(desk, count, "One sentence");
  const { result } = await develop(desk, count, plan, 0);
  equal(result.status, "blocked");
  match(result.summary, /The check "build" failed.*\n.*exit code 3.*\n\nno compiler here/);
});

// ---------------------------------------------------------------- interruptions

for (const moment of ["before", "after"] as const) {
  for (const tool of ["Edit", "Write", "run_checks", "submit_result"]) {
    Deno.test(`a restart ${moment} the first ${tool} was done leads to the same files`, async () => {
      await using desk = await Desk.open();
      const plan = await planned(desk, count, "One sentence");
      let open = true;
      const interrupt = (call: { name: string }) => {
        if (!open || call.name !== tool) return null;
        open = false;
        return moment;
      };
      const first = await develop(desk, count, plan, 0, { interrupt });
      const second = await develop(desk, count, plan, 1, { interrupt });
      equal(open, false);
      deepEqual([first.result.status, second.result.status], ["done", "done"]);
      const files = await Promise.all(
        ["todo.sh", "tests/count.sh", "README.md"].map((p) => desk.read(p)),
      );

      await using calm = await Desk.open();
      await develop(calm, count, plan, 0);
      await develop(calm, count, plan, 1);
      deepEqual(
        files,
        await Promise.all(["todo.sh", "tests/count.sh", "README.md"].map((p) => calm.read(p))),
      );
    });
  }
}

Deno.test("a question that a restart cut off is asked again", async () => {
  await using desk = await Desk.open();
  let open = true;
  const work = await desk.work("clarifier", "clarifier", {
    purpose: "clarify",
    idea: ideaOf(count),
  }, {
    interrupt: (call) => {
      if (!open || call.name !== "ask_questions") return null;
      open = false;
      return "before";
    },
  });
  deepEqual(names(work), ["Glob", "Read", "ask_questions", "ask_questions", "submit_result"]);
  ok(work.result);
});

// ---------------------------------------------------------------- review and explanation

Deno.test("the reviewer says of a criterion that nothing in the diff shows that it is not met", async () => {
  await using desk = await Desk.open();
  const { result } = await desk.work("reviewer", "reviewer", {
    purpose: "review",
    ticket: ticketOf({ ...other, priority: 2 }),
    acceptance: ["The moon is green"],
    diff: "diff --git a/VERSION b/VERSION\n--- a/VERSION\n+++ b/VERSION\n@@ -1 +1 @@\n-0.9\n+1.0\n",
  });
  deepEqual(result.criteria.map(({ met }: { met: boolean }) => met), [false]);
});

Deno.test("the explainer quotes the telling lines, with their place where there is one", async () => {
  await using desk = await Desk.open();
  const explain = async (output: string) => {
    const { result, calls } = await desk.work("explainer", "explainer", {
      purpose: "explain",
      output,
    });
    equal(calls.length, 1, "it has no other tool");
    return result.failures;
  };
  deepEqual(await explain("compiling\ntodo.sh:12: syntax error near fi\nmake: stopped"), [
    { file: "todo.sh", line: 12, message: "todo.sh:12: syntax error near fi" },
  ]);
  deepEqual(await explain("one\nlast words"), [{ message: "last words" }]);
});

// ---------------------------------------------------------------- the endpoint

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
  const demoFetch = createDemoFetch({
    paceMs: 40,
    delay: (ms, signal) => {
      waits.push(ms);
      if (waits.length < 3) return Promise.resolve();
      abort.abort();
      return Promise.reject(signal!.reason);
    },
  });
  const client = new Anthropic({
    apiKey: "demo",
    baseURL: "http://demo.invalid",
    fetch: demoFetch,
    maxRetries: 0,
    logLevel: "off",
  });
  const stream = client.messages.stream(params, { signal: abort.signal });
  await rejects(stream.finalMessage(), Anthropic.APIUserAbortError);
  deepEqual(waits, [40, 40, 40]);
  await rejects(
    demoFetch("http://demo.invalid/v1/messages", { method: "POST", signal: AbortSignal.abort() }),
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
    requestedChanges: { text: "Please", comments: [{ path: "a", line: 1, body: "b" }] },
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
