/** GitDiff: the ticket's own range, without what is closed to the agent, capped, and nothing that runs. */
import { match, ok, rejects, strictEqual as equal } from "node:assert";
import { RANGE_DIFF_BYTES, rangeDiff, type RangeQuestion } from "../agents/git/range_diff.ts";
import { pathRules } from "../agents/policy.ts";
import { ToolError } from "../agents/tools/tool.ts";
import { TestRepo } from "./git_support.ts";
import { noSignal } from "./place_support.ts";

const policy = { allow: [], block: ["private/**"] };

/** A ticket of two commits, on a base that has a commit before it. */
async function bench(files: Record<string, string> = {}) {
  const repo = await TestRepo.make({ "a.txt": "one\ntwo\nthree\n", "old.txt": "same\n".repeat(9) });
  const before = await repo.git("rev-parse", "HEAD");
  const base = await repo.commit("Base", { "README.md": "hello\n" });
  const middle = await repo.commit("First", { "a.txt": "one\n2\nthree\n", "src/b.txt": "b\n" });
  await repo.git("mv", "old.txt", "new.txt");
  const head = await repo.commit("Second", { "src/b.txt": "bb\n", ...files });
  const rules = await pathRules(policy);
  const ask = (question: RangeQuestion) =>
    rangeDiff(question, { repo: repo.dir, dir: repo.dir, base, head, rules, signal: noSignal });
  return {
    ...{ repo, before, base, middle, head, ask },
    [Symbol.asyncDispose]: () => repo[Symbol.asyncDispose](),
  };
}

Deno.test("GitDiff shows all that the ticket changed, a part of it, and only the names", async () => {
  await using b = await bench();
  const all = await b.ask({});
  for (const part of ["-two\n+2", "rename from old.txt", "+bb"]) ok(all.includes(part), part);
  ok(!all.includes("README"), "the base is not part of it");
  const part = await b.ask({ path: "src" });
  ok(part.includes("+bb") && !part.includes("a.txt"));
  equal(await b.ask({ path: `${b.repo.dir}/src/` }), part, "given in full");
  equal(
    await b.ask({ names_only: true }),
    "modified a.txt\nrenamed old.txt -> new.txt\nadded src/b.txt",
  );
  equal((await b.ask({ path: "a.txt", context: 0 })).split("\n").slice(-2).join(), "-two,+2");
  match(await b.ask({ path: "nowhere" }), /^Nothing that you can see changed there/);
});

Deno.test("GitDiff compares the commits of the ticket, and no others", async () => {
  await using b = await bench();
  const first = await b.ask({ to: b.middle });
  ok(first.includes("+b\n") || first.endsWith("+b"), first);
  match(await b.ask({ from: b.middle.slice(0, 8).toUpperCase(), path: "src" }), /-b\n\+bb/);
  match(await b.ask({ from: "head", to: "base", path: "a.txt" }), /-2\n\+two/);
  const refused: [string, RegExp][] = [
    [b.before, /does not belong to this ticket/],
    ["0".repeat(40), /no such commit/],
    ["main", /not a commit's id/],
    ["HEAD~1", /not a commit's id/],
    ["--output=/tmp/x", /not a commit's id/],
    [`${b.base}..${b.head}`, /not a commit's id/],
  ];
  for (const [from, message] of refused) {
    await rejects(
      b.ask({ from }),
      (error) => error instanceof ToolError && message.test(error.message),
    );
    await rejects(b.ask({ to: from }), ToolError);
  }
});

Deno.test("GitDiff keeps closed files closed, also where they are only part of what is asked for", async () => {
  await using b = await bench({
    ".env": "KEY=secret\n",
    "private/plan.txt": "secret\n",
    "src/id_rsa": "secret\n",
    ":(glob)**": "odd name\n",
  });
  const all = await b.ask({});
  ok(!all.includes("secret"));
  match(all, /\[3 changed files are closed to you and not shown\]$/);
  ok(!(await b.ask({ names_only: true })).includes(".env"));
  match(await b.ask({ path: ":(glob)**" }), /odd name/);
  ok(!(await b.ask({ path: ":(glob)**" })).includes("bb"), "a path is no pattern");
  for (const path of [".env", "private/plan.txt", "src/../.env", "../x", "a\0b", ".git/config"]) {
    await rejects(b.ask({ path }), ToolError, path);
  }
});

Deno.test("GitDiff is cut where it gets long, and runs nothing that a repository names", async () => {
  await using b = await bench({
    "long.txt": "a line of the long file\n".repeat(5_000),
    ".gitattributes": "*.txt diff=evil\n",
  });
  await b.repo.git("config", "diff.evil.command", "touch ran");
  await b.repo.git("config", "diff.evil.textconv", "touch ran");
  await b.repo.git("config", "diff.external", "touch ran");
  const long = await b.ask({});
  ok(long.length < RANGE_DIFF_BYTES + 300);
  match(long, /\[cut: the first 50000 bytes of a diff of \d files\. Name a path/);
  await rejects(Deno.stat(`${b.repo.dir}/ran`), Deno.errors.NotFound);
});
