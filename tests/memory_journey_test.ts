/** What an agent learned in one run is used in its next, also where the server died while it was being noted. */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert";
import { join } from "node:path";
import { type ClaudeRequest, startFakeClaude } from "./fake_claude/mod.ts";
import { type Json, tempDir } from "./gaffer.ts";
import { greetCommands, greetRepo, greetScripts, greetTicket } from "./greet_story.ts";
import {
  addProject,
  calls,
  expect,
  ifGood,
  logOf,
  play,
  runsOf,
  settled,
  submit,
} from "./journey_support.ts";
import { Mortal } from "./mortal.ts";

const NOTE = "# Checks\n\n- test.sh needs greet.sh to begin with hello\n";
const edit = (old_string: string, new_string: string) =>
  calls(["Edit", { file_path: "greet.sh", old_string, new_string }]);
const checked = ifGood(calls(["run_checks", { name: "test" }]));
const done = ifGood(submit({ status: "done", summary: "greet.sh greets the world" }));

Deno.test("memory learned in one run is used in the next, and is noted once over a kill", async () => {
  const prompts: Record<string, string> = {};
  const remembered = ({ results }: ClaudeRequest) => {
    const [last] = results;
    expect(
      !last?.isError &&
        /^File created successfully at: \/memories\/checks\.md$/.test(last!.content),
      `the note should be there: ${last?.content}`,
    );
    return calls(["memory", { command: "view" }]);
  };
  await using fake = startFakeClaude({
    reply: play({
      ...greetScripts,
      develop: [
        (request) => {
          prompts.develop = request.prompt;
          return calls(["Read", { file_path: "greet.sh" }]);
        },
        ifGood(edit("hello", "hello, world")),
        checked,
        ifGood(
          calls(["memory", { command: "create", path: "/memories/checks.md", file_text: NOTE }]),
        ),
        remembered,
        done,
      ],
      change: [
        (request) => {
          prompts.change = request.prompt;
          return calls(
            ["Read", { file_path: "greet.sh" }],
            ["memory", {
              command: "str_replace",
              path: "checks.md",
              old_str: "hello",
              new_str: "hello, in small letters",
            }],
          );
        },
        ifGood(edit("hello, world", "hello, big world")),
        checked,
        done,
      ],
    }),
  });
  await using data = await tempDir();
  await using repo = await greetRepo();
  const env = { ANTHROPIC_API_KEY: fake.apiKey, ANTHROPIC_BASE_URL: fake.url };
  await using mortal = new Mortal(data.path, env);
  await mortal.start();
  const project = await addProject(mortal.client, repo, greetCommands);
  const ticket = await mortal.client.post(`/projects/${project.id}/tickets`, greetTicket);
  const path = `/tickets/${ticket.id}`;
  await mortal.killAt("the note", (event) => event.type === "memory_changed");

  const first = await mortal.client.until(path, settled);
  equal(first.status, "review", first.reason);
  ok(!prompts.develop!.includes("<memory>"), "there was nothing to remember");
  const note = join(
    ...[data.path, "projects", project.slug, "memory", ticket.id, "feature-dev", "checks.md"],
  );
  equal(await Deno.readTextFile(note), NOTE);

  await mortal.client.post(`${path}/request-changes`, { remark: "Make it bigger" });
  await mortal.events.next("the second note", (event) => event.type === "memory_changed");
  const second = await mortal.client.until(
    path,
    (t) => settled(t) && t.updated_at !== first.updated_at,
  );
  equal(second.status, "review", second.reason);
  match(prompts.change!, /<memory>\n<note path="checks\.md">\n# Checks\n[^]*<\/note>\n<\/memory>/);

  const runs = (await runsOf(mortal.client, { ticket_id: ticket.id }))
    .filter((run) => run.agent === "feature-dev");
  const finished = (log: Json[]) =>
    log.filter(({ type, body }) =>
      type === "tool_finished" && /memory file|File created/.test(body.result.content)
    );
  const logs = await Promise.all(runs.map((run) => logOf(mortal.client, run.id)));
  deepEqual(logs.map((log) => finished(log).length), [1, 1]);
  match(finished(logs[0]!)[0].body.result.diff, /\+- test\.sh needs greet\.sh to begin with hello/);
  match(finished(logs[1]!)[0].body.result.diff, /^-.*begin with hello$/m);
  equal((await repo.git("status", "--porcelain")).trim(), "", "the person's folder is left alone");
});
