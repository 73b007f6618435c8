/** From approval to the base branch, around whatever the person is doing in the same repository. */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert";
import { type ClaudeRequest, startFakeClaude } from "./fake_claude/mod.ts";
import { Client, type Json, startGaffer, tempDir } from "./gaffer.ts";
import type { TestRepo } from "./git_support.ts";
import {
  greetCommands,
  greetDeveloper,
  GREETED,
  greetRepo,
  greetScripts,
  greetTicket,
} from "./greet_story.ts";
import { addProject, calls, play, settled, submit } from "./journey_support.ts";

const NOTED = { file_path: "notes.txt", old_string: "one", new_string: "one and a half" };
const notesTicket = { ...greetTicket, title: "Mend the notes" };

/** Does the one ticket or the other. */
function developer(request: ClaudeRequest) {
  if (!request.prompt.includes(notesTicket.title)) return greetDeveloper(request);
  const turns = [
    calls(["Read", { file_path: "notes.txt" }]),
    calls(["Edit", NOTED]),
    calls(["run_checks", { name: "build" }]),
    submit({ status: "done", summary: "The notes are mended" }),
  ];
  return turns[request.turn - 1]!;
}

/** A project whose ticket waits for approval. */
class Case implements AsyncDisposable {
  constructor(
    readonly client: Client,
    readonly repo: TestRepo,
    readonly project: Json,
    readonly ticket: Json,
  ) {}

  static async make(client: Client): Promise<Case> {
    const repo = await greetRepo();
    const project = await addProject(client, repo, greetCommands);
    const ticket = await client.post(`/projects/${project.id}/tickets`, greetTicket);
    return new Case(client, repo, project, ticket);
  }

  get path(): string {
    return `/tickets/${this.ticket.id}`;
  }

  async reviewed(): Promise<void> {
    const { status, reason } = await this.client.until(this.path, settled);
    equal(status, "review", reason);
  }

  /** Approves, and gives the ticket when it is merged, blocked, or waits. */
  async approve(): Promise<Json> {
    await this.client.post(`${this.path}/approve`);
    return await this.client.until(
      this.path,
      (t) => t.status !== "review" || t.merge_wait !== "",
    );
  }

  /** What is staged, what is not, what git does not know: with contents. */
  async edits(): Promise<Record<string, string>> {
    const git = (...args: string[]) => this.repo.git(...args);
    const untracked = await git("ls-files", "--others", "--exclude-standard");
    return {
      staged: await git("diff", "--cached"),
      unstaged: await git("diff"),
      untracked: untracked && `${untracked}: ${await this.repo.read(untracked)}`,
    };
  }

  async [Symbol.asyncDispose]() {
    await this.repo[Symbol.asyncDispose]();
  }
}

Deno.test("an approved ticket is merged around the person's own work", async (t) => {
  await using fake = startFakeClaude({ reply: play({ ...greetScripts, develop: developer }) });
  await using data = await tempDir();
  await using gaffer = await startGaffer({
    dataDir: data.path,
    env: { ANTHROPIC_API_KEY: fake.apiKey, ANTHROPIC_BASE_URL: fake.url },
  });
  const client = new Client(gaffer.url);
  await using stack = new AsyncDisposableStack();
  const make = async () => stack.use(await Case.make(client));
  const [dirty, elsewhere, patient, unlucky, first] = await Promise.all(
    [make(), make(), make(), make(), make()],
  );
  const { repo, project } = first;
  const second = new Case(
    client,
    repo,
    project,
    await client.post(`/projects/${project.id}/tickets`, notesTicket),
  );
  const all = [dirty, elsewhere, patient, unlucky, first, second];
  await Promise.all(all.map((one) => one.reviewed()));

  await t.step("an edit that it would overwrite makes it wait; nothing changes", async () => {
    for (const one of [dirty, patient]) {
      await one.repo.write("greet.sh", 'echo "my own"\n');
      const before = await one.repo.snapshot();
      const waiting = await one.approve();
      deepEqual([waiting.status, waiting.step], ["review", "merge"]);
      match(waiting.merge_wait, /would overwrite what is not committed in ".*": "greet\.sh"\. /);
      deepEqual(await one.repo.snapshot(), before);
    }
  });
  await patient.repo.git("stash");
  const patientDone = client.until(patient.path, (t) => t.status !== "review");

  await t.step("told so, it looks again at once; every other edit stays as it is", async () => {
    const { repo } = dirty;
    await repo.git("stash");
    await repo.write("notes.txt", "staged\n");
    await repo.git("add", "notes.txt");
    await repo.write("notes.txt", "staged, then changed again\n");
    await repo.write("other.txt", "not staged\n");
    await repo.write("mine.txt", "untracked\n");
    const before = await dirty.edits();
    const done = await dirty.approve();
    equal(done.status, "done", done.reason);
    equal(
      await repo.git("rev-parse", "HEAD", "main"),
      `${done.merge_commit}\n${done.merge_commit}`,
    );
    deepEqual(await dirty.edits(), before);
    equal(await repo.git("status", "--porcelain"), "MM notes.txt\n M other.txt\n?? mine.txt");
    equal(await repo.read("greet.sh"), GREETED);
    match(await repo.git("stash", "show", "-p"), /my own/);
  });

  await t.step("a checkout of another branch is not touched", async () => {
    const { repo } = elsewhere;
    await repo.git("switch", "-q", "-c", "own-work");
    await repo.write("greet.sh", 'echo "my own"\n');
    await repo.git("add", "greet.sh");
    await repo.write("mine.txt", "untracked\n");
    const { refs, ...before } = await repo.snapshot();
    const tip = await repo.git("rev-parse", "main");
    const done = await elsewhere.approve();
    equal(done.status, "done", done.reason);
    const { refs: refsNow, ...now } = await repo.snapshot();
    deepEqual(now, before);
    equal(refsNow, refs!.replace(`refs/heads/main ${tip}`, `refs/heads/main ${done.merge_commit}`));
    equal(await repo.git("show", "main:greet.sh"), GREETED.trimEnd());
  });

  await t.step("what passes alone and fails with the moved base is not merged", async () => {
    const { repo } = unlucky;
    const own = await repo.commit("Stricter", {
      "test.sh": `${await repo.read("test.sh")}! sh greet.sh | grep -q world\n`,
    });
    const before = await repo.snapshot();
    const blocked = await unlucky.approve();
    deepEqual([blocked.status, blocked.failure], ["blocked", "merge_checks_failed"]);
    match(blocked.reason, /^test fails on the result of the merge with the moved base branch/);
    equal(await repo.git("rev-parse", "main"), own);
    deepEqual(await repo.snapshot(), before);
  });

  await t.step("a conflict blocks it, too, and the files are named", async () => {
    const { repo } = unlucky;
    const own = await repo.commit("My own", { "greet.sh": 'echo "hello, you"\n' });
    const before = await repo.snapshot();
    await client.post(`${unlucky.path}/retry`);
    const blocked = await client.until(unlucky.path, (t) => t.failure === "merge_conflict");
    equal(blocked.status, "blocked");
    match(blocked.reason, /changed the same lines in: greet\.sh\n/);
    match(blocked.reason, /hello, you[\s\S]*hello, world/);
    equal(await repo.git("rev-parse", "main"), own);
    deepEqual(await repo.snapshot(), before);
  });

  await t.step(
    "tickets are merged one after the other, each tested with what came before",
    async () => {
      const own = await repo.commit("My own", { "other.txt": "mine\n" });
      const done = await Promise.all([first.approve(), second.approve()]);
      deepEqual(done.map((t) => t.status), ["done", "done"]);
      const commits = (await repo.git("rev-list", "--reverse", `${own}..main`)).split("\n");
      deepEqual(new Set(commits), new Set(done.map((t) => t.merge_commit)));
      equal(await repo.read("other.txt"), "mine\n");
      equal(await repo.read("greet.sh"), GREETED);
      equal(await repo.read("notes.txt"), "one and a half\n");
      for (const [index, one] of [first, second].entries()) {
        deepEqual(
          await checksOf(one, done[index].merge_commit),
          [["build", "passed"], ["test", "passed"]],
        );
      }
    },
  );

  await t.step("the one that nobody told goes on by itself", async () => {
    const { status, reason } = await patientDone;
    equal(status, "done", reason);
    equal(await patient.repo.read("greet.sh"), GREETED);
    ok(fake.requests.every(({ status }) => status === 200));
  });
});

async function checksOf(one: Case, commit: string): Promise<string[][]> {
  const { items } = await one.client.get(`${one.path}/checks`);
  return items.filter((check: Json) => check.commit === commit && !check.baseline)
    .map((check: Json) => [check.name, check.status]);
}
