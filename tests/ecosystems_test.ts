/** Real bugs and features in projects of four ecosystems, with their own tests, from the ticket to the merge. */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert";
import type { MessageReply } from "./fake_claude/mod.ts";
import type { Json } from "./gaffer.ts";
import { installed, roundOf, Story } from "./ecosystem_support.ts";
import { personGit } from "./git_support.ts";
import { calls, expect, ifGood, runsOf, submit, type Turn } from "./journey_support.ts";

const done = (summary: string) => submit({ status: "done", summary });
const good = submit({ summary: "Good", findings: [], criteria: [] });
const read = (path: string) => calls(["Read", { file_path: path }]);
const edit = (file_path: string, old_string: string, new_string: string) =>
  ["Edit", { file_path, old_string, new_string }] as [string, Record<string, unknown>];
const write = (file_path: string, content: string) =>
  ["Write", { file_path, content }] as [string, Record<string, unknown>];

Deno.test({
  name: "Node: a bug is mended in the second round, merged, and the merge undone",
  ignore: !installed("node"),
  async fn(t) {
    const cart =
      "export const total = (items) =>\n  items.reduce((sum, { price }) => sum + price, 0);\n";
    const test = 'import assert from "node:assert";\nimport { test } from "node:test";\n' +
      'import { total } from "../src/cart.js";\n\n' +
      'test("sums prices", () => assert.equal(total([{ price: 2 }, { price: 3 }]), 5));\n';
    const counted =
      'test("counts quantities", () => {\n  assert.equal(total([{ price: 2, quantity: 3 }]), 6);\n});\n';
    await using story = await Story.begin({
      files: {
        "package.json": '{ "type": "module" }\n',
        "src/cart.js": cart,
        "test/cart.test.js": test,
      },
      commands: { build: "node --check src/cart.js", test: "node --test test/cart.test.js" },
      ticket: {
        title: "Count quantities",
        type: "bugfix",
        description: "Three for the price of one",
      },
      scripts: {
        develop: [
          calls(["Read", { file_path: "src/cart.js" }], ["Read", {
            file_path: "test/cart.test.js",
          }]),
          // The test first, which shows the bug.
          calls(edit("test/cart.test.js", "5));\n", `5));\n\n${counted}`)),
          calls(["run_checks", { name: "test" }]),
          ({ results: [result] }) => {
            expect(result!.isError && /counts quantities/.test(result!.content), result!.content);
            return calls(
              edit(
                "src/cart.js",
                "{ price }) => sum + price",
                "{ price, quantity }) => sum + price * quantity",
              ),
            );
          },
          // It only makes sure that what it wrote can be read.
          calls(["run_checks", { name: "build" }]),
          ifGood(done("It multiplies")),
        ],
        fix: [
          read("src/cart.js"),
          calls(edit("src/cart.js", "quantity }", "quantity = 1 }")),
          calls(["run_checks", { name: "test" }]),
          ifGood(done("One is the default")),
        ],
        review: good,
      },
    });

    await t.step("the developer is told which test fails where, and why", async () => {
      const { head_commit } = await story.reviewed();
      const told = story.told("fix");
      match(told, /<check_failures name="test" exit_code="1">\n1 failed, 1 passed, 0 skipped\n/);
      match(told, /- test\/cart\.test\.js:5 sums prices: [^\n]*NaN[^]*5/);
      match(told, /<changed_since_green base_commit=[^]*\+ {2}items\.reduce/);
      const tests = (await story.checks()).filter(({ name }) => name === "test");
      deepEqual(
        tests.map((
          { baseline, status, report },
        ) => [baseline, status, report.format, report.passed]),
        [
          [true, "passed", "node --test", 1],
          [false, "failed", "node --test", 1],
          // Run once more: a flaky one would pass now.
          [false, "failed", "node --test", 1],
          [false, "passed", "node --test", 2],
        ],
      );
      deepEqual(await story.checksOf(head_commit), [["build", "passed"], ["test", "passed"]]);
    });

    let commit = "";
    await t.step("the merged base passes its own tests", async () => {
      commit = await story.merged();
      const { passed, output } = await story.byHand("test");
      ok(passed && /pass 2\b/.test(output), output);
      match(
        await story.repo.git("log", "-1", "--format=%B"),
        /^fix: [^]*^Developed-by: bugfix-dev/m,
      );
    });

    await t.step("undone, the bug is back, and what passed before passes again", async () => {
      await story.client.post(`${story.path}/undo`, { why: "Half prices first" });
      const { undo } = await story.client.until(
        `${story.path}/undo`,
        (now) => now.undo.status !== "pending",
      );
      equal(undo.status, "done", undo.reason);
      equal(await story.repo.git("rev-parse", "main^", "main"), `${commit}\n${undo.commit}`);
      equal(await story.repo.read("src/cart.js"), cart);
      const { passed, output } = await story.byHand("test");
      ok(passed && /pass 1\b/.test(output), output);
    });
    story.clean();
  },
});

Deno.test({
  name:
    "Deno: a feature with a flaky test, whose conflict with the person's own commit the developer resolves",
  ignore: !installed("deno"),
  async fn(t) {
    const slug = "export const slug = (title: string): string => title.toLowerCase();\n";
    // Fails on its third execution in a folder: on the first of the ticket's own commit.
    const test = 'import { equal, ok } from "node:assert";\nimport { slug } from "./slug.ts";\n\n' +
      'Deno.test("lower case", () => equal(slug("One"), "one"));\n\n' +
      'Deno.test("keeps time", () => {\n' +
      '  Deno.writeTextFileSync(".times", "x", { append: true });\n' +
      '  ok(Deno.readTextFileSync(".times").length !== 3, "The clock was late");\n});\n';
    const own = slug.replace("toLowerCase()", "trim().toLowerCase()");
    const both = own.replace("Case()", 'Case().replaceAll(" ", "-")');
    await using story = await Story.begin({
      files: {
        "deno.json": "{}\n",
        ".gitignore": ".times\n",
        "slug.ts": slug,
        "slug_test.ts": test,
      },
      commands: { test: "deno test --no-check -A" },
      ticket: { title: "Dashes for spaces", type: "feature", description: "In slugs" },
      scripts: {
        develop: [
          calls(["Read", { file_path: "slug.ts" }], ["Read", { file_path: "slug_test.ts" }]),
          calls(
            edit(
              "slug_test.ts",
              '"one"));\n',
              `"one"));\n\nDeno.test("dashes", () => equal(slug("One two"), "one-two"));\n`,
            ),
            edit("slug.ts", "Case()", 'Case().replaceAll(" ", "-")'),
          ),
          calls(["run_checks", { name: "test" }]),
          ifGood(done("Spaces become dashes")),
        ],
        change: [
          read("slug.ts"),
          ({ results: [result] }) => {
            expect(
              /<<<<<<<[^]*trim\(\)[^]*=======[^]*replaceAll[^]*>>>>>>>/.test(result!.content),
              result!.content,
            );
            return calls(write("slug.ts", both));
          },
          calls(["run_checks", { name: "test" }]),
          ifGood(done("It trims and makes dashes")),
        ],
        review: good,
      },
    });

    await t.step(
      "what fails and then passes on the same commit is flaky, and no reason to go back",
      async () => {
        const { head_commit, round } = await story.reviewed();
        equal(round, 0);
        const tests = (await story.checks()).filter(({ commit, name }) =>
          commit === head_commit && name === "test"
        );
        deepEqual(
          tests.map(({ status, report }) => [status, report.format, report.passed, report.failed]),
          [
            ["failed", "deno test", 2, 1],
            ["passed", "deno test", 3, 0],
          ],
        );
        deepEqual(tests[1].flaky, [{ file: "slug_test.ts", test: "keeps time" }]);
        deepEqual([tests[0].report.failures[0].file, tests[0].report.failures[0].line], [
          "slug_test.ts",
          10,
        ]);
        const { items } = await story.client.get(`/projects/${story.project.id}/flaky-tests`);
        deepEqual(items.map(({ test }: Json) => test), ["keeps time"]);
      },
    );

    await t.step("the conflict is shown, resolved, and both changes are on the base", async () => {
      const mine = await story.repo.commit("Trim", { "slug.ts": own });
      const blocked = await story.approved();
      deepEqual([blocked.status, blocked.failure], ["blocked", "merge_conflict"]);
      match(blocked.reason, /changed the same lines in: slug\.ts\n[^]*trim\(\)[^]*replaceAll/);
      equal(await story.repo.git("rev-parse", "main"), mine);
      await story.client.post(`${story.path}/resolve-conflict`);
      await story.client.until(story.path, ({ status }) => status === "in_progress");
      equal((await story.reviewed()).base_commit, mine);
      const commit = await story.merged();
      equal(await story.repo.git("rev-parse", "main^"), mine);
      equal(await story.repo.read("slug.ts"), both);
      const { passed, output } = await story.byHand("test");
      ok(passed && /3 passed/.test(output), output);
      match(await story.repo.git("show", "--stat", commit), /slug_test\.ts/);
    });
    story.clean();
  },
});

Deno.test({
  name:
    "Python: a baseline that fails keeps nothing up; three failed rounds block, and guidance leads to the merge",
  ignore: !installed("python3"),
  async fn(t) {
    const text =
      "def wrap(line, width):\n    return [line]\n\n\ndef title(line):\n    return line.title()\n";
    const test = "import unittest\n\nfrom text import title, wrap\n\n\n" +
      "class Text(unittest.TestCase):\n" +
      "    def test_title_keeps_apostrophes(self):\n" +
      '        self.assertEqual(title("it\'s"), "It\'s")\n\n' +
      "    def test_short(self):\n" +
      '        self.assertEqual(wrap("one", 5), ["one"])\n';
    const wraps =
      '\n    def test_wraps(self):\n        self.assertEqual(wrap("one two", 5), ["one", "two"])\n';
    const attempts = [
      "return line.split(None, 5)[:1]",
      "return [line[:width], line[width:]]",
      "return line.split(None, 0)",
      "return [line.strip()]",
    ];
    const attempt = (round: number): Turn[] => [
      calls(["Read", { file_path: "text.py" }], ["Read", { file_path: "test_text.py" }]),
      calls(
        ...(round === 0 ? [edit("test_text.py", '["one"])\n', `["one"])\n${wraps}`)] : []),
        edit("text.py", round === 0 ? "return [line]" : attempts[round - 1]!, attempts[round]!),
      ),
      calls(["run_checks", { name: "build" }]),
      ifGood(done(`Attempt ${round}`)),
    ];
    await using story = await Story.begin({
      files: { "text.py": text, "test_text.py": test, ".gitignore": "__pycache__/\n" },
      commands: { build: "python3 -m py_compile text.py", test: "python3 -m unittest" },
      ticket: { title: "Wrap at words", type: "feature", description: "In wrap()" },
      scripts: {
        develop: attempt(0),
        fix: (request) => {
          const turn = attempt(roundOf(request))[request.turn - 1]!;
          return typeof turn === "function" ? turn(request) : turn;
        },
        change: [
          read("text.py"),
          calls(
            edit("text.py", "def wrap", "import textwrap\n\n\ndef wrap"),
            edit("text.py", attempts[3]!, "return textwrap.wrap(line, width)"),
          ),
          // What failed before any change fails still, and that is not the developer's.
          calls(["run_checks", { name: "test" }]),
          ifGood(done("The library wraps")),
        ],
        review: good,
      },
    });

    await t.step(
      "after three rounds it is blocked: the old failure is marked, the new one is not",
      async () => {
        const blocked = await story.settled();
        deepEqual([blocked.status, blocked.failure, blocked.round], [
          "blocked",
          "checks_failed",
          3,
        ]);
        match(blocked.reason, /test still fails after 3 rounds: /);
        const told = story.told("fix");
        match(told, /2 failed, 1 passed, 0 skipped/);
        match(
          told,
          /- \(it failed so before any change\) test_text\.py:8 test_title_keeps_apostrophes/,
        );
        match(told, /- test_text\.py:14 test_wraps[^\n]*: [^]*\['one two'\] != \['one', 'two'\]/);
      },
    );

    await t.step(
      "guided in words, it fails as before, goes to its review, and is merged",
      async () => {
        await story.client.post(`${story.path}/guide`, { guidance: "Use the library's textwrap" });
        const { head_commit } = await story.reviewed();
        match(story.told("change"), /<requested_changes>\nUse the library's textwrap\n/);
        match(
          story.told("change"),
          /<check_failures[^]*- test_text\.py:14 test_wraps[^]*<changed_since_green/,
        );
        const [last] = (await story.checks()).filter(({ commit, name }) =>
          commit === head_commit && name === "test"
        );
        deepEqual([last.status, last.known_failures, last.report.failures.length], [
          "failed",
          true,
          1,
        ]);
        await story.merged();
        const { output } = await story.byHand("test");
        match(output, /Ran 3 tests[^]*FAILED \(failures=1\)/);
        match(output, /FAIL: test_title_keeps_apostrophes/);
      },
    );
    story.clean();
  },
});

Deno.test({
  name:
    "C: gcc's error comes back, the tests fail, and a person takes it over from the developer at work",
  ignore: !installed("gcc", "make"),
  async fn(t) {
    const asked = Promise.withResolvers<void>();
    const thought = Promise.withResolvers<MessageReply>();
    const ring = '#include "ring.h"\n\nint ring_next(int at, int size)\n{\n\treturn at + 1;\n}\n';
    const test = '#include <stdio.h>\n#include "ring.h"\n\nstatic int count, failed;\n\n' +
      "static void is(int got, int want, const char *name, int line)\n{\n" +
      '\tprintf("%sok %d - %s\\n", got == want ? "" : "not ", ++count, name);\n' +
      "\tif (got == want) return;\n\tfailed++;\n" +
      '\tprintf("  ---\\n  message: got %d, wanted %d\\n  file: test_ring.c\\n  line: %d\\n  ...\\n", got, want, line);\n' +
      "}\n\nint main(void)\n{\n" +
      '\tprintf("TAP version 13\\n");\n' +
      '\tis(ring_next(0, 4), 1, "next", __LINE__);\n' +
      '\tprintf("1..%d\\n", count);\n\treturn failed > 0;\n}\n';
    const makefile =
      "CFLAGS = -Wall -Werror\n\nbuild/test: test_ring.c ring.c ring.h\n\tmkdir -p build\n" +
      "\t$(CC) $(CFLAGS) -o $@ test_ring.c ring.c\n\ntest: build/test\n\t./build/test\n\n.PHONY: test\n";
    await using story = await Story.begin({
      files: {
        "ring.h": "int ring_next(int at, int size);\n",
        "ring.c": ring,
        "test_ring.c": test,
        Makefile: makefile,
        ".gitignore": "build/\n",
      },
      commands: { build: "make -s", test: "make -s test" },
      ticket: { title: "Wrap around", type: "bugfix", description: "It runs over the end" },
      scripts: {
        develop: [
          calls(["Read", { file_path: "ring.c" }], ["Read", { file_path: "test_ring.c" }]),
          calls(
            edit(
              "test_ring.c",
              '"next", __LINE__);\n',
              '"next", __LINE__);\n\tis(ring_next(3, 4), 0, "wraps", __LINE__);\n',
            ),
            edit("ring.c", "at + 1", "(at + 1) & mask"),
          ),
          calls(["run_checks", { name: "build" }]),
          ({ results: [result] }) => {
            expect(
              result!.isError && /ring\.c:5:[^]*error: .mask. undeclared/.test(result!.content),
              result!.content,
            );
            return calls(edit("ring.c", "& mask", "& size"));
          },
          calls(["run_checks", { name: "build" }]),
          ifGood(done("It masks")),
        ],
        // It thinks for longer than the person has patience.
        fix: () => {
          asked.resolve();
          return thought.promise;
        },
        review: good,
      },
    });

    await t.step("the failure of the test program comes back to the developer", async () => {
      await asked.promise;
      match(
        story.told("fix"),
        /2 failed, 0 passed[^]*- test_ring\.c:17 next: got 0, wanted 1\n- test_ring\.c:18 wraps: got 4, wanted 0\n/,
      );
    });

    await t.step(
      "a person takes it over, commits by the commands of the page, and it is merged in their name",
      async () => {
        const taken = await story.client.post(`${story.path}/take-over`);
        deepEqual([taken.status, taken.failure], ["blocked", "taken_over"]);
        const [fix] = (await runsOf(story.client, { ticket_id: taken.id })).slice(-1);
        deepEqual([fix!.purpose, fix!.status], ["fix", "cancelled"]);
        const page = await (await fetch(`${story.gaffer.url}${story.path}`)).text();
        const folder = /<pre[^>]*>cd (\S+)\n/.exec(page)![1]!;
        await Deno.writeTextFile(`${folder}/ring.c`, ring.replace("at + 1", "(at + 1) % size"));
        await personGit(folder, "commit", "-qam", "Wrap by the remainder");
        const commit = await personGit(folder, "rev-parse", "HEAD");
        await story.client.post(`${story.path}/continue`);
        equal((await story.reviewed()).head_commit, commit);
        deepEqual(await story.checksOf(commit), [["build", "passed"], ["test", "passed"]]);
        const message = await story.repo.git("log", "-1", "--format=%B", await story.merged());
        match(message, /^Co-authored-by: Pat Person <pat@example\.org>$/m);
        const { passed, output } = await story.byHand("test");
        ok(passed && /ok 2 - wraps/.test(output), output);
      },
    );
    thought.resolve(done("Too late"));
    story.clean();
  },
});
