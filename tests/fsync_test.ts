/**
 * What the server acknowledges is on the disk: seen from outside, in the calls that it makes to the system. Needs
 * strace, and Linux for it.
 */
import { deepStrictEqual as deepEqual, ok, strictEqual as equal } from "node:assert";
import { basename, join } from "node:path";
import { UNFINISHED_FILE } from "../agents/paths.ts";
import { canTrace, isSyncOf, judgeAnswers, readTrace, straced } from "./chaos/trace.ts";
import { answer, type MessageReply, startFakeClaude, toolUse } from "./fake_claude/mod.ts";
import { Client, type Json, launchGaffer, tempDir } from "./gaffer.ts";
import { greetCommands, greetRepo, greetScripts, greetTicket, question } from "./greet_story.ts";
import { addProject, calls, play, settled, submit } from "./journey_support.ts";

const traceable = await canTrace();
if (!traceable) console.log("strace is missing or may not trace: what it would show is not tested");

const IDEAS = 40;
const QUESTIONS = 5;
/** Requests on their way at the same time. */
const AT_ONCE = 4;

/** What the system is asked for while `drive` uses a server whose agents follow these scripts. */
async function traceOf(
  scripts: Parameters<typeof play>[0],
  drive: (client: Client, project: Json) => Promise<void>,
): Promise<Awaited<ReturnType<typeof readTrace>>> {
  await using fake = startFakeClaude({ reply: play(scripts) });
  await using data = await tempDir();
  await using repo = await greetRepo();
  await using notes = await tempDir();
  const file = join(notes.path, "trace");
  const env = { ANTHROPIC_API_KEY: fake.apiKey, ANTHROPIC_BASE_URL: fake.url };
  const server = launchGaffer({ dataDir: data.path, env, under: straced(file) });
  try {
    const client = new Client(await server.address);
    await drive(client, await addProject(client, repo, greetCommands));
  } finally {
    // strace itself ends with what it traces, and only then.
    const { pid } = JSON.parse(await Deno.readTextFile(join(data.path, "gaffer.lock")));
    Deno.kill(pid, "SIGKILL");
    await server.stop();
  }
  return await readTrace(file);
}

Deno.test({
  name: "no answer leaves the server before what it acknowledges is on the disk",
  ignore: !traceable,
  async fn() {
    const questions = Array.from({ length: QUESTIONS }, (_, index) => ({
      ...question,
      question: `${question.question} (${index + 1})`,
    }));
    const clarify = [
      answer(toolUse("ask_questions", { questions })),
      submit({ summary: "Greet more", type: "feature", acceptance: ["It greets"] }),
    ];
    let posts = 0;
    const trace = await traceOf({ ...greetScripts, clarify }, async (client, project) => {
      posts = 1 + await drive(client, project);
    });
    const { answers, early } = judgeAnswers(trace, "/gaffer.db-wal");
    deepEqual(early, []);
    equal(answers, posts);
    ok(answers >= 50);
    console.log(`${answers} answers, ${early.length} of them before their fsync`);
  },
});

Deno.test({
  name: "a commit is on the disk before a branch names it, and the branch before Gaffer does",
  ignore: !traceable,
  async fn() {
    await using repo = await greetRepo();
    await using notes = await tempDir();
    const file = join(notes.path, "trace");
    const program = fixture("merge_once.ts");
    await succeed([
      ...straced(file),
      ...run,
      program,
      repo.dir,
      notes.path,
      await repo.git("rev-parse", "main"),
    ]);
    const trace = await readTrace(file);
    const placed = trace.flatMap((call) => {
      // From the name under which it was written; what follows is its place.
      const [, name] = /^(?:AT_FDCWD[^"]*)?"[^"]*\.git\/([^"]+(?:\.lock|tmp_obj_\w+))"/
        .exec(call.args) ?? [];
      return /^(link|rename)/.test(call.name) && name ? [{ ...call, path: name }] : [];
    });
    for (const { path, begun } of placed) {
      const synced = trace.some((sync) => isSyncOf(sync, path) && sync.ended < begun);
      ok(synced, `${path} takes its place before it is on the disk`);
    }
    const count = (pattern: RegExp) => placed.filter(({ path }) => pattern.test(path)).length;
    ok(count(/^objects\//) >= 3, "a file, its folder, the commit");
    ok(count(/^refs\/heads\/gaffer\//) >= 1, "the ticket's branch");
    ok(count(/^refs\/heads\/main\.lock/) >= 1, "the base branch");
  },
});

Deno.test({
  name: "a file's new name is on the disk before its call is on record as done",
  ignore: !traceable,
  async fn() {
    const develop: MessageReply[] = [
      calls(["Read", { file_path: "greet.sh" }]),
      calls(["Edit", { file_path: "greet.sh", old_string: "hello", new_string: "hello, world" }]),
      calls(["Write", { file_path: "words/of/welcome.txt", content: "Welcome\n" }]),
      calls(["run_checks", { name: "build" }]),
      submit({ status: "done", summary: "greet.sh greets the world" }),
    ];
    const trace = await traceOf({ ...greetScripts, develop }, async (client, project) => {
      const { id } = await client.post(`/projects/${project.id}/tickets`, greetTicket);
      const ticket = await client.until(`/tickets/${id}`, settled);
      equal(ticket.status, "review", ticket.reason);
    });
    const root = "/worktrees/1";
    for (
      const [path, folders] of [
        ["/greet.sh", [root]],
        ["/words/of/welcome.txt", [`${root}/words/of`, `${root}/words`, root]],
      ] as const
    ) {
      const named = trace.find(({ name, args }) =>
        name.startsWith("rename") && args.includes(UNFINISHED_FILE) &&
        args.includes(`"${basename(path)}"`)
      );
      ok(named, `${path} got its name`);
      const told = trace.find(({ name, args, begun }) =>
        name === "write" && begun > named.ended && args.includes("tool_done")
      );
      ok(told, "then the hands said that it is done");
      for (const folder of folders) {
        const synced = trace.some((call) =>
          isSyncOf(call, folder) && call.begun > named.ended && call.ended < told.begun
        );
        ok(synced, `${folder} is on the disk before the hands say that ${path} is written`);
      }
      const recorded = trace.some((call) =>
        isSyncOf(call, "/gaffer.db-wal") && call.begun > told.begun
      );
      ok(recorded, "and what they say is put on record after that");
    }
  },
});

/** Submits ideas and answers questions, some at a time, with keys and without; gives how many POSTs that were. */
async function drive(client: Client, project: Json): Promise<number> {
  const post = async (path: string, body: Json, number: number) => {
    const headers = number % 2 === 0 ? { "idempotency-key": `${path}:${number}` } : {};
    const response = await client.request("POST", path, body, headers);
    ok(response.ok, `${response.status} ${path}`);
    return await response.json();
  };
  const ideas: Json[] = [];
  for (let n = 0; n < IDEAS; n += AT_ONCE) {
    ideas.push(
      ...await Promise.all(
        Array.from({ length: AT_ONCE }, (_, index) => n + index)
          .map((number) =>
            post(`/projects/${project.id}/ideas`, { title: `Greet ${number}` }, number)
          ),
      ),
    );
  }
  const asked = ideas.slice(0, 2);
  for (const { id } of asked) {
    await client.until(`/ideas/${id}`, ({ status }) => status === "questions");
    const { items } = await client.get(`/ideas/${id}/questions`);
    equal(items.length, QUESTIONS);
    await Promise.all(
      items.map((item: Json, number: number) =>
        post(`/questions/${item.id}/answer`, { answer: "The world" }, number)
      ),
    );
  }
  return IDEAS + asked.length * QUESTIONS;
}

for (const [synchronous, isSafe] of [["FULL", true], ["NORMAL", false]] as const) {
  Deno.test({
    name: `the trace tells: a server with synchronous=${synchronous} ${
      isSafe ? "never answers" : "answers"
    } early`,
    ignore: !traceable,
    async fn() {
      await using notes = await tempDir();
      const file = join(notes.path, "trace");
      const rows = join(notes.path, "rows.db");
      const [strace, ...args] = [
        ...[...straced(file), ...run],
        ...[fixture("answering_server.ts"), rows, synchronous],
      ];
      const child = new Deno.Command(strace!, { args, stdin: "piped", stdout: "piped" }).spawn();
      const output = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
      const url = (await output.read()).value!.trim();
      for (let n = 0; n < 20; n++) {
        const response = await fetch(url, { method: "POST", body: `row ${n}` });
        equal(response.status, 201);
        await response.text();
      }
      await child.stdin.close();
      await output.cancel();
      ok((await child.status).success);
      const { answers, early } = judgeAnswers(await readTrace(file), "/rows.db-wal");
      equal(answers, 20);
      equal(early.length === 0, isSafe, `${early.length} answers came early`);
    },
  });
}

const run = [Deno.execPath(), "run", "-A", "--no-prompt"];
const fixture = (name: string) => new URL(`./fixtures/${name}`, import.meta.url).pathname;

async function succeed([program, ...args]: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program!, { args }).output();
  ok(success, new TextDecoder().decode(stderr));
}
