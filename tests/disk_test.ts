/** A real server on a disk that is full, fails, is read-only or damaged, and one that may open few files. */
import {
  deepStrictEqual as deepEqual,
  match,
  ok,
  rejects,
  strictEqual as equal,
} from "node:assert";
import { join } from "node:path";
import { runCommand } from "../server/command.ts";
import { broken, startFakeClaude } from "./fake_claude/mod.ts";
import { Client, type Gaffer, type Json, startGaffer, tempDir } from "./gaffer.ts";
import { asking, greetCommands, greetRepo, greetScripts } from "./greet_story.ts";
import { addProject, answerAll, Events, play, Rows } from "./journey_support.ts";
import { canMount, liftFileLimit, smallDisk, withFileLimit, withOpenFiles } from "./small_disk.ts";

/** Whether tests may mount here, and lift limits: asked once. */
const mayMount = await canMount();
const mayLift = await liftFileLimit(Deno.pid);

interface Accepted {
  titles: string[];
  /** The answer that ended it. */
  problem: Json;
  retryAfter: string | null;
}

/** Most ideas that fit until the disk is full. */
const MAX_IDEAS = 5_000;

/** Submits ideas until one is refused. */
async function submitUntilRefused(client: Client, projectId: string): Promise<Accepted> {
  const titles: string[] = [];
  for (let n = 0; n < MAX_IDEAS; n++) {
    const title = `Idea ${n} ${"x".repeat(100)}`;
    const response = await client.request("POST", `/projects/${projectId}/ideas`, { title });
    if (response.status === 503) {
      const retryAfter = response.headers.get("retry-after");
      return { titles, problem: await response.json(), retryAfter };
    }
    equal(response.status, 201);
    await response.body?.cancel();
    titles.push(title);
  }
  throw new Error(`All ${MAX_IDEAS} ideas fitted`);
}

/** Reads a page's event stream until something is in it. */
async function untilStreamed(url: string, pattern: RegExp): Promise<void> {
  const response = await fetch(url, { signal: AbortSignal.timeout(120_000) });
  let text = "";
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    if (pattern.test(text)) return;
  }
  throw new Error(`The stream of ${url} ended without ${pattern}`);
}

/** Asks until the answer has this status; what heals by itself takes a moment. */
async function untilHealth(gaffer: Gaffer, status: number): Promise<Json> {
  const signal = AbortSignal.timeout(120_000);
  while (true) {
    const response = await fetch(`${gaffer.url}/healthz`, { signal });
    const body = await response.json();
    if (response.status === status) return body;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Everything that was accepted is there, once, and nothing that was refused. */
function checkIdeas(dataDir: string, accepted: string[]): void {
  using rows = new Rows(dataDir);
  equal(rows.one("PRAGMA integrity_check"), "ok");
  deepEqual(rows.all("PRAGMA foreign_key_check"), []);
  const titles = rows.all("SELECT title FROM ideas ORDER BY number").map(({ title }) => title);
  deepEqual(titles, accepted);
}

// ------------------------------------------------------------------ full

Deno.test({
  name:
    "a disk that fills up stops what would be lost, loses no paid turn, and all goes on when there is room",
  ignore: !mayMount,
  async fn() {
    await using disk = (await smallDisk(24))!;
    const free = Promise.withResolvers<void>();
    await using fake = startFakeClaude({
      reply: play({
        ...greetScripts,
        // The first answer of the clarifier is on its way while the disk fills up.
        clarify: ({ turn }) =>
          turn === 1
            ? broken(asking, {
              type: "hold",
              after: "content_block_delta",
              until: free.promise,
            })
            : (greetScripts.clarify as [never, never])[1],
      }),
    });
    await using repo = await greetRepo();
    await using gaffer = await startGaffer({
      dataDir: disk.path,
      env: { ANTHROPIC_API_KEY: fake.apiKey, ANTHROPIC_BASE_URL: fake.url },
    });
    const client = new Client(gaffer.url);
    const project = await addProject(client, repo, greetCommands);
    const first = await client.post(`/projects/${project.id}/ideas`, { title: "Greet more" });
    await fake.waitFor(({ billed }) => billed !== null);
    const after = (await client.get("/system/status"), lastSeq(disk.path));

    disk.fill();
    const { titles, problem, retryAfter } = await submitUntilRefused(client, project.id);
    equal(problem.code, "unavailable");
    match(
      problem.detail,
      /^Cannot save it: the disk .* is full\. Free some space .* goes on by it/,
    );
    match(retryAfter!, /^\d+$/);
    // What still works: pages, lists, and the pages that were open already.
    const page = await (await fetch(gaffer.url)).text();
    match(page, /Nothing can be saved: the disk with the data folder is full/);
    equal((await client.get(`/ideas/${first.id}`)).title, "Greet more");
    await untilStreamed(`${gaffer.url}/live/home?after=${after}`, /Nothing can be saved/);
    const { failing } = await untilHealth(gaffer, 503);
    equal(failing, "writes");
    equal((await client.get("/system/status")).storage.fault, "disk_full");
    match(
      await (await fetch(`${gaffer.url}/projects`, {
        method: "POST",
        body: new URLSearchParams({ path: repo.dir, name: "Another" }),
      })).text(),
      /the disk with the data folder is full/,
    );
    // A backup would need more room than there is.
    const backup = await client.request("POST", "/system/backups");
    equal(backup.status, 503);
    match((await backup.json()).detail, /^Cannot back up to .*: it needs .* MB there, and 0\.0 MB/);
    // The paid answer comes in now; there is no room for it.
    free.resolve();
    await fake.waitFor(({ ending }) => ending === "complete");

    disk.empty();
    await untilHealth(gaffer, 200);
    await client.until(`/ideas/${first.id}`, (idea) => idea.status === "questions");
    equal(await answerAll(client, first.id), 1);
    await client.until(`/ideas/${first.id}`, (idea) => idea.status === "ready");
    match(await (await fetch(gaffer.url)).text(), /^(?!.*Nothing can be saved)/s);
    equal((await client.request("POST", "/system/backups")).status, 201);
    const clarifying = fake.requests.filter(({ request }) =>
      request?.agent === "clarifier" && request.prompt.includes("Greet more")
    );
    equal(clarifying.length, 2, "each turn was asked for once");
    equal(gaffer.output().match(/nothing can be saved/g)?.length, 1, "it is said once");
    equal(await gaffer.stop(), 0);
    checkIdeas(disk.path, ["Greet more", ...titles]);
  },
});

function lastSeq(dataDir: string): number {
  using rows = new Rows(dataDir);
  return rows.one("SELECT max(seq) FROM events");
}

Deno.test({
  name: "a disk whose writes fail in another way is told from a full one, and heals as well",
  ignore: !mayLift,
  async fn() {
    await using data = await tempDir();
    await using repo = await greetRepo();
    await using gaffer = await startGaffer({ dataDir: data.path, under: withFileLimit(2_048) });
    const client = new Client(gaffer.url);
    const { id } = await client.post("/projects", { path: repo.dir });
    const { titles, problem } = await submitUntilRefused(client, id);
    match(
      problem.detail,
      /^Cannot save it: the disk with the data folder fails\. Look at the disk/,
    );
    equal((await fetch(gaffer.url)).status, 200);
    equal(await liftFileLimit(gaffer.pid), true);
    await untilHealth(gaffer, 200);
    await client.post(`/projects/${id}/ideas`, { title: "Afterwards" });
    equal(await gaffer.stop(), 0);
    checkIdeas(data.path, [...titles, "Afterwards"]);
  },
});

Deno.test({
  name: "a server that is killed on a full disk has lost nothing that it had accepted",
  ignore: !mayMount,
  async fn() {
    await using disk = (await smallDisk(16))!;
    await using repo = await greetRepo();
    await using gaffer = await startGaffer({ dataDir: disk.path });
    const client = new Client(gaffer.url);
    const { id } = await client.post("/projects", { path: repo.dir });
    disk.fill();
    const { titles } = await submitUntilRefused(client, id);
    await gaffer.kill();
    disk.empty();
    checkIdeas(disk.path, titles);
    await using again = await startGaffer({ dataDir: disk.path });
    await untilHealth(again, 200);
    equal(await again.stop(), 0);
    checkIdeas(disk.path, titles);
  },
});

Deno.test({
  name: "a start on a full disk says so, and the next one with room works",
  ignore: !mayMount,
  async fn() {
    await using disk = (await smallDisk(16))!;
    {
      await using gaffer = await startGaffer({ dataDir: disk.path });
      equal(await gaffer.stop(), 0);
    }
    disk.fill();
    await rejects(startGaffer({ dataDir: disk.path }), (error: Error) => {
      match(error.message, / is full\. Free some space on it, then start Gaffer again/);
      return true;
    });
    disk.empty();
    await using gaffer = await startGaffer({ dataDir: disk.path });
    equal(await gaffer.stop(), 0);
    checkIdeas(disk.path, []);
  },
});

// ------------------------------------------------------------------ read-only

Deno.test({
  name: "a start on a read-only disk says so, also where nothing was ever made",
  ignore: !mayMount,
  async fn() {
    for (const used of [false, true]) {
      await using disk = (await smallDisk(16))!;
      if (used) {
        await using gaffer = await startGaffer({ dataDir: disk.path });
        equal(await gaffer.stop(), 0);
      }
      await disk.remount("ro");
      await rejects(startGaffer({ dataDir: disk.path }), (error: Error) => {
        match(error.message, /Gaffer ended with code 2/);
        match(error.message, /Cannot use the data folder .*: Read-only file system/);
        match(error.message, /Make the disk writable .* or choose another with --data/);
        return true;
      });
      await disk.remount("rw");
      await using gaffer = await startGaffer({ dataDir: disk.path });
      equal(await gaffer.stop(), 0);
    }
  },
});

// ------------------------------------------------------------------ damaged

Deno.test("a damaged database is refused with the command that mends it, and that command does", async () => {
  await using data = await tempDir();
  await using repo = await greetRepo();
  const database = join(data.path, "gaffer.db");
  {
    await using gaffer = await startGaffer({ dataDir: data.path });
    const client = new Client(gaffer.url);
    const { id } = await client.post("/projects", { path: repo.dir });
    await client.post(`/projects/${id}/ideas`, { title: "Saved in the backup" });
    equal((await client.request("POST", "/system/backups")).status, 201);
    await client.post(`/projects/${id}/ideas`, { title: "Later" });
    await gaffer.stop();
  }
  const whole = await Deno.readFile(database);
  const damaged = whole.slice();
  for (let at = 4096; at < damaged.length; at += 8192) damaged.fill(0x5a, at, at + 100);
  await Deno.writeFile(database, damaged);
  // As after a loss of power: whoever had it could not let go of it in order.
  await Deno.writeTextFile(join(data.path, "gaffer.lock"), '{"pid": 1}');

  let command = "";
  await rejects(startGaffer({ dataDir: data.path }), (error: Error) => {
    match(error.message, /Gaffer ended with code 1:.*it is damaged .* It is left as it is/s);
    command = /To restore it: gaffer (restore .*)/.exec(error.message)![1]!;
    return true;
  });
  deepEqual(await Deno.readFile(database), damaged, "it was not touched");
  equal(await runQuietly(command.split(" ")), 0);
  {
    await using gaffer = await startGaffer({ dataDir: data.path });
    equal(await gaffer.stop(), 0);
  }
  checkIdeas(data.path, ["Saved in the backup"]);
  const [aside] = [...Deno.readDirSync(join(data.path, "backups"))]
    .filter(({ isDirectory }) => isDirectory);
  deepEqual(await Deno.readFile(join(data.path, "backups", aside!.name, "gaffer.db")), damaged);
});

async function runQuietly(args: string[]): Promise<number> {
  const { log } = console;
  console.log = () => {};
  try {
    return await runCommand(args, new URL("../", import.meta.url));
  } finally {
    console.log = log;
  }
}

// ------------------------------------------------------------------ too many open files

/** Enough for a server with its brains and hands, and some dozen connections. */
const FILES = 120;

Deno.test({
  name: "when connections use up all files, the server goes on, and so does the work",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using data = await tempDir();
    await using repo = await greetRepo();
    await using fake = startFakeClaude({ reply: play(greetScripts) });
    await using gaffer = await startGaffer({
      dataDir: data.path,
      env: { ANTHROPIC_API_KEY: fake.apiKey, ANTHROPIC_BASE_URL: fake.url },
      under: withOpenFiles(FILES),
    });
    const client = new Client(gaffer.url);
    const project = await addProject(client, repo, greetCommands);
    const port = Number(new URL(gaffer.url).port);
    const { id } = await client.post(`/projects/${project.id}/ideas`, { title: "Greet more" });
    // While its agents work: their confinement has been proven by then, for which files must be opened.
    await client.until(`/ideas/${id}`, () => fake.requests.length > 0);
    const flood: Deno.Conn[] = [];
    try {
      while (flood.length < 2 * FILES) {
        flood.push(await Deno.connect({ hostname: "127.0.0.1", port }));
      }
    } catch (error) {
      match(String(error), /refused|reset/i);
    }
    ok(flood.length > 20);
    for (const connection of flood) connection.close();
    // It notices within seconds.
    await untilAnswers(gaffer.url);
    await using _events = await Events.open(gaffer.url);
    await client.until(`/ideas/${id}`, (idea) => idea.status === "questions");
    equal(await answerAll(client, id), 1);
    await client.until(`/ideas/${id}`, (idea) => idea.status === "ready");
    equal(await gaffer.stop(), 0);
    match(gaffer.output(), /as many files and connections open as the system lets it/);
    checkIdeas(data.path, ["Greet more"]);
  },
});

/** Until a new connection is answered: one that is open may be while no other is accepted. */
async function untilAnswers(url: string): Promise<void> {
  const signal = AbortSignal.timeout(120_000);
  using client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  while (true) {
    try {
      await (await fetch(`${url}/healthz`, { signal, client })).body?.cancel();
      return;
    } catch (error) {
      signal.throwIfAborted();
      ok(error instanceof TypeError); // refused, or cut off
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
