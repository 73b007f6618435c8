/**
 * Work that meets a full disk while the database does not: the worktrees and the repository lie on small disks of
 * their own. (disk_test.ts: the disk of the database.)
 */
import {
  deepStrictEqual as deepEqual,
  match,
  ok,
  rejects,
  strictEqual as equal,
} from "node:assert";
import { join } from "node:path";
import { createView } from "../agents/git/worktrees.ts";
import { runCheck } from "../server/services/checks.ts";
import { listChecks } from "../server/store/checks.ts";
import { getProject } from "../server/store/projects.ts";
import { startFakeClaude } from "./fake_claude/mod.ts";
import { Client, type Json, run, startGaffer, tempDir } from "./gaffer.ts";
import {
  greetCommands,
  greetDeveloper,
  greetRepo,
  greetScripts,
  greetTicket,
} from "./greet_story.ts";
import { logOf, patch, play, runsOf, settled } from "./journey_support.ts";
import { canMount, smallDisk } from "./small_disk.ts";
import { testApp } from "./support.ts";

const mayMount = await canMount();
const WAIT_MS = 60_000;

/** Reads a page now and whenever it changes, until its text matches. */
async function untilPage(url: string, path: string, pattern: RegExp): Promise<void> {
  const signal = AbortSignal.timeout(WAIT_MS);
  const live = `${url}/live/${path.replace(/^\/(\w+)s\//, "$1/")}`;
  const reader = (await fetch(live, { signal })).body!.getReader();
  let text = "";
  try {
    while (true) {
      text = await (await fetch(url + path, { signal })).text();
      if (pattern.test(text)) return;
      await reader.read();
    }
  } catch (cause) {
    throw new Error(`${path} never said ${pattern}: ${text.replace(/<[^>]*>/g, " ")}`, { cause });
  } finally {
    await reader.cancel().catch(() => {});
  }
}

/** The disk has room again: what waits for it need not wait for its next look. */
async function goOn(client: Client): Promise<void> {
  const { items } = await client.get("/jobs?status=scheduled");
  for (const { id, kind, errors } of items) {
    if (kind === "backup" || errors.at(-1)?.failure !== "machine_fault") continue;
    const response = await client.request("POST", `/jobs/${id}/retry`);
    await response.body?.cancel();
    ok(response.ok || response.status === 409, "it is looking this moment");
  }
}

Deno.test({
  name:
    "work that meets a full disk waits, says for what, is not paid for twice, and goes on by itself",
  ignore: !mayMount,
  async fn() {
    await using data = await tempDir();
    const projects = join(data.path, "projects");
    await Deno.mkdir(projects);
    await using disk = (await smallDisk(8, projects))!;
    await using repoDisk = (await smallDisk(8))!;
    await using repo = await greetRepo();
    const dir = join(repoDisk.path, "greet");
    await run("/", "cp", "-a", repo.dir, dir);
    const before = { edit: () => {}, submit: () => {} };
    await using fake = startFakeClaude({
      reply: play({
        ...greetScripts,
        develop: (request) => {
          const [last] = request.results;
          if (last?.name === "Read") before.edit();
          if (last?.name === "run_checks") before.submit();
          return greetDeveloper(request);
        },
      }),
    });
    await using gaffer = await startGaffer({
      dataDir: data.path,
      env: { ANTHROPIC_API_KEY: fake.apiKey, ANTHROPIC_BASE_URL: fake.url },
    });
    const client = new Client(gaffer.url);
    const { id: projectId } = await client.post("/projects", {
      path: dir,
      commands: greetCommands,
    });
    await patch(client, `/projects/${projectId}`, { commands_allowed: true });
    const says = (path: string, what: RegExp) =>
      untilPage(
        gaffer.url,
        path,
        new RegExp(`Waits, and goes on by itself</span>(?:</p>\\s*<p>|\\. )[^<]*${what.source}`),
      );

    // An idea whose agents have nowhere to read.
    disk.fill();
    const idea = await client.post(`/projects/${projectId}/ideas`, { title: "Greet more" });
    await says(`/ideas/${idea.id}`, /make the worktree/);
    disk.empty();
    await goOn(client);
    await client.until(`/ideas/${idea.id}`, ({ status }) => status === "questions");

    disk.fill();
    const { id } = await client.post(`/projects/${projectId}/tickets`, greetTicket);
    // A ticket without room for its worktree.
    await says(`/tickets/${id}`, /make the worktree/);
    before.edit = () => disk.fill();
    disk.empty();
    await goOn(client);

    // An edit that does not fit.
    await says(`/tickets/${id}`, /Cannot use Edit: the disk with the data folder is full/);
    const [developing] = await runsOf(client, { ticket_id: id });
    await says(
      `/runs/${developing!.id}`,
      /Cannot use Edit: the disk with the data folder is full/,
    );
    equal((await client.get(`/runs/${developing!.id}`)).status, "running");
    repoDisk.fill();
    disk.empty();
    await goOn(client);

    // A commit that the repository's own disk does not take.
    await says(
      `/tickets/${id}`,
      /git says &quot;[^<]*(No space left|[Dd]iskspace|couldn't write)/,
    );
    before.submit = () => disk.fill();
    repoDisk.empty();
    await goOn(client);

    // A check whose output does not fit.
    await says(`/tickets/${id}`, /Cannot keep what &quot;test&quot; prints: the disk/);
    deepEqual((await client.get(`/tickets/${id}`)).status, "in_progress");
    disk.empty();
    await goOn(client);

    const ticket = await client.until(`/tickets/${id}`, settled);
    equal(ticket.status, "review", ticket.reason);
    const page = await (await fetch(`${gaffer.url}/tickets/${id}`)).text();
    ok(!page.includes("Waits, and goes on by itself"));
    const runs = await runsOf(client, { ticket_id: id });
    deepEqual(runs.map(({ purpose, status }) => [purpose, status]), [
      ["develop", "succeeded"],
      ["review", "succeeded"],
    ]);
    const log = await logOf(client, runs[0]!.id);
    const of = (type: string) => log.filter((event: Json) => event.type === type);
    equal(of("turn_started").length, 4, "nothing was asked twice");
    deepEqual(of("tool_finished").filter(({ body }: Json) => body.result.isError), []);
    equal(of("tool_executing").length, 1, "the edit was begun once");
    const { items: checks } = await client.get(`/tickets/${id}/checks`);
    deepEqual(
      checks.filter((check: Json) => !check.baseline).map((
        { name, status }: Json,
      ) => [name, status]),
      [["build", "passed"], ["test", "passed"]],
    );
    const { items: jobs } = await client.get("/jobs?limit=200");
    const failures = jobs.flatMap(({ errors }: Json) => errors.map(({ failure }: Json) => failure))
      .filter((failure: string | null) => failure !== null);
    ok(failures.length >= 5);
    deepEqual(failures.filter((name: string) => name !== "machine_fault"), []);
    deepEqual(jobs.filter(({ attempt }: Json) => attempt > 1), [], "no attempt was used up");
    match(await run(dir, "git", "log", "--oneline", ticket.branch), /\n/);
    equal(await gaffer.stop(), 0);
  },
});

Deno.test({
  name: "a check that fails on a full disk is no evidence, and leaves nothing behind",
  ignore: !mayMount,
  async fn() {
    await using data = await tempDir();
    await using disk = (await smallDisk(4))!;
    await using repo = await greetRepo();
    const commit = await repo.git("rev-parse", "main");
    const signal = AbortSignal.timeout(WAIT_MS);
    const path = join(disk.path, "work");
    const dir = await createView({ repo: repo.dir, path, commit, signal });
    using app = testApp({ config: { dataDir: data.path } });
    const ticket = await app.ticket();
    const project = { ...getProject(app.db, ticket.projectId), path: repo.dir };
    app.agents.command = (_place, _spec, { onOutput }) => {
      onOutput?.("what it printed\n");
      Deno.writeTextFileSync(join(dir, "left.txt"), "");
      const result = { timedOut: false, durationMs: 1, output: "", outputBytes: 0, cwd: "" };
      return Promise.resolve({ ...result, exitCode: 1, unconfined: false });
    };
    const place = { dir, access: "write" as const, gitDir: null };
    const request = { name: "test" as const, commit, baseline: false, place };
    const check = () => runCheck(app, { project, ticket, request, signal });
    disk.fill();
    await rejects(check(), {
      name: "Unavailable",
      message: /^Cannot run "test": the disk .* full/,
    });
    deepEqual(listChecks(app.db, ticket.id), []);
    const kept = join(data.path, "projects", project.slug, "checks", String(ticket.number));
    deepEqual([...Deno.readDirSync(kept)], [], "nor its output");
    deepEqual([...Deno.readDirSync(dir)].filter(({ name }) => name === "left.txt"), []);
    disk.empty();
    equal((await check()).status, "failed", "with room it is the work's own failure");
  },
});
