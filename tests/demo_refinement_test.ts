/** The demo model's agents around development: questions, findings, plan, priority, review, explanation. */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert";
import { count, Desk, ideaOf, names, other, place, ticketOf } from "./demo_support.ts";

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
    ticket: ticketOf(other),
    acceptance: ["The moon is green"],
    diff: "diff --git a/VERSION b/VERSION\n--- a/VERSION\n+++ b/VERSION\n@@ -1 +1 @@\n-0.9\n+1.0\n",
  });
  deepEqual(result.criteria.map(({ met }: { met: boolean }) => met), [false]);
});

Deno.test("the reviewer calls a criterion met only when every file that it names was touched for it", async () => {
  await using desk = await Desk.open();
  const change = (path: string, line: string) =>
    `diff --git a/${path} b/${path}\n--- a/${path}\n+++ b/${path}\n@@ -1,0 +2 @@\n+${line}\n`;
  const judged = async (diff: string) => {
    const { result } = await desk.work("reviewer", "reviewer", {
      purpose: "review",
      ticket: ticketOf(other),
      acceptance: [
        "The help text and the README show `count`",
        "todo.sh has `count`",
        "It has a count",
      ],
      diff,
    });
    return result.criteria.map(({ met }: { met: boolean }) => met);
  };
  const help = change("todo.sh", "  count          show how many tasks are open");
  deepEqual(await judged(help), [false, true, true]);
  deepEqual(await judged(help + change("README.md", "A blank")), [false, true, true]);
  deepEqual(await judged(help + change("README.md", "sh todo.sh count")), [true, true, true]);
  deepEqual(await judged(change("README.md", "sh todo.sh count")), [true, false, true]);
});

Deno.test("the demo model looks for the idea's words, not for those it said of itself", async () => {
  await using desk = await Desk.open();
  const asked = { number: 1, title: "Paint the moon", description: "" };
  const { result } = await desk.work("clarifier", "clarifier", { purpose: "clarify", idea: asked });
  match(result.summary, /demo model/);
  const work = await desk.work("feature-dev", "developer", {
    purpose: "develop",
    ticket: { ...ticketOf(other), title: asked.title, description: result.summary },
  });
  const grep = work.calls.find(({ name }) => name === "Grep")!;
  equal(grep.input.pattern, "paint|moon");
});

Deno.test("the tester quotes the telling lines, with their place where there is one", async () => {
  await using desk = await Desk.open();
  const explain = async (output: string) => {
    const { result, calls } = await desk.work("tester", "failures", {
      purpose: "explain",
      output,
    });
    ok(calls.every(({ name }) => name === "Read" || name === "submit_result"));
    return result.failures;
  };
  deepEqual(await explain("compiling\ntodo.sh:12: syntax error near fi\nmake: stopped"), [
    { file: "todo.sh", line: 12, message: "todo.sh:12: syntax error near fi" },
  ]);
  deepEqual(await explain("one\nlast words"), [{ message: "last words" }]);
});
