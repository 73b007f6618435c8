/** A real server that is killed in the middle of a command and of an edit: what its next life makes of both. */
import { deepStrictEqual as deepEqual, match, strictEqual as equal } from "node:assert";
import { join } from "node:path";
import { type ClaudeRequest, startFakeClaude } from "./fake_claude/mod.ts";
import { type Json, tempDir } from "./gaffer.ts";
import { greetCommands, GREETED, greetRepo, greetScripts, greetTicket } from "./greet_story.ts";
import {
  addProject,
  calls,
  expect,
  logOf,
  play,
  Rows,
  runsOf,
  settled,
  submit,
  WAIT_MS,
} from "./journey_support.ts";
import { Mortal } from "./mortal.ts";

/** Prints, and then hangs for good. */
const ENDLESS = "echo once >> proof.txt; echo begun; exec sleep 600";
const edit = { file_path: "greet.sh", old_string: "hello", new_string: "hello, world" };

/** No word of these answers says that a restart came in between, but for the command's. */
function developer({ turn, results }: ClaudeRequest) {
  const [last] = results;
  switch (turn) {
    case 1:
      return calls(["Read", { file_path: "greet.sh" }], ["Bash", { command: ENDLESS }]);
    case 2:
      expect(
        /interrupted by a restart[^]*Its output until then:\nbegun$/.test(results[1]!.content),
        `the model should be told what it had printed: ${results[1]?.content}`,
      );
      return calls(["Edit", edit]);
    case 3:
      expect(!last!.isError, `the edit should just have been done: ${last!.content}`);
      return calls(["run_checks", { name: "build" }]);
    default:
      expect(!last!.isError, last!.content);
      return submit({ status: "done", summary: "It greets the world" });
  }
}

Deno.test("a server that is killed in a command and in an edit goes on as if it had not been", async (t) => {
  await using fake = startFakeClaude({ reply: play({ ...greetScripts, develop: developer }) });
  await using data = await tempDir();
  await using repo = await greetRepo({ ".gitignore": "proof.txt\n" });
  const env = { ANTHROPIC_API_KEY: fake.apiKey, ANTHROPIC_BASE_URL: fake.url };
  await using mortal = new Mortal(data.path, env);
  await mortal.start();
  const project = await addProject(mortal.client, repo, greetCommands);
  const folder = join(data.path, "projects", project.slug);
  const outputs = join(folder, "outputs");
  const ticket = await mortal.client.post(`/projects/${project.id}/tickets`, {
    ...greetTicket,
    type: "bugfix",
  });
  const { client } = mortal;

  await t.step("the command is at work, and what it prints is on disk", async () => {
    const { confinement } = await client.get("/system/status");
    if (confinement.kind === "process") {
      const asked = await mortal.events.next("a request", (e) => e.type === "approval_requested");
      await client.post(`/approvals/${asked.data.approvalId}`, { decision: "grant" });
    }
    await until(() => textsBelow(outputs).includes("begun\n"));
    await mortal.killAndStart();
  });

  await t.step("the edit is on record, and is not yet answered", () =>
    mortal.killAt(
      "the edit",
      (event) => event.type === "tool_executing" && event.data.intent !== undefined,
    ));

  await t.step("the ticket comes to its end", async () => {
    const reviewed = await mortal.client.until(`/tickets/${ticket.id}`, settled);
    equal(reviewed.status, "review", reviewed.reason);
    const worktree = join(folder, "worktrees", "1");
    equal(await Deno.readTextFile(join(worktree, "greet.sh")), GREETED);
    equal(await Deno.readTextFile(join(worktree, "proof.txt")), "once\n");
    for (const { status, error } of fake.requests) equal(status, 200, String(error?.message));
  });

  await t.step("its log tells of each call once, and replays to the same events", async () => {
    const [run] = await runsOf(mortal.client, { ticket_id: ticket.id });
    const log = await logOf(mortal.client, run!.id);
    const finished = log.filter(({ type }: Json) => type === "tool_finished");
    const ids = finished.map(({ body }: Json) => body.result.callId);
    deepEqual(ids.length, new Set(ids).size);
    const [command] = finished.filter(({ body }: Json) => body.result.interrupted);
    match(command!.body.result.content, /begun$/);
    for (const { id } of await runsOf(mortal.client, { ticket_id: ticket.id })) {
      equal((await mortal.client.get(`/runs/${id}/replay`)).equal, true, id);
    }
  });

  await t.step("nothing of the output is left beside the log", async () => {
    await mortal.kill();
    using rows = new Rows(data.path);
    equal(rows.one("SELECT count(*) FROM runs WHERE status = 'failed'"), 0);
    deepEqual(textsBelow(outputs), []);
  });
});

/** Contents of all files in the folders of `dir`. */
function textsBelow(dir: string): string[] {
  try {
    return [...Deno.readDirSync(dir)].flatMap(({ name: run }) =>
      [...Deno.readDirSync(join(dir, run))].map(({ name }) =>
        Deno.readTextFileSync(join(dir, run, name))
      )
    );
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return []; // not yet, or just gone
    throw error;
  }
}

/** Waits for what another process does and tells nobody. */
async function until(holds: () => boolean): Promise<void> {
  const end = Date.now() + WAIT_MS;
  while (!holds()) {
    if (Date.now() > end) throw new Error(`Not so after ${WAIT_MS} ms: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
