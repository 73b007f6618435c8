/** A project whose settings say how its checks run, on the real server: reports, secrets, a flaky test, by hand. */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert";
import { startFakeClaude } from "./fake_claude/mod.ts";
import { personGit, TestRepo } from "./git_support.ts";
import { Client, type Json, startGaffer, tempDir } from "./gaffer.ts";
import { addProject, calls, ifGood, play, settled, submit } from "./journey_support.ts";

const SECRET = "hunter2-hunter2";

/** Writes what JUnit would. Where greet.sh greets the world, "adds" fails on the second execution; "old" always does. */
const TEST = `
set -e
echo "mode $MODE key $KEY in $(basename "$PWD")"
fail='<failure message="no"/>'
adds=""
if grep -q world ../greet.sh; then
  echo once >> ../seen
  if [ "$(wc -l < ../seen)" -eq 2 ]; then adds="$fail"; fi
fi
greets=""
sh ../greet.sh | grep -q hello || greets="$fail"
mkdir -p ../reports
printf '<testsuite><testcase name="adds">%s</testcase><testcase name="greets">%s</testcase>' \\
  "$adds" "$greets" > ../reports/junit.xml
printf '<testcase name="old">%s</testcase></testsuite>' "$fail" >> ../reports/junit.xml
exit 1
`;

const edit = (to: string) =>
  calls(["Edit", { file_path: "greet.sh", old_string: "echo hello", new_string: to }]);
const done = submit({ status: "done", summary: "It greets the world" });
const review = submit({ summary: "Good", findings: [], criteria: [] });

Deno.test("a ticket goes by its project's checks: reports, a secret, a flaky test, an old failure, and a person's hand", async (t) => {
  await using fake = startFakeClaude({
    reply: play({
      "develop 1": (request) => {
        const world = /Greet the world/.test(request.prompt);
        if (request.turn === 1) return calls(["Read", { file_path: "greet.sh" }]);
        if (request.turn === 2) return edit(world ? "echo hello, world" : "echo bye");
        // Its own check fails as it did before: that is no reason to go on.
        if (request.turn === 3) return calls(["run_checks", { name: "test" }]);
        return world
          ? ifGoodNow(request.results, done)
          : submit({ status: "blocked", summary: "I can't greet" });
      },
      review,
    }),
  });
  await using data = await tempDir();
  await using repo = await TestRepo.make({
    "greet.sh": "echo hello\n",
    "tests/run.sh": TEST,
    ".gitignore": "seen\nreports/\n",
  });
  await using gaffer = await startGaffer({
    dataDir: data.path,
    env: {
      ANTHROPIC_API_KEY: fake.apiKey,
      ANTHROPIC_BASE_URL: fake.url,
      GREET_KEY: SECRET,
    },
  });
  const client = new Client(gaffer.url);
  const project = await addProject(client, repo, { test: "sh run.sh" });
  const rules = `/projects/${project.id}/check-rules`;
  const before = await client.request("GET", rules);
  await before.body?.cancel();
  const put = await client.request("PUT", rules, {
    required: ["test"],
    commands: {
      test: {
        timeout_seconds: 60,
        folder: "tests",
        env: { MODE: "fast", KEY: "$GREET_KEY" },
        reports: ["reports/*.xml"],
      },
    },
  }, { "if-match": before.headers.get("etag")! });
  equal(put.status, 200, await put.text());
  const make = (title: string) =>
    client.post(`/projects/${project.id}/tickets`, { title, type: "feature" });
  const checksOf = async (id: string): Promise<Json[]> =>
    (await client.get(`/tickets/${id}/checks`)).items;

  await t.step("the old failure and the flaky test keep it from nothing", async () => {
    const { id } = await make("Greet the world");
    const end = await client.until(`/tickets/${id}`, settled);
    equal(end.status, "review", end.reason);
    const tests = (await checksOf(id)).filter(({ name }) => name === "test");
    const last = tests.at(-1)!;
    deepEqual([last.status, last.known_failures, last.report.format], ["failed", true, "JUnit"]);
    deepEqual(last.report.failures.map((f: Json) => [f.test, f.before]), [["old", true]]);
    const { output } = await client.get(`/tickets/${id}/checks/${last.id}/output`);
    match(output, /mode fast key \[redacted: \$GREET_KEY\] in tests/);
    const [developing] = fake.requests;
    match(JSON.stringify(developing!.request!.body.system), /test: sh run\.sh \(in tests\/\)/);
    ok(!JSON.stringify(fake.requests.map(({ request }) => request?.body)).includes(SECRET));
    const page = await (await fetch(`${gaffer.url}/tickets/${id}`)).text();
    match(page, /Fails as before/);
    match(page, /failed before/);
    deepEqual([last.rerun_of, last.flaky], [tests.at(-2)!.id, [{ file: "", test: "adds" }]]);
  });

  await t.step("a blocked one goes on with what a person committed on its branch", async () => {
    const { id } = await make("Say goodbye");
    const stuck = await client.until(`/tickets/${id}`, settled);
    equal(stuck.failure, "agent_blocked");
    const page = await (await fetch(`${gaffer.url}/tickets/${id}`)).text();
    const folder = /<pre[^>]*>cd (\S+)\n/.exec(page)![1]!;
    await Deno.writeTextFile(`${folder}/greet.sh`, "echo hello, you\n");
    await personGit(folder, "commit", "-qam", "By hand");
    const commit = await personGit(folder, "rev-parse", "HEAD");
    await client.post(`/tickets/${id}/continue`);
    const end = await client.until(`/tickets/${id}`, settled);
    deepEqual([end.status, end.head_commit], ["review", commit], end.reason);
    ok((await checksOf(id)).some((check) => check.commit === commit && check.name === "test"));
  });

  const { items } = await client.get(`/projects/${project.id}/flaky-tests`);
  deepEqual(items.map(({ test, times }: Json) => [test, times]), [["adds", 1]]);
});

function ifGoodNow(results: { isError: boolean; content: string }[], reply: typeof done) {
  const turn = ifGood(reply);
  return typeof turn === "function" ? turn({ results } as never) as typeof done : done;
}
