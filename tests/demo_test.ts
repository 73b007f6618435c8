/** The demo model's developers: the sample's ideas with real edits and checks, and honest refusals. */
import {
  deepStrictEqual as deepEqual,
  match,
  notStrictEqual as notEqual,
  ok,
  strictEqual as equal,
} from "node:assert";
import { type SampleIdea, sampleProject } from "../agents/demo/sample.ts";
import { count, Desk, failed, ideaOf, names, other, place, ticketOf } from "./demo_support.ts";

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
// ---------------------------------------------------------------- development

type Plan = { acceptance: string[]; subtasks: { title: string; description: string }[] };

/** Plans an idea as the estimator does after this answer. */
async function planned(desk: Desk, idea: SampleIdea, answer: string): Promise<Plan> {
  const { result } = await desk.work("estimator", "estimator", {
    purpose: "estimate",
    idea: ideaOf(idea),
    answers: [{ text: "?", status: "answered", answer }],
  });
  return result;
}

async function develop(
  desk: Desk,
  idea: SampleIdea,
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

Deno.test("one idea can be developed on top of the other, in either order", async () => {
  for (const ideas of [[count, place], [place, count]]) {
    await using desk = await Desk.open();
    for (const idea of ideas) {
      const plan = await planned(desk, idea, "");
      for (const index of [0, 1]) {
        equal((await develop(desk, idea, plan, index)).result.status, "done");
      }
      if (idea === count) {
        const fix = await desk.work("feature-dev", "developer", fixTask(plan, "not ok"));
        equal(fix.result.status, "done");
        await desk.commit("Mend");
      }
    }
    equal((await desk.sh("sh build.sh && sh test.sh")).code, 0);
    const { output } = await desk.sh("sh todo.sh help");
    match(output, /count {10}show how many/);
    match(output, /TODO_FILE/);
  }
});

Deno.test("requested changes are written down in the README in their own words, and checked", async () => {
  await using desk = await Desk.open();
  const change = (requestedChanges: string) =>
    desk.work("feature-dev", "developer", {
      purpose: "change",
      ticket: ticketOf(count),
      requestedChanges,
    });
  const first = await change("Say it in two words.\n- todo.sh:3: Why set -e?");
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
      ticket: ticketOf(other),
    });
    equal(work.result.status, "blocked");
    match(work.result.summary, /demo model/);
    match(work.result.summary, /can implement only the sample project's ideas/);
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
