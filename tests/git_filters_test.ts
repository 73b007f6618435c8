/** Files that a filter should change are neither committed as they are nor put into the person's folder as they are. */
import {
  deepStrictEqual as deepEqual,
  match,
  ok,
  rejects,
  strictEqual as equal,
} from "node:assert";
import { checkpoint } from "../agents/git/checkpoints.ts";
import { filteredAmong, filteredBetween } from "../agents/git/filters.ts";
import { commitFile } from "../agents/git/file_commit.ts";
import { landMerge } from "../agents/git/landing.ts";
import { replaceFiles } from "../agents/git/replacing.ts";
import { createWorktree } from "../agents/git/worktrees.ts";
import { mergeTicket } from "../server/services/merging.ts";
import { continueTicket, pickUpBranch } from "../server/services/taking_over.ts";
import { approveTicket } from "../server/services/tickets.ts";
import { EvidenceBench, tap } from "./evidence_support.ts";
import { never, personGit, TestRepo } from "./git_support.ts";

const CRYPT = "secrets/** filter=crypt\n";
const POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n";
const good = { summary: "Good", findings: [], criteria: [] };

async function setUpCrypt(repo: TestRepo): Promise<void> {
  await repo.git("config", "filter.crypt.clean", "sed s/^/ENC:/");
  await repo.git("config", "filter.crypt.smudge", "sed s/^ENC://");
  await repo.git("config", "filter.crypt.required", "true");
}

/** A ticket's worktree of a repository with these files. */
async function worktreeOf(repo: TestRepo) {
  const base = await repo.git("rev-parse", "main");
  const path = repo.beside("work");
  const made = await createWorktree({
    ...{ repo: repo.dir, path, branch: "gaffer/1-work", base, signal: never },
  });
  return { repo: repo.dir, worktree: made.path, branch: made.branch, base, signal: never };
}

Deno.test("checkpoint() commits nothing while a changed file has a filter, set up or not, and says which", async () => {
  for (const isSetUp of [true, false]) {
    await using repo = await TestRepo.make({ "a.txt": "a\n", ".gitattributes": CRYPT });
    if (isSetUp) await setUpCrypt(repo);
    const { base, ...work } = await worktreeOf(repo);
    await repo.write("a.txt", "changed\n", work.worktree);
    await repo.write("secrets/a key.txt", "hunter2\n", work.worktree);
    await rejects(checkpoint({ ...work, message: "work" }), {
      code: "conflict",
      message:
        /^Cannot commit "secrets\/a key.txt": .gitattributes says that it passes through the filter "crypt".* add -- 'secrets\/a key.txt' && git -C .* commit\. Or take the change back/,
    });
    equal(await repo.git("rev-parse", work.branch), base);
    await Deno.remove(`${work.worktree}/secrets`, { recursive: true });
    deepEqual((await checkpoint({ ...work, message: "work" }))?.files, ["a.txt"]);
  }
});

Deno.test("checkpoint() does not let a change of .gitattributes get round the filter in one go", async () => {
  await using repo = await TestRepo.make({ "a.txt": "a\n", ".gitattributes": CRYPT });
  const work = await worktreeOf(repo);
  await repo.write(".gitattributes", "", work.worktree);
  await repo.write("secrets/key.txt", "hunter2\n", work.worktree);
  await rejects(checkpoint({ ...work, message: "work" }), { code: "conflict" });
});

Deno.test("checkpoint() commits pointers of git-lfs, removals and links under a filter, but no content for git-lfs", async () => {
  await using repo = await TestRepo.make({
    ".gitattributes": "*.bin filter=lfs -text\n",
    "big.bin": POINTER,
    "gone.bin": POINTER,
  });
  const work = await worktreeOf(repo);
  await repo.write("big.bin", POINTER.replace("00", "11"), work.worktree);
  await Deno.remove(`${work.worktree}/gone.bin`);
  await Deno.symlink("big.bin", `${work.worktree}/link.bin`);
  const files = ["big.bin", "gone.bin", "link.bin"];
  deepEqual((await checkpoint({ ...work, message: "work" }))?.files, files);
  await repo.write("big.bin", "content", work.worktree);
  await rejects(checkpoint({ ...work, message: "work" }), { code: "conflict" });
});

Deno.test("a document and a suggestion that a filter should change are refused, before any commit", async () => {
  await using repo = await TestRepo.make({ "secrets/a.md": "a\n", ".gitattributes": CRYPT });
  const { base, ...work } = await worktreeOf(repo);
  const files = [{ path: "secrets/a.md", text: "b\n" }];
  await rejects(replaceFiles({ ...work, head: base, files, message: "Apply it" }), {
    message:
      /^Cannot apply the suggestion to "secrets\/a.md": it passes through the filter "crypt"/,
  });
  const content = new TextEncoder().encode("b\n");
  const identity = { name: "Pat", email: "pat@example.org" };
  const saved = commitFile({
    ...{ repo: repo.dir, branch: "main", tip: base, path: "secrets/a.md", content, identity },
    ...{ message: "Save it", atSeconds: 0, signer: null, signal: never },
  });
  await rejects(saved, { code: "conflict", message: /passes it through the filter "crypt"/ });
  equal(await repo.git("for-each-ref", "refs/gaffer/planning"), "");
  equal(await repo.git("rev-parse", "main", work.branch), `${base}\n${base}`);
});

for (const racy of [true, false]) {
  Deno.test(`landMerge() leaves a file with a filter to the person's own git, ${racy ? "looked at just now" : "long there"}`, async () => {
    await using repo = await TestRepo.make({
      "a.txt": "a\n",
      ".gitattributes": "*.bin filter=lfs -text\n",
    });
    await repo.git("config", "filter.lfs.clean", "sed s/^CONTENT/POINTER/");
    await repo.git("config", "filter.lfs.smudge", "sed s/^POINTER/CONTENT/");
    const base = await repo.commit("Big", { "big.bin": "CONTENT 1\n" });
    await repo.git("switch", "-q", "-c", "other");
    const commit = await repo.commit("Newer", { "big.bin": "CONTENT 2\n" });
    await repo.git("switch", "-q", "main");
    if (!racy) {
      await Deno.utime(`${repo.dir}/big.bin`, 1_000_000_000, 1_000_000_000);
      await repo.git("update-index", "--refresh");
    }
    const landing = { repo: repo.dir, base: "main", commit, expectedTip: base, signal: never };
    const landed = await landMerge(landing);
    ok(landed.type === "waiting");
    deepEqual(landed.files, ["big.bin"]);
    match(landed.reason, /pass through the filter "lfs", which Gaffer does not run: "big.bin"/);
    const command = /merge --ff-only [0-9a-f]{40}$/.exec(landed.reason)![0];
    equal(await repo.read("big.bin"), "CONTENT 1\n");
    await repo.git(...command.split(" "));
    deepEqual(await landMerge(landing), { type: "landed" });
    equal(await repo.read("big.bin"), "CONTENT 2\n");
  });
}

Deno.test("landMerge() goes on where the filter is new with the commit, nobody set it up, or no folder has the base", async () => {
  await using repo = await TestRepo.make({ "a.txt": "a\n" });
  await setUpCrypt(repo);
  const base = await repo.git("rev-parse", "main");
  await repo.git("switch", "-q", "-c", "other");
  const commit = await repo.commit("Secret", {
    ".gitattributes": CRYPT,
    "secrets/key.txt": "hunter2\n",
  });
  await repo.git("switch", "-q", "main");
  const landing = { repo: repo.dir, base: "main", commit, expectedTip: base, signal: never };
  // Known by the commit's own attributes alone.
  equal((await landMerge(landing)).type, "waiting");
  await repo.git("config", "--remove-section", "filter.crypt");
  equal((await landMerge(landing)).type, "landed");
  await repo.git("switch", "-q", "other");
  await repo.git("branch", "-f", "main", base);
  await setUpCrypt(repo);
  equal((await landMerge(landing)).type, "landed");
  equal(await repo.git("rev-parse", "main"), commit);
});

Deno.test("a ticket whose developer wrote a secret blocks with it, goes on once a person committed it, and lands encrypted", async () => {
  await using b = await EvidenceBench.make({
    "results.txt": tap("adds"),
    ".gitattributes": CRYPT,
  });
  const { app, id, repo } = b;
  await setUpCrypt(repo);
  await b.develop({ "secrets/key.txt": "hunter2\n", "a.txt": "a" });
  equal(b.ticket.status, "blocked");
  equal(b.ticket.failure, "repository");
  match(b.ticket.reason, /^Cannot commit "secrets\/key.txt".*filter "crypt"/);

  // Written a while ago: else no git can tell whether it changed since.
  await Deno.utime(`${b.worktree}/secrets/key.txt`, 1_000_000_000, 1_000_000_000);
  await personGit(b.worktree, "add", "--", "secrets/key.txt");
  await personGit(b.worktree, "commit", "-q", "-m", "The key");
  continueTicket(app, id, await pickUpBranch(app, id, never));
  await b.goOn();
  equal(b.run.purpose, "review");
  await app.end(b.run, { type: "succeeded", result: good });
  approveTicket(app, id);
  const merge = () => mergeTicket(app, id, { attempt: 1, maxAttempts: 5 }, never);
  equal((await merge()).type, "snooze");
  const command = /merge --ff-only [0-9a-f]{40}$/.exec(b.ticket.mergeWait)![0];
  await repo.git(...command.split(" "));
  await merge();
  equal(b.ticket.status, "done");
  equal(await repo.git("show", "main:secrets/key.txt"), "ENC:hunter2");
  equal(await repo.git("show", "main:a.txt"), "a");
  equal(await repo.read("secrets/key.txt"), "hunter2\n");
});

Deno.test("in new projects of game engines the images of documents are no business of git-lfs", async () => {
  for (const id of ["unity", "unreal"]) {
    const yaml = await Deno.readTextFile(
      new URL(`../agents/project_templates/built_in/${id}.yaml`, import.meta.url),
    );
    const [, block] = /path: \.gitattributes\n +text: \|\n((?: {6}.*\n)+)/.exec(yaml)!;
    await using repo = await TestRepo.make({ ".gitattributes": block!.replace(/^ {6}/gm, "") });
    const paths = ["a.png", "planning/images/a.png"];
    const filtered = await filteredAmong(repo.dir, paths, never);
    deepEqual(filtered.map(({ path }) => path), ["a.png"], id);
  }
});

Deno.test("a file that a merge takes away passes through no filter", async () => {
  await using repo = await TestRepo.make({ ".gitattributes": CRYPT, "secrets/a.md": "a\n" });
  await repo.git("config", "filter.crypt.smudge", "cat");
  const from = await repo.git("rev-parse", "HEAD");
  await repo.git("rm", "-q", "secrets/a.md");
  await repo.git("commit", "-q", "-m", "Gone");
  const to = await repo.git("rev-parse", "HEAD");
  const tree = { path: repo.dir, gitDir: `${repo.dir}/.git` };
  deepEqual(await filteredBetween(tree, from, to, never), []);
  deepEqual((await filteredBetween(tree, to, from, never)).map(({ path }) => path), [
    "secrets/a.md",
  ]);
});
