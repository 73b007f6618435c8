/** An ordered stop of a real server: what runs finishes what it is at, for a while; a second signal waits for nothing. */
import { deepStrictEqual as deepEqual, ok, strictEqual as equal } from "node:assert";
import { join } from "node:path";
import { SECOND_MS } from "../server/clock.ts";
import { broken, type FakeClaude, startFakeClaude } from "./fake_claude/mod.ts";
import { Client, type Gaffer, startGaffer, tempDir } from "./gaffer.ts";
import { asking, greetCommands, greetRepo, greetScripts, greetTicket } from "./greet_story.ts";
import { appeared } from "./mortal.ts";
import { addProject, calls, Events, play, purposeOf, Rows } from "./journey_support.ts";

/** An answer that stays on its way until then. */
const held = (reply: typeof asking, until: Promise<unknown>) =>
  broken(reply, { type: "hold", after: "content_block_delta", until });
const searching = calls(["Grep", { pattern: "hello" }]);
const never = new Promise<never>(() => {});

const start = (dataDir: string, fake: FakeClaude, under: string[] = []): Promise<Gaffer> =>
  startGaffer({
    ...{ dataDir, under },
    env: { ANTHROPIC_API_KEY: fake.apiKey, ANTHROPIC_BASE_URL: fake.url },
  });

/** Resolves when the first request of each of these agents streams. */
const asked = (fake: FakeClaude, ...purposes: string[]) =>
  Promise.all(
    purposes.map((purpose) =>
      fake.waitFor(({ request, billed }) =>
        request !== null && billed !== null && purposeOf(request) === purpose
      )
    ),
  );

const firstTurns = (fake: FakeClaude, purpose: string): number =>
  fake.accepted.filter((request) => purposeOf(request) === purpose && request.turn === 1).length;

/** SIGTERM. Resolves when the stop has begun; `ended` is the exit code, when it has come to that. */
async function stopping(gaffer: Gaffer): Promise<{ ended: Promise<number> }> {
  await using events = await Events.open(gaffer.url);
  const ended = gaffer.stop();
  for await (const _ of events); // pages are told first
  return { ended };
}

/** The turns of a run as its log tells of them. */
function turnsOf(rows: Rows, purpose: string): string[] {
  const sql = `SELECT e.type, json_extract(e.data, '$.reason') AS reason
    FROM events e JOIN runs r ON r.id = e.run_id
    WHERE r.purpose = ? AND e.type LIKE 'turn\\_%' ESCAPE '\\' ORDER BY e.number`;
  return rows.all(sql, purpose).map(({ type, reason }) => reason ? `${type} ${reason}` : type);
}

const runJobs = (rows: Rows) =>
  rows.all("SELECT attempt, crashes FROM jobs WHERE kind = 'run_agent'").map((row) => ({ ...row }));

Deno.test("a stop keeps the answer that comes in time, cuts off the one that does not, and uses no attempt", async () => {
  const inTime = Promise.withResolvers<void>();
  let hold = true;
  await using fake = startFakeClaude({
    reply: play({
      ...greetScripts,
      clarify: held(asking, inTime.promise),
      research: () => hold ? held(searching, never) : searching,
    }),
  });
  await using data = await tempDir();
  await using repo = await greetRepo();
  let idea: string;
  {
    await using gaffer = await start(data.path, fake);
    const client = new Client(gaffer.url);
    const project = await addProject(client, repo, greetCommands);
    idea = (await client.post(`/projects/${project.id}/ideas`, { title: "Greet more" })).id;
    await asked(fake, "clarify", "research");
    const begin = performance.now();
    const { ended } = await stopping(gaffer);
    inTime.resolve();
    equal(await ended, 0, gaffer.output());
    ok(performance.now() - begin < 10 * SECOND_MS);
  }
  using rows = new Rows(data.path);
  deepEqual(turnsOf(rows, "clarify"), ["turn_started", "turn_finished"]);
  deepEqual(turnsOf(rows, "research"), ["turn_started", "turn_failed worker_lost"]);
  deepEqual(runJobs(rows), Array(2).fill({ attempt: 0, crashes: 0 }));

  hold = false;
  await using again = await start(data.path, fake);
  const client = new Client(again.url);
  await client.until(`/ideas/${idea}`, ({ status }) => status === "questions");
  // Questions are open as soon as the clarifier has asked them, whatever the researcher is at.
  await fake.waitFor(() => firstTurns(fake, "research") === 2);
  equal(firstTurns(fake, "clarify"), 1);
});

Deno.test({
  name: "Ctrl+C in a terminal lets the command that is at work finish, and begins no other turn",
  ignore: Deno.build.os !== "linux", // setsid
  async fn() {
    const watched = Promise.withResolvers<void>();
    const wait = "touch begun; while ! [ -e go ]; do sleep 0.02; done";
    await using fake = startFakeClaude({
      reply: play({
        ...greetScripts,
        develop: ({ turn }) =>
          turn === 1
            ? calls(["Write", { file_path: "slow", content: "yes\n" }])
            : watched.promise.then(() => calls(["run_checks", { name: "build" }])),
      }),
    });
    await using data = await tempDir();
    await using repo = await greetRepo({ ".gitignore": "begun\ngo\n" });
    // A group of its own, as a shell gives it.
    await using gaffer = await start(data.path, fake, ["setsid"]);
    const client = new Client(gaffer.url);
    const commands = { build: `[ ! -e slow ] || { ${wait}; }` };
    const project = await addProject(client, repo, commands);
    await using events = await Events.open(gaffer.url);
    await client.post(`/projects/${project.id}/tickets`, greetTicket);
    await events.next("the file", (e) => e.type === "checkpoint");
    const worktree = join(data.path, "projects", project.slug, "worktrees", "1");
    const begun = appeared(worktree, (path) => path.endsWith("/begun"));
    watched.resolve();
    await begun;

    Deno.kill(-gaffer.pid, "SIGINT");
    for await (const _ of events); // the stop has begun
    await Deno.writeTextFile(join(worktree, "go"), "");
    equal(await gaffer.end(), 0, gaffer.output());
    using rows = new Rows(data.path);
    const ends = rows.all("SELECT data FROM events WHERE type = 'tool_finished' ORDER BY number");
    const results = ends.map(({ data }) => JSON.parse(data).result);
    deepEqual(results.map(({ isError }) => isError), [false, false]);
    equal(turnsOf(rows, "develop").at(-1), "turn_finished");
    deepEqual(runJobs(rows), [{ attempt: 0, crashes: 0 }]);
  },
});

Deno.test("a second signal ends the process at once, and nothing is suspected for it", async () => {
  await using fake = startFakeClaude({
    reply: play({
      ...greetScripts,
      clarify: held(asking, never),
      research: held(searching, never),
    }),
  });
  await using data = await tempDir();
  await using repo = await greetRepo();
  {
    await using gaffer = await start(data.path, fake);
    const client = new Client(gaffer.url);
    const project = await addProject(client, repo, greetCommands);
    await client.post(`/projects/${project.id}/ideas`, { title: "Greet more" });
    await asked(fake, "clarify", "research");
    const { ended } = await stopping(gaffer);
    Deno.kill(gaffer.pid, "SIGTERM");
    equal(await ended, 143, gaffer.output());
  }
  {
    using rows = new Rows(data.path);
    deepEqual(turnsOf(rows, "clarify"), ["turn_started"], "it did not wait for the request");
  }
  await using again = await start(data.path, fake);
  await fake.waitFor(() => firstTurns(fake, "clarify") === 2 && firstTurns(fake, "research") === 2);
  using rows = new Rows(data.path);
  deepEqual(runJobs(rows), Array(2).fill({ attempt: 1, crashes: 0 }));
  await again.kill();
});
