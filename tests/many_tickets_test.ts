/**
 * Tickets side by side in one repository, some of which get into each other's way: twenty in a large one with
 * `deno task chaos`, with every test run fewer in a smaller one.
 */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert";
import { type ClaudeRequest, startFakeClaude } from "./fake_claude/mod.ts";
import { Client, type Json, startGaffer, tempDir } from "./gaffer.ts";
import { personGit, TestRepo } from "./git_support.ts";
import {
  addProject,
  attribute,
  calls,
  Events,
  ifGood,
  patch,
  play,
  Rows,
  submit,
} from "./journey_support.ts";

const isLong = Deno.args.includes("long");
const TICKETS = isLong ? 20 : 13;
const FILES = isLong ? 5_000 : 300;
/** Two tickets each change the same line of a shared file, and the developer of the later one resolves it. */
const RESOLVED_PAIRS = 3;
/** Two more do, and the developer of the later one gives up. */
const GIVEN_UP_PAIR = RESOLVED_PAIRS;
/** These two add a file each: either alone passes the tests, both together do not. */
const CROWD = [8, 9];
/** Its developer changes nothing. */
const IDLE = 10;
/** Its tests fail whatever its developer does. */
const BROKEN = 11;

/** Every value is one line, there are at most two guests, and nothing is broken. */
const TEST = `
set -e
! grep -q '^[<=>|]\\{7\\}' shared/*
for file in shared/*; do
  [ "$(grep -c '^value:' "$file")" -eq 1 ] || { echo "not ok 1 - values"; echo 1..1; exit 1; }
done
[ "$(ls guests | wc -l)" -le 2 ] || { echo "not ok 1 - guests"; echo 1..1; exit 1; }
[ ! -e broken ] || { echo "not ok 1 - whole"; echo 1..1; exit 1; }
echo "ok 1 - all"
echo 1..1
`;

const repositoryFiles = (): Record<string, string> => {
  const files: Record<string, string> = { "test.sh": TEST, "guests/host": "host\n" };
  for (let pair = 0; pair <= GIVEN_UP_PAIR; pair++) {
    files[`shared/${pair}.txt`] = "head\nvalue: none\nfoot\n";
  }
  for (let n = Object.keys(files).length; n < FILES; n++) {
    files[`src/${n % 100}/file_${n}.txt`] = `file ${n}\n`;
  }
  return files;
};

const pairOf = (n: number): number | null => n < 2 * (GIVEN_UP_PAIR + 1) ? Math.floor(n / 2) : null;
const numberIn = ({ prompt }: ClaudeRequest): number =>
  Number(/title="Change (\d+)"/.exec(prompt)![1]);
const done = submit({ status: "done", summary: "Changed" });

function developer(request: ClaudeRequest) {
  const n = numberIn(request);
  const pair = pairOf(n);
  if (n === IDLE || n === BROKEN && attribute(request, "task", "purpose") === "fix") {
    return submit({ status: "blocked", summary: `Change ${n} is beyond me` });
  }
  const path = pair === null
    ? n === BROKEN ? "broken" : CROWD.includes(n) ? `guests/${n}` : `own/${n}.txt`
    : `shared/${pair}.txt`;
  const change = pair === null
    ? calls(["Write", { file_path: path, content: `${n}\n` }])
    : calls(["Edit", { file_path: path, old_string: "none", new_string: `${n}` }]);
  const turns = [
    calls(["Read", { file_path: pair === null ? "test.sh" : path }]),
    change,
    // The build says nothing about what is broken.
    calls(["run_checks", { name: "build" }]),
    ifGood(done),
  ];
  const turn = turns[request.turn - 1]!;
  return typeof turn === "function" ? turn(request) : turn;
}

function resolver(request: ClaudeRequest) {
  const pair = pairOf(numberIn(request))!;
  const path = `shared/${pair}.txt`;
  if (pair === GIVEN_UP_PAIR) return submit({ status: "blocked", summary: "I can't decide" });
  if (request.turn === 1) return calls(["Read", { file_path: path }]);
  if (request.turn === 2) {
    const values = [...request.results[0]!.content.matchAll(/value: (\d+)/g)].map(([, n]) => n);
    const content = `head\nvalue: ${values.join(" and ")}\nfoot\n`;
    return calls(["Write", { file_path: path, content }]);
  }
  if (request.turn === 3) return calls(["run_checks", { name: "test" }]);
  const turn = ifGood(done);
  return typeof turn === "function" ? turn(request) : turn;
}

/** Approves each ticket whenever it is in review, until all have ended and the folders of the merged ones are gone. */
async function toTheEnd(client: Client, ids: string[], events: Events): Promise<Json[]> {
  const ended = new Map<string, Json>();
  const look = async (id: string) => {
    const ticket = await client.get(`/tickets/${id}`);
    ended.delete(id);
    if (["done", "blocked", "cancelled"].includes(ticket.status)) ended.set(id, ticket);
    else if (ticket.status === "review" && ticket.step !== "merge") {
      await client.post(`/tickets/${id}/approve`);
    }
  };
  for (const id of ids) await look(id);
  const removed = new Set<string>();
  const isOver = (id: string) =>
    ended.has(id) && (ended.get(id)!.status !== "done" || removed.has(id));
  while (!ids.every(isOver)) {
    const { type, ticket_id } = await events.next(
      "the tickets to end",
      ({ type }) => type === "ticket_moved" || type === "worktree_removed",
    );
    if (type === "worktree_removed") removed.add(ticket_id);
    else await look(ticket_id);
  }
  return ids.map((id) => ended.get(id)!);
}

Deno.test(`${TICKETS} tickets side by side in ${FILES} files are merged or blocked with a true reason, and leave nothing behind`, async (t) => {
  const review = submit({ summary: "Good", findings: [], criteria: [] });
  await using fake = startFakeClaude({
    reply: play({ develop: developer, fix: developer, change: resolver, review }),
  });
  await using data = await tempDir();
  await using repo = await TestRepo.make(repositoryFiles());
  const base = await repo.git("rev-parse", "main");
  // The person works on something else meanwhile.
  await repo.git("switch", "-q", "-c", "own-work");
  await repo.write("src/7/file_7.txt", "my own\n");
  await repo.write("test.sh", "exit 1\n");
  await repo.git("add", "test.sh");
  await repo.write("mine.txt", "untracked\n");
  const before = await repo.snapshot();
  await using gaffer = await startGaffer({
    dataDir: data.path,
    env: {
      ANTHROPIC_API_KEY: fake.apiKey,
      ANTHROPIC_BASE_URL: fake.url,
      GAFFER_MAX_RUNS: String(TICKETS),
    },
  });
  const client = new Client(gaffer.url);
  const project = await addProject(client, repo, { build: "sh -n test.sh", test: "sh test.sh" });
  await patch(client, `/projects/${project.id}`, { base_branch: "main" });
  await setMergeRule(client, project.id, { on_conflict: "resolve" });
  await using events = await Events.open(gaffer.url);
  const made = await Promise.all(
    Array.from(
      { length: TICKETS },
      (_, n) =>
        client.post(`/projects/${project.id}/tickets`, { title: `Change ${n}`, type: "chore" }),
    ),
  );
  const tickets = await toTheEnd(client, made.map(({ id }) => id), events);
  const merged = tickets.filter(({ status }) => status === "done");
  const blocked = tickets.filter(({ status }) => status === "blocked");

  await t.step("each is merged, or blocked for what really stands in its way", async () => {
    const reasons = Object.fromEntries(
      blocked.map(({ title, failure, reason }) => [title, `${failure}: ${reason}`]),
    );
    const late = [GIVEN_UP_PAIR * 2, GIVEN_UP_PAIR * 2 + 1].map((n) => `Change ${n}`)
      .filter((title) => title in reasons);
    const crowded = CROWD.map((n) => `Change ${n}`).filter((title) => title in reasons);
    deepEqual([late.length, crowded.length, blocked.length], [1, 1, 4], JSON.stringify(reasons));
    match(reasons[late[0]!]!, /^agent_blocked: [^]*I can't decide/);
    match(
      reasons[crowded[0]!]!,
      /^merge_checks_failed: test fails on the result [^]*not ok 1 - guests/,
    );
    match(reasons[`Change ${IDLE}`]!, /^agent_blocked: [^]*beyond me/);
    match(reasons[`Change ${BROKEN}`]!, /^agent_blocked: [^]*beyond me/);
    equal(merged.length, TICKETS - 4);
    for (let pair = 0; pair < RESOLVED_PAIRS; pair++) {
      const value = /^value: (\d+) and (\d+)$/m.exec(
        await repo.git("show", `main:shared/${pair}.txt`),
      );
      deepEqual(value?.slice(1).map(Number).toSorted(), [2 * pair, 2 * pair + 1]);
    }
  });

  await t.step(
    "the base branch is one commit for each, and its own tests pass at every one",
    async () => {
      const commits = (await repo.git("rev-list", "--first-parent", "--reverse", `${base}..main`))
        .split("\n");
      deepEqual(new Set(commits), new Set(merged.map((ticket) => ticket.merge_commit)));
      const dir = repo.beside("looking back");
      await repo.git("worktree", "add", "-q", "--detach", dir, base);
      for (const commit of commits) {
        await personGit(dir, "checkout", "-q", commit);
        const { success, stdout } = await new Deno.Command("sh", { args: ["test.sh"], cwd: dir })
          .output();
        ok(success, `${commit}: ${new TextDecoder().decode(stdout)}`);
      }
      await repo.git("worktree", "remove", dir);
    },
  );

  await t.step("the person's checkout is as it was", async () => {
    const now = await repo.snapshot();
    const refsOf = (refs: string) => refs.replace(/^refs\/heads\/main .*$/m, "");
    deepEqual({ ...now, refs: refsOf(now.refs!) }, { ...before, refs: refsOf(before.refs!) });
  });

  await t.step("nothing is left but what the blocked ones have made", async () => {
    for (const { id } of blocked) await client.post(`/tickets/${id}/cancel`);
    equal(await gaffer.stop(), 0, gaffer.output());
    using rows = new Rows(data.path);
    const kept = rows.all("SELECT path, branch FROM worktrees WHERE status <> 'removed'");
    equal(kept.length, blocked.length);
    const trees = (await repo.git("worktree", "list", "--porcelain")).split("\n\n");
    deepEqual(
      new Set(trees.slice(1).map((tree) => /^branch refs\/heads\/(.*)$/m.exec(tree)?.[1])),
      new Set(kept.map(({ branch }) => branch)),
    );
    const branches = await repo.git("for-each-ref", "--format=%(refname:short)", "refs/heads");
    deepEqual(
      new Set(branches.split("\n")),
      new Set(["main", "own-work", ...kept.map(({ branch }) => branch)]),
    );
    equal(await repo.git("worktree", "prune", "--dry-run", "--verbose"), "");
    deepEqual(await locksBelow(`${repo.dir}/.git`), []);
    deepEqual(await processesIn(data.path), []);
    deepEqual(
      rows.all(
        "SELECT kind, status FROM jobs WHERE status NOT IN ('completed', 'cancelled') AND kind <> 'backup'",
      )
        .filter(({ kind }) => kind !== "roll_up"),
      [],
    );
  });
});

async function setMergeRule(client: Client, id: string, changes: Json): Promise<void> {
  const path = `/projects/${id}/merge-rule`;
  const response = await client.request("GET", path);
  const rule = await response.json();
  const headers = { "if-match": response.headers.get("etag")! };
  const put = await client.request("PUT", path, { ...rule, ...changes }, headers);
  equal(put.status, 200, await put.text());
}

async function locksBelow(dir: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(dir)) {
    const path = `${dir}/${name}`;
    if (isDirectory) found.push(...await locksBelow(path));
    else if (name.endsWith(".lock")) found.push(path);
  }
  return found;
}

/** Command lines of the processes that name the folder or work below it. */
async function processesIn(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name) || Number(name) === Deno.pid) continue;
    const [command, cwd] = await Promise.all([
      Deno.readTextFile(`/proc/${name}/cmdline`).catch(() => ""), // it has ended
      Deno.readLink(`/proc/${name}/cwd`).catch(() => ""),
    ]);
    if (command.includes(folder) || cwd.startsWith(folder)) found.push(command);
  }
  return found;
}
