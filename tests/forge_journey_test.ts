/** A ticket to a forge: pushed over HTTP with its token, opened once though the server dies, sent back, merged there. */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert";
import { type ClaudeRequest, startFakeClaude } from "./fake_claude/mod.ts";
import { startFakeForge } from "./fake_forges/mod.ts";
import { Client, type Gaffer, type Json, startGaffer, tempDir } from "./gaffer.ts";
import { personGit } from "./git_support.ts";
import {
  greetCommands,
  greetDeveloper,
  greetRepo,
  greetScripts,
  greetTicket,
} from "./greet_story.ts";
import { addProject, calls, Events, expect, play, settled, submit } from "./journey_support.ts";

const BRANCH = "gaffer/1-greet-the-world";

/** Does what somebody wants on the forge. */
function changer({ turn, prompt }: ClaudeRequest) {
  expect(/greet\.sh:2: ben on Gitea:\s+Louder, please/.test(prompt), prompt);
  if (turn === 1) return calls(["Read", { file_path: "greet.sh" }]);
  if (turn === 2) {
    return calls(["Edit", { file_path: "greet.sh", old_string: "world", new_string: "world!" }]);
  }
  return turn === 3
    ? calls(["run_checks", { name: "build" }])
    : submit({ status: "done", summary: "Louder" });
}

Deno.test("a ticket is pushed, opened as one pull request, sent back and merged on the forge", async (t) => {
  await using fake = startFakeClaude({
    reply: play({ ...greetScripts, develop: greetDeveloper, change: changer }),
  });
  await using data = await tempDir();
  await using repo = await greetRepo();
  const bare = repo.beside("forge.git");
  await personGit(repo.root, "clone", "-q", "--bare", repo.dir, bare);
  await using forge = startFakeForge({ kind: "gitea", token: "journey-token-4711", gitDir: bare });
  const tip = (branch: string) =>
    personGit(bare, "rev-parse", "--verify", `refs/heads/${branch}`).catch(() => null);
  forge.state.branches = tip;
  const start = () =>
    startGaffer({
      dataDir: data.path,
      env: {
        ANTHROPIC_API_KEY: fake.apiKey,
        ANTHROPIC_BASE_URL: fake.url,
        GREET_FORGE: forge.state.token,
      },
    });
  let gaffer: Gaffer = await start();
  let client = new Client(gaffer.url);
  const project = await addProject(client, repo, greetCommands);
  const made = await client.post(`/projects/${project.id}/tickets`, greetTicket);
  const path = `/tickets/${made.id}`;
  const pullPath = `${path}/pull-request`;
  const reviewed = async () => {
    const ticket = await client.until(path, settled);
    equal(ticket.status, "review", ticket.reason);
    return ticket;
  };
  const pullOnce = (enough: (pull: Json, all: Json) => boolean) =>
    client.until(pullPath, (now) => now.pull_request !== null && enough(now.pull_request, now));

  try {
    await t.step("the project names its forge, which answers", async () => {
      await reviewed();
      const put = await client.request("PUT", `/projects/${project.id}/forge`, {
        kind: "gitea",
        api_url: forge.apiUrl,
        repository: "ana/greet",
        remote_url: forge.remoteUrl,
        token: "$GREET_FORGE",
      }, { "if-match": "*" });
      equal(put.status, 200, await put.text());
      deepEqual(await client.post(`/projects/${project.id}/forge/try`), {
        forge: "Gitea",
        default_branch: "main",
      });
    });

    await t.step("the server dies between push and pull request, and opens one, once", async () => {
      // Looks for one, among the open ones and those that ended; then opens it, and hears of nothing any more.
      forge.next.push("plain", "plain", "cut");
      const pushed = client.until(pullPath, ({ pull_request }) => pull_request?.pushed);
      await client.post(pullPath, { message: "feat: Greet the whole world\n\nLoudly" });
      await pushed;
      await client.until(pullPath, ({ pull_request }) => pull_request.error !== "");
      equal(forge.state.pulls.length, 1);
      await gaffer.kill();
      gaffer = await start();
      client = new Client(gaffer.url);
      await client.post(`${pullPath}/look`);
      const { pull_request } = await pullOnce(({ status }) => status === "open");
      deepEqual([pull_request.number, forge.state.pulls.length], [7, 1]);
      const ticket = await client.get(path);
      deepEqual([await tip(BRANCH), pull_request.pushed], [ticket.head_commit, ticket.head_commit]);
      const [{ title, body }] = forge.state.pulls as [Json];
      match(
        `${title}\n${body}`,
        /^feat: Greet the whole world\nLoudly\n\nDeveloped-by: feature-dev/,
      );
    });

    await t.step(
      "what is said there comes back, and goes to the developer by a click",
      async () => {
        forge.state.checks = [{ name: "ci", state: "failed", commit: (await tip(BRANCH))! }];
        forge.state.remarks = [
          { id: 1, kind: "line", author: "ben", path: "greet.sh", line: 2, body: "Louder, please" },
        ];
        await client.post(`${pullPath}/look`);
        const { checks, remarks } = await pullOnce((_, all) =>
          all.remarks.length > 0 && all.checks.length > 0
        );
        deepEqual(checks.map(({ name, status }: Json) => [name, status]), [["ci", "failed"]]);
        await client.post(`${pullPath}/take-up`, { remarks: remarks.map(({ id }: Json) => id) });
        await client.post(`${path}/request-changes`);
        await client.until(path, ({ status }) => status === "in_progress");
        const { head_commit } = await reviewed();
        ok(await tip(BRANCH) !== head_commit, "nothing is pushed by itself");
        await client.post(pullPath);
        await pullOnce(({ pushed, error }) => pushed === head_commit && error === "");
        equal(await tip(BRANCH), head_commit);
        equal(forge.state.pulls.length, 1);
      },
    );

    await t.step(
      "merged there, the ticket is done, its worktree gone and the commit traced",
      async () => {
        const clone = repo.beside("elsewhere");
        await personGit(repo.root, "clone", "-q", bare, clone);
        const who = ["-c", "user.name=Ben", "-c", "user.email=ben@example.org"];
        await personGit(clone, "merge", "-q", "--squash", `origin/${BRANCH}`);
        await personGit(clone, ...who, "commit", "-q", "-m", "Greet (#7)");
        await personGit(clone, "push", "-q", "origin", "main");
        const merge = (await tip("main"))!;
        Object.assign(forge.state.pulls[0]!, { state: "merged", mergeCommit: merge });
        await using events = await Events.open(gaffer.url);
        await client.post(`${pullPath}/look`);
        await events.next("the removed worktree", (event) => event.type === "worktree_removed");
        const done = await client.get(path);
        deepEqual([done.status, done.merge_commit], ["done", merge]);
        equal((await repo.git("worktree", "list")).split("\n").length, 1);
        equal(await repo.git("branch", "--list", "gaffer/*"), "");
        await repo.git("pull", "-q", bare, "main");
        const trace = await client.get(`/projects/${project.id}/trace?commit=${merge}`);
        equal(trace.items[0].ticket.id, made.id);
      },
    );

    await t.step("the token was given to the forge alone", async () => {
      ok(!gaffer.output().includes(forge.state.token));
      const files: string[] = [];
      for await (const entry of Deno.readDir(data.path)) {
        if (!entry.isFile) continue;
        const text = await Deno.readTextFile(`${data.path}/${entry.name}`);
        if (text.includes(forge.state.token)) files.push(entry.name);
      }
      deepEqual(files, []);
      ok(fake.requests.every(({ status }) => status === 200));
    });
  } finally {
    await gaffer[Symbol.asyncDispose]();
  }
});
