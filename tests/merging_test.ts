import {
  deepStrictEqual as deepEqual,
  match,
  notStrictEqual as notEqual,
  ok,
  rejects,
  strictEqual as equal,
} from "node:assert";
import { join } from "node:path";
import { checkpoint } from "../agents/git/checkpoints.ts";
import { isLanded, keepHistory, landMerge } from "../agents/git/landing.ts";
import { type MergeMessage, mergeMessage, withTrailers } from "../agents/git/merge_message.ts";
import { prepareMerge } from "../agents/git/merging.ts";
import { gaffer, identityOf, tipOf } from "../agents/git/repository.ts";
import { createWorktree } from "../agents/git/worktrees.ts";
import { exists, never, personGit, TestRepo } from "./git_support.ts";

const BRANCH = "gaffer/12-add-greeting";
const spec: MergeMessage = {
  type: "feature",
  title: "Add a greeting",
  ticketNumber: 12,
  ideaNumber: 7,
  subtasks: ["Say hello", "Say goodbye"],
  developedBy: ["feature-dev"],
  reviewedBy: "reviewer",
  approvedBy: "owner",
};
const message = mergeMessage(spec);

/** A repository with a ticket whose work is done: `a.txt` changed, `new.txt` added, in two checkpoints. */
class Approved implements AsyncDisposable {
  private constructor(
    readonly repo: TestRepo,
    readonly worktree: string,
    readonly baseCommit: string,
    readonly headCommit: string,
  ) {}

  static async make(extra: Record<string, string> = {}): Promise<Approved> {
    const repo = await TestRepo.make({
      "a.txt": "1\n2\n3\n",
      "b.txt": "b\n",
      "dir/c.txt": "c\n",
      ".gitignore": "*.log\n",
    });
    const baseCommit = await repo.git("rev-parse", "main");
    const path = repo.beside("data/12");
    const place = { repo: repo.dir, path, branch: BRANCH, base: baseCommit, signal: never };
    const { path: worktree } = await createWorktree(place);
    const save = async (files: Record<string, string>) => {
      for (const [name, text] of Object.entries(files)) await repo.write(name, text, worktree);
      const spec = { repo: repo.dir, worktree, branch: BRANCH, message: "Turn", signal: never };
      return (await checkpoint(spec))?.commit ?? "";
    };
    await save({ "new.txt": "new\n" });
    const head = await save({ "a.txt": "1\n2\nthree\n", ...extra });
    return new Approved(repo, worktree, baseCommit, head);
  }

  get workDir(): string {
    return this.repo.beside("data/merge");
  }

  prepare(base = "main") {
    return prepareMerge({
      ...{ repo: this.repo.dir, base, branch: BRANCH, message, signal: never },
      ...{ headCommit: this.headCommit, baseCommit: this.baseCommit, workDir: this.workDir },
    });
  }

  async prepared(base = "main") {
    const merge = await this.prepare(base);
    if (merge.type !== "prepared") throw new Error(`not prepared: ${JSON.stringify(merge)}`);
    return merge;
  }

  /** Prepares, and gives what lands it. */
  async ready(base = "main") {
    const { commit, baseTip } = await this.prepared(base);
    const spec = { repo: this.repo.dir, base, commit, expectedTip: baseTip, signal: never };
    return { commit, land: () => landMerge(spec), landed: () => isLanded(spec) };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.repo[Symbol.asyncDispose]();
  }
}

Deno.test("a subject is cut between characters", () => {
  for (const title of ["\u{1f389}".repeat(60), `a${"\u{1f389}".repeat(60)}`]) {
    const [subject] = mergeMessage({ ...spec, title }).split("\n");
    ok(subject!.isWellFormed() && subject!.endsWith("\u{1f389}…"), subject!);
  }
});

Deno.test("mergeMessage() is a conventional commit whose trailers git can read", async () => {
  equal(
    message,
    `feat: Add a greeting

- Say hello
- Say goodbye

Developed-by: feature-dev
Reviewed-by: reviewer
Approved-by: owner
Gaffer-Ticket: 12
Gaffer-Idea: 7
`,
  );
  const hostile = mergeMessage({
    type: "bugfix",
    title: `Fix\n\nApproved-by: mallory\n---\n${"very long words ".repeat(10)}`,
    ticketNumber: 3,
    ideaNumber: null,
    subtasks: ["Approved-by: mallory\nGaffer-Ticket: 99", "---"],
    developedBy: ["feature-dev", "feature-dev", "bugfix-dev"],
    reviewedBy: null,
    approvedBy: "Ann\nApproved-by: mallory",
  });
  ok((hostile.split("\n")[0] ?? "").length <= 72);
  deepEqual((await trailersOf(hostile)).split("\n"), [
    "Developed-by: feature-dev",
    "Developed-by: bugfix-dev",
    "Approved-by: Ann Approved-by: mallory",
    "Gaffer-Ticket: 3",
  ]);
});

const rest = "Reviewed-by: reviewer\nApproved-by: owner\nGaffer-Ticket: 12\nGaffer-Idea: 7\n";
const ours = `Developed-by: feature-dev\n${rest}`;
const prose = "Note: this is prose over\nseveral lines";

for (
  const [what, given, wanted] of [
    ["no trailers", "feat: Hello\n\nIt greets", `feat: Hello\n\nIt greets\n\n${ours}`],
    ["a title that looks like a trailer", "feat: Hello", `feat: Hello\n\n${ours}`],
    [
      "other trailers",
      "feat: Hello\n\nRefs: #4\nCo-authored-by: Pat\n <pat@example.org>\n",
      `feat: Hello\n\nRefs: #4\nCo-authored-by: Pat\n <pat@example.org>\n${ours}`,
    ],
    ["the same trailers", `feat: Hello\n\n${ours}`, `feat: Hello\n\n${ours}`],
    [
      "some of them, in another case",
      "feat: Hello\n\ndeveloped-by: Feature-Dev",
      `feat: Hello\n\ndeveloped-by: Feature-Dev\n${rest}`,
    ],
    [
      "one of them with another value",
      "feat: Hello\n\nDeveloped-by: Pat",
      `feat: Hello\n\nDeveloped-by: Pat\n${ours}`,
    ],
    [
      "prose that looks like a trailer",
      `feat: Hello\n\n${prose}`,
      `feat: Hello\n\n${prose}\n\n${ours}`,
    ],
    [
      "an indented line above a trailer",
      "feat: Hello\n\n  indented\nRefs: #4",
      `feat: Hello\n\n  indented\nRefs: #4\n\n${ours}`,
    ],
    [
      "a sign-off among other lines",
      "feat: Hello\n\nSigned-off-by: Pat\n[edited by hand]",
      `feat: Hello\n\nSigned-off-by: Pat\n[edited by hand]\n${ours}`,
    ],
    [
      "a sign-off below a long paragraph",
      "feat: Hello\n\none\ntwo\nthree\nfour\nSigned-off-by: Pat",
      `feat: Hello\n\none\ntwo\nthree\nfour\nSigned-off-by: Pat\n\n${ours}`,
    ],
    [
      "a comment among trailers",
      "feat: Hello\n\nRefs: #4\n# a remark\nCloses: #5",
      `feat: Hello\n\nRefs: #4\n# a remark\nCloses: #5\n${ours}`,
    ],
    [
      "trailers before the last paragraph",
      "feat: Hello\n\nRefs: #4\n\nIt greets",
      `feat: Hello\n\nRefs: #4\n\nIt greets\n\n${ours}`,
    ],
  ] as const
) {
  Deno.test(`withTrailers() adds what is missing in one block, as git does: ${what}`, async () => {
    equal(withTrailers(given, spec), wanted);
    const asked = ours.trim().split("\n").flatMap((trailer) => ["--trailer", trailer]);
    const rules = ["--no-divider", "--if-exists", "addIfDifferent"];
    const byGit = await interpretTrailers(`${given.trim()}\n`, ...rules, ...asked);
    // Git leaves comments out, for which it has an editor's word; here the text is a person's.
    equal(`${byGit}\n`, wanted.replace("# a remark\n", ""));
  });
}

Deno.test("withTrailers() takes a message with a form's line ends", () => {
  equal(
    withTrailers("feat: Hello\r\n\r\nRefs: #4\r\nGaffer-Idea: 7\r\n", spec),
    `feat: Hello\n\nRefs: #4\nGaffer-Idea: 7\n${ours.replace("Gaffer-Idea: 7\n", "")}`,
  );
});

Deno.test("identityOf() is the repository's own, or Gaffer's where it has none", async () => {
  await using repo = await TestRepo.make();
  deepEqual(await identityOf(repo.dir, never), { name: "Pat Person", email: "pat@example.org" });
  await repo.git("config", "user.name", "");
  deepEqual(await identityOf(repo.dir, never), gaffer);
});

Deno.test("prepareMerge() squashes the ticket into one commit and changes nothing of the person's", async () => {
  await using ticket = await Approved.make();
  const { repo } = ticket;
  await repo.write("b.txt", "edited\n");
  const before = await repo.snapshot();
  const { commit, baseTip, moved } = await ticket.prepared();
  deepEqual([baseTip, moved], [ticket.baseCommit, false]);
  equal(await repo.git("rev-parse", `${commit}^@`), ticket.baseCommit);
  equal(
    await repo.git("rev-parse", `${commit}^{tree}`),
    await repo.git("rev-parse", `${ticket.headCommit}^{tree}`),
  );
  equal(await repo.git("log", "-1", "--format=%an <%ae>", commit), "Pat Person <pat@example.org>");
  equal(await repo.git("log", "-1", "--format=%B", commit), message);
  equal(await exists(ticket.workDir), false);
  deepEqual(await repo.snapshot(), before);
});

Deno.test("prepareMerge() combines with a base that moved, in a worktree of its own", async () => {
  await using ticket = await Approved.make();
  const { repo } = ticket;
  const tip = await repo.commit("Meanwhile", { "a.txt": "one\n2\n3\n", "d.txt": "d\n" });
  const before = await repo.snapshot();
  const { commit, baseTip, moved } = await ticket.prepared();
  deepEqual([baseTip, moved], [tip, true]);
  equal(await repo.git("show", `${commit}:a.txt`), "one\n2\nthree");
  equal(await repo.git("rev-parse", `${commit}^@`), tip);
  equal(await repo.read("a.txt", ticket.workDir), "one\n2\nthree\n");
  equal(await personGit(ticket.workDir, "rev-parse", "HEAD"), commit);
  equal(await personGit(ticket.workDir, "status", "--porcelain"), "");
  deepEqual(await repo.snapshot(), before);
  // Cut off and done again, with rubbish left in its worktree: the same result.
  await repo.write("a.txt", "rubbish\n", ticket.workDir);
  const again = await ticket.prepared();
  equal(await repo.git("rev-parse", `${again.commit}^{tree}`, `${commit}^{tree}`).then(same), true);
});

Deno.test("the merge's folder is used again for the next one, without anything that was left in it", async () => {
  await using ticket = await Approved.make();
  const { repo, workDir } = ticket;
  await repo.commit("Moved", { "b.txt": "moved\n" });
  await ticket.prepare();
  const { ino } = await Deno.stat(workDir);
  await repo.write("made.log", "ignored\n", workDir);
  await repo.write("made/deep.txt", "not tracked\n", workDir);
  await personGit(workDir, "init", "-q", "made/inner");
  await repo.write("b.txt", "changed\n", workDir);
  await Deno.remove(`${workDir}/dir`, { recursive: true });
  await Deno.symlink(repo.dir, `${workDir}/dir`);
  await repo.commit("Moved on", { "b.txt": "moved on\n", "later.txt": "later\n" });
  const { commit } = await ticket.prepared();
  equal((await Deno.stat(workDir)).ino, ino);
  const names = await Array.fromAsync(Deno.readDir(workDir), ({ name }) => name);
  deepEqual(names.toSorted(), [
    ".git",
    ".gitignore",
    "a.txt",
    "b.txt",
    "dir",
    "later.txt",
    "new.txt",
  ]);
  equal(await personGit(workDir, "status", "--porcelain", "--ignored"), "");
  equal(await personGit(workDir, "rev-parse", "HEAD"), commit);
  equal(await repo.read("b.txt", workDir), "moved on\n");
  equal(await repo.read("dir/c.txt", workDir), "c\n");
  equal(await repo.read("dir/c.txt"), "c\n", "nothing was removed through the link");

  // What is in a submodule's folder is no longer known: it is made anew.
  const base = await repo.git("rev-parse", "main");
  await Deno.mkdir(`${repo.dir}/sub`);
  await repo.write(".gitmodules", '[submodule "sub"]\n\tpath = sub\n\turl = ./sub\n');
  await repo.git("update-index", "--add", "--cacheinfo", `160000,${base},sub`);
  await repo.commit("With a submodule");
  await ticket.prepare();
  await repo.write("sub/filled.txt", "of its commit then\n", workDir);
  await repo.commit("Moved again", { "b.txt": "moved again\n" });
  await ticket.prepare();
  deepEqual([await exists(`${workDir}/sub`), await exists(`${workDir}/sub/filled.txt`)], [
    true,
    false,
  ]);
});

Deno.test("prepareMerge() gives the texts of a conflict and leaves no trace of it", async () => {
  await using ticket = await Approved.make({ "dir/c.txt": "theirs\n", "bin": "x\0y" });
  const { repo } = ticket;
  await Deno.remove(join(repo.dir, "dir/c.txt"));
  await repo.commit("Meanwhile", { "a.txt": "1\n2\nTHREE\n", "bin": "z\0y" });
  const before = await repo.snapshot();
  const merge = await ticket.prepare();
  if (merge.type !== "conflict") throw new Error(merge.type);
  deepEqual(merge.files.map((file) => file.path), ["a.txt", "bin", "dir/c.txt"]);
  match(merge.files[0]?.text ?? "", /^<<<<<<< HEAD\nTHREE\n\|{7} .*\n3\n=======\nthree\n>>>>>>> /m);
  equal(merge.files[1]?.text, null);
  equal(merge.files[2]?.text, "theirs\n");
  equal(await exists(ticket.workDir), false);
  deepEqual(await repo.snapshot(), before);
});

Deno.test("prepareMerge() takes a base that was merged into the branch as checked already", async () => {
  await using ticket = await Approved.make();
  const { repo, worktree } = ticket;
  const tip = await repo.commit("Meanwhile", { "d.txt": "d\n" });
  await personGit(worktree, "-c", "user.name=x", "-c", "user.email=x", "merge", "-q", "main");
  const headCommit = await repo.git("rev-parse", BRANCH);
  const merge = await prepareMerge({
    ...{ repo: repo.dir, base: "main", branch: BRANCH, message, signal: never },
    ...{ headCommit, baseCommit: ticket.baseCommit, workDir: ticket.workDir },
  });
  if (merge.type !== "prepared") throw new Error(merge.type);
  deepEqual([merge.baseTip, merge.moved], [tip, false]);
  equal(await repo.git("diff", "--name-only", "main", merge.commit), "a.txt\nnew.txt");
});

Deno.test("prepareMerge() does not bring back what the base was set back from", async () => {
  await using repo = await TestRepo.make({ "a.txt": "a\n" });
  const dropped = await repo.commit("A mistake", { "secret.txt": "secret\n" });
  const place = { repo: repo.dir, path: repo.beside("data/12"), branch: BRANCH, signal: never };
  const { path: worktree } = await createWorktree({ ...place, base: dropped });
  await repo.write("new.txt", "new\n", worktree);
  const spec = { repo: repo.dir, worktree, branch: BRANCH, message: "Turn", signal: never };
  const headCommit = (await checkpoint(spec))?.commit ?? "";
  await repo.git("reset", "-q", "--hard", "HEAD~1");
  const merge = await prepareMerge({
    ...{ repo: repo.dir, base: "main", branch: BRANCH, message, signal: never },
    ...{ headCommit, baseCommit: dropped, workDir: repo.beside("data/merge") },
  });
  if (merge.type !== "prepared") throw new Error(merge.type);
  equal(merge.moved, true);
  equal(await repo.git("ls-tree", "--name-only", merge.commit), "a.txt\nnew.txt");
});

Deno.test("prepareMerge() says when the base has the work already", async () => {
  await using ticket = await Approved.make();
  const tip = await ticket.repo.commit("By hand", { "a.txt": "1\n2\nthree\n", "new.txt": "new\n" });
  deepEqual(await ticket.prepare(), { type: "empty", baseTip: tip });
  equal(await exists(ticket.workDir), false);
});

Deno.test("prepareMerge() refuses what was not approved, and branches that are gone", async () => {
  await using ticket = await Approved.make();
  await rejects(ticket.prepare("release"), { code: "conflict", message: /"release": it is gone/ });
  await rejects(ticket.prepare("--all"), { code: "invalid" });
  await personGit(ticket.worktree, "switch", "-q", "--detach");
  await ticket.repo.commitOn(BRANCH, { "sneaked.txt": "in\n" });
  await rejects(ticket.prepare(), { code: "conflict", message: /was approved. Review it again/ });
  await ticket.repo.git("branch", "-q", "-D", BRANCH);
  await rejects(ticket.prepare(), { message: /it is gone. Run: git -C .* branch gaffer\/12/ });
});

Deno.test("landMerge() moves the person's clean folder along, and lands only once", async () => {
  await using ticket = await Approved.make();
  const { repo } = ticket;
  const marker = await repo.trapHooks("post-merge", "pre-merge-commit", "reference-transaction");
  const { commit, land, landed } = await ticket.ready();
  equal(await landed(), false);
  deepEqual(await land(), { type: "landed" });
  equal(await landed(), true);
  deepEqual(await land(), { type: "landed" });
  equal(await repo.git("rev-parse", "HEAD"), commit);
  equal(await repo.git("symbolic-ref", "HEAD"), "refs/heads/main");
  equal(await repo.git("status", "--porcelain"), "");
  equal(await repo.read("a.txt"), "1\n2\nthree\n");
  equal(await exists(marker), false);
  equal(
    await trailersOf(await repo.git("log", "-1", "--format=%B", "main")),
    await trailersOf(message),
  );
});

Deno.test("landMerge() asks once nothing stands in its way, and lands nothing that was called off", async () => {
  await using ticket = await Approved.make();
  const { repo } = ticket;
  const { commit, baseTip } = await ticket.prepared();
  const spec = { repo: repo.dir, base: "main", commit, expectedTip: baseTip, signal: never };
  let asked = 0;
  const begin = (answer: boolean) => () => {
    asked++;
    return answer;
  };
  await repo.write(".git/index.lock", "");
  equal((await landMerge({ ...spec, begin: begin(true) })).type, "waiting");
  await Deno.remove(join(repo.dir, ".git/index.lock"));
  equal(asked, 0);
  deepEqual(await landMerge({ ...spec, begin: begin(false) }), { type: "called_off" });
  equal(await repo.git("rev-parse", "main"), baseTip);
  deepEqual(await landMerge({ ...spec, begin: begin(true) }), { type: "landed" });
  equal(asked, 2);
});

Deno.test("landMerge() waits when another git command takes the folder just before it", async () => {
  await using ticket = await Approved.make();
  const { repo } = ticket;
  const { commit, baseTip } = await ticket.prepared();
  const spec = { repo: repo.dir, base: "main", commit, expectedTip: baseTip, signal: never };
  const lock = join(repo.dir, ".git/index.lock");
  const begin = () => {
    Deno.writeTextFileSync(lock, "");
    return true;
  };
  const waiting = await landMerge({ ...spec, begin });
  equal(waiting.type, "waiting");
  match(waiting.type === "waiting" ? waiting.reason : "", /^Another git command is at work in "/);
  equal(await repo.git("rev-parse", "main"), baseTip);
  await Deno.remove(lock);
  deepEqual(await landMerge(spec), { type: "landed" });
});

Deno.test("landMerge() waits while another git command has the base branch, which is checked out nowhere, and names what a crash may have left", async () => {
  await using ticket = await Approved.make();
  const { repo } = ticket;
  await repo.git("switch", "-q", "-c", "feature");
  const { land, commit } = await ticket.ready();
  const lock = join(repo.dir, ".git/refs/heads/main.lock");
  await Deno.writeTextFile(lock, "");
  const waiting = await land();
  equal(waiting.type, "waiting");
  match(
    waiting.type === "waiting" ? waiting.reason : "",
    /if it crashed, remove "\/.*main\.lock"$/,
  );
  equal(await repo.git("rev-parse", "main"), ticket.baseCommit);
  await Deno.remove(lock);
  deepEqual(await land(), { type: "landed" });
  equal(await repo.git("rev-parse", "main"), commit);
});

Deno.test("landMerge() keeps staged, unstaged and untracked edits of other files", async () => {
  await using ticket = await Approved.make();
  const { repo } = ticket;
  // Settings that would make git's merge more than a fast-forward.
  await repo.git("config", "merge.autoStash", "true");
  await repo.git("config", "merge.ff", "false");
  await repo.git("config", "branch.main.mergeOptions", "--squash --no-commit");
  await repo.write("b.txt", "staged\n");
  await repo.git("add", "b.txt");
  await repo.write("b.txt", "staged, then edited\n");
  await repo.write("dir/c.txt", "edited\n");
  await repo.write("mine ü.txt", "untracked\n");
  await repo.write("x.log", "ignored\n");
  const status = await repo.git("status", "--porcelain", "--ignored");
  const config = await repo.read(".git/config");
  const { commit, land } = await ticket.ready();
  deepEqual(await land(), { type: "landed" });
  equal(await repo.git("rev-parse", "main"), commit);
  equal(await repo.git("status", "--porcelain", "--ignored"), status);
  equal(await repo.git("show", ":b.txt"), "staged");
  equal(await repo.read("b.txt"), "staged, then edited\n");
  equal(await repo.read("dir/c.txt"), "edited\n");
  equal(await repo.read("mine ü.txt"), "untracked\n");
  equal(await repo.read("new.txt"), "new\n");
  equal(await repo.read(".git/config"), config);
  equal(await repo.git("stash", "list"), "");
});

Deno.test("landMerge() waits rather than overwrite an edit, and goes on when it is put away", async () => {
  await using ticket = await Approved.make();
  const { repo } = ticket;
  await repo.write("a.txt", "mine\n");
  await repo.write("b.txt", "also mine\n");
  const { land } = await ticket.ready();
  const before = await repo.snapshot();
  const waits = await land();
  deepEqual(waits, {
    type: "waiting",
    reason: `The merge would overwrite what is not committed in "${repo.dir}": "a.txt". ` +
      "Commit, stash or move that away, and the merge goes on by itself",
    files: ["a.txt"],
    folder: repo.dir,
  });
  deepEqual(await repo.snapshot(), before);
  await repo.git("add", "a.txt");
  deepEqual((await land()).type, "waiting"); // staged is no different
  await repo.git("stash", "-q");
  deepEqual(await land(), { type: "landed" });
  await rejects(repo.git("stash", "pop")); // the person's to combine: nothing of it is lost
  match(await repo.read("a.txt"), /mine/);
});

Deno.test("landMerge() goes on where what is in its way is what it would put there: it was cut off in between, or a person has it already", async () => {
  await using ticket = await Approved.make({ "dir/c.txt": "d\n", "odd [1]*.txt": "odd\n" });
  const { repo } = ticket;
  const { land, commit } = await ticket.ready();
  await repo.write("a.txt", "1\n2\nthree\n");
  await repo.write("new.txt", "new\n");
  await repo.write("odd [1]*.txt", "odd\n");
  await repo.write("b.txt", "mine, and the merge's not\n");
  deepEqual(await land(), { type: "landed" });
  equal(await repo.git("rev-parse", "HEAD"), commit);
  equal(await repo.git("status", "--porcelain"), " M b.txt");
  equal(await repo.read("dir/c.txt"), "d\n");
});

Deno.test("landMerge() waits where anything in its way is not quite that, or something else is staged, and touches no index", async () => {
  const cases: ((repo: TestRepo) => Promise<unknown>)[] = [
    (repo) => repo.write("new.txt", "new, and more\n"),
    (repo) => Deno.chmod(join(repo.dir, "a.txt"), 0o755),
    async (repo) => {
      await repo.write("a.txt", "staged, and nowhere else\n");
      await repo.git("add", "a.txt");
      await repo.write("a.txt", "1\n2\nthree\n");
    },
    async (repo) => {
      await Deno.remove(join(repo.dir, "new.txt"));
      await repo.write("new.txt/mine", "a folder\n");
    },
  ];
  for (const change of cases) {
    await using ticket = await Approved.make();
    const { repo } = ticket;
    const { land } = await ticket.ready();
    await repo.write("a.txt", "1\n2\nthree\n");
    await repo.write("new.txt", "new\n");
    await change(repo);
    const before = await repo.snapshot();
    equal((await land()).type, "waiting", String(change));
    deepEqual(await repo.snapshot(), before);
  }
});

Deno.test("landMerge() prepares again when the edit was committed instead", async () => {
  await using ticket = await Approved.make();
  const { repo } = ticket;
  await repo.write("a.txt", "mine\n2\n3\n");
  const { land } = await ticket.ready();
  equal((await land()).type, "waiting");
  await repo.commit("Mine");
  deepEqual(await land(), { type: "moved" });
  const next = await ticket.ready();
  deepEqual(await next.land(), { type: "landed" });
  equal(await repo.read("a.txt"), "mine\n2\nthree\n");
});

Deno.test("landMerge() waits rather than overwrite untracked or ignored files", async () => {
  const cases: [string, string][] = [["new.txt", "new.txt"], ["x.log", "x.log"], [
    "deep/er",
    "deep",
  ]];
  for (const [mine, name] of cases) {
    await using ticket = await Approved.make();
    const { repo, worktree } = ticket;
    if (name !== "new.txt") {
      await repo.write(name, "theirs\n", worktree);
      await personGit(worktree, "add", "--force", name);
    }
    const spec = { repo: repo.dir, worktree, branch: BRANCH, message: "Turn", signal: never };
    const headCommit = (await checkpoint(spec))?.commit ?? ticket.headCommit;
    const merge = await prepareMerge({
      ...{ repo: repo.dir, base: "main", branch: BRANCH, message, signal: never, headCommit },
      ...{ baseCommit: ticket.baseCommit, workDir: ticket.workDir },
    });
    if (merge.type !== "prepared") throw new Error(merge.type);
    await repo.write(mine, "mine\n");
    const before = await repo.snapshot();
    const waits = await landMerge({
      ...{ repo: repo.dir, base: "main", signal: never },
      ...{ commit: merge.commit, expectedTip: merge.baseTip },
    });
    equal(waits.type, "waiting", mine);
    deepEqual(waits.type === "waiting" && waits.files, [name]);
    deepEqual(await repo.snapshot(), before);
  }
});

Deno.test("landMerge() leaves a person who is on another branch, or detached, where they are", async () => {
  for (const place of ["feature", "--detach"]) {
    await using ticket = await Approved.make();
    const { repo } = ticket;
    await repo.git("switch", "-q", ...(place === "feature" ? ["-c", place] : [place]));
    await repo.write("a.txt", "mine, and the merge changes this file\n");
    await repo.write("new.txt", "untracked\n");
    const { commit, land } = await ticket.ready();
    const before = await repo.snapshot();
    deepEqual(await land(), { type: "landed" });
    equal(await tipOf(repo.dir, "main", never), commit);
    const refs = (before.refs ?? "").replace(
      `refs/heads/main ${ticket.baseCommit}`,
      `refs/heads/main ${commit}`,
    );
    deepEqual(await repo.snapshot(), { ...before, refs });
  }
});

Deno.test("landMerge() moves a linked worktree along where that has the base checked out", async () => {
  await using ticket = await Approved.make();
  const { repo } = ticket;
  await repo.git("switch", "-q", "-c", "feature");
  const linked = repo.beside("linked -- folder");
  await repo.git("worktree", "add", "-q", linked, "main");
  await repo.write("b.txt", "mine\n", linked);
  const before = await repo.snapshot();
  const { commit, land } = await ticket.ready();
  deepEqual(await land(), { type: "landed" });
  equal(await personGit(linked, "rev-parse", "HEAD"), commit);
  equal(await personGit(linked, "status", "--porcelain"), " M b.txt");
  equal((await repo.snapshot())[".git/index"], before[".git/index"]);
  equal(await repo.git("status", "--porcelain"), "");
});

Deno.test("landMerge() waits while a linked worktree with the base is locked and away", async () => {
  await using ticket = await Approved.make();
  const { repo } = ticket;
  await repo.git("switch", "-q", "-c", "feature");
  const linked = repo.beside("stick");
  await repo.git("worktree", "add", "-q", "--lock", linked, "main");
  await Deno.rename(linked, `${linked} unplugged`);
  const { land } = await ticket.ready();
  match(JSON.stringify(await land()), /locked and not there now/);
  await repo.git("worktree", "unlock", linked);
  deepEqual(await land(), { type: "landed" });
});

Deno.test("landMerge() waits while the base is checked out twice", async () => {
  await using ticket = await Approved.make();
  await ticket.repo.git("worktree", "add", "-q", "--force", ticket.repo.beside("second"), "main");
  match(JSON.stringify(await (await ticket.ready()).land()), /switch all but one/);
});

Deno.test("landMerge() works in a bare repository with worktrees", async () => {
  await using ticket = await Approved.make();
  const { repo } = ticket;
  const bare = repo.beside("bare.git");
  await repo.git("clone", "-q", "--bare", repo.dir, bare);
  const spec = { repo: bare, base: "main", branch: BRANCH, message, signal: never };
  const merge = await prepareMerge({
    ...spec,
    ...{ headCommit: ticket.headCommit, baseCommit: ticket.baseCommit, workDir: ticket.workDir },
  });
  if (merge.type !== "prepared") throw new Error(merge.type);
  const landing = { ...spec, commit: merge.commit, expectedTip: merge.baseTip };
  deepEqual(await landMerge(landing), { type: "landed" });
  equal(await personGit(bare, "rev-parse", "main"), merge.commit);
});

Deno.test("landMerge() waits for a rebase, merge, bisect, pick, or another git command to end", async () => {
  const states: [
    RegExp,
    (repo: TestRepo) => Promise<unknown>,
    (repo: TestRepo) => Promise<unknown>,
  ][] = [
    [
      /A merge is under way/,
      (repo) => repo.git("merge", "other"),
      (repo) => repo.git("merge", "--abort"),
    ],
    [
      /A rebase of "main" is under way/,
      (repo) => repo.git("rebase", "other"),
      (repo) => repo.git("rebase", "--abort"),
    ],
    [
      /A cherry-pick is under way/,
      (repo) => repo.git("cherry-pick", "other"),
      (repo) => repo.git("cherry-pick", "--abort"),
    ],
    [
      /A bisect that began on "main" is under way/,
      (repo) => repo.git("bisect", "start", "HEAD", "HEAD~1"),
      (repo) => repo.git("bisect", "reset"),
    ],
    [
      /Another git command is at work/,
      (repo) => repo.write(".git/index.lock", ""),
      (repo) => Deno.remove(join(repo.dir, ".git/index.lock")),
    ],
  ];
  for (const [reason, begin, end] of states) {
    await using ticket = await Approved.make();
    const { repo } = ticket;
    await repo.git("branch", "other");
    await repo.commitOn("other", { "b.txt": "other\n" });
    await repo.commit("Mine", { "b.txt": "mine\n" });
    await repo.commit("Mine again", { "e.txt": "mine\n" });
    const { land } = await ticket.ready();
    await begin(repo).catch(() => "stops at a conflict, as it should");
    const before = await repo.snapshot();
    const waits = await land();
    match(waits.type === "waiting" ? waits.reason : waits.type, reason);
    deepEqual(await repo.snapshot(), before);
    await end(repo);
    deepEqual(await land(), { type: "landed" });
  }
});

Deno.test("landMerge() asks to prepare again when the base moved in between", async () => {
  await using ticket = await Approved.make();
  const { repo } = ticket;
  const { land, landed } = await ticket.ready();
  await repo.git("switch", "-q", "-c", "feature");
  const tip = await repo.commitOn("main", { "d.txt": "d\n" });
  deepEqual(await land(), { type: "moved" });
  equal(await landed(), false);
  equal(await tipOf(repo.dir, "main", never), tip);
});

Deno.test("landMerge() finds out after a crash that the merge has landed", async () => {
  await using ticket = await Approved.make();
  const { repo } = ticket;
  const { land, landed } = await ticket.ready();
  await land(); // and here Gaffer is killed, before it has written that down
  await repo.commit("Later work of the person's", { "d.txt": "d\n" });
  equal(await landed(), true);
  deepEqual(await land(), { type: "landed" });
});

Deno.test("isLanded() is false for a commit that nobody has", async () => {
  await using ticket = await Approved.make();
  const spec = { repo: ticket.repo.dir, base: "main", signal: never };
  equal(await isLanded({ ...spec, commit: "1".repeat(40) }), false);
  equal(await isLanded({ ...spec, base: "gone", commit: ticket.baseCommit }), false);
});

Deno.test("landMerge() works where names have spaces, letters of all kinds and leading dashes", async () => {
  const odd = {
    "-rf": "x\n",
    "ünï cödé/日本.txt": "x\n",
    'quo"te\\back': "x\n",
    "tab\there": "x\n",
  };
  await using ticket = await Approved.make(odd);
  const { repo } = ticket;
  const { land } = await ticket.ready();
  await repo.write("ünï cödé/日本.txt", "mine\n");
  await repo.write("-rf", "mine\n");
  const waits = await land();
  deepEqual(waits.type === "waiting" && waits.files.sort(), ["-rf", "ünï cödé/日本.txt"]);
  await Deno.remove(join(repo.dir, "ünï cödé/日本.txt"));
  await Deno.remove(join(repo.dir, "-rf"));
  deepEqual(await land(), { type: "landed" });
  equal(await repo.git("status", "--porcelain"), "");
});

Deno.test("keepHistory() keeps the checkpoints, then removes worktree and branch, and may be repeated", async () => {
  await using ticket = await Approved.make();
  const { repo, worktree, headCommit } = ticket;
  await (await ticket.ready()).land();
  const spec = {
    repo: repo.dir,
    branch: BRANCH,
    headCommit,
    signal: never,
    ticketNumber: 12,
    worktree,
  };
  await repo.write("begun.txt", "begun\n", worktree);
  await rejects(keepHistory(spec), { code: "conflict", message: /"begun.txt" not committed/ });
  await Deno.remove(join(worktree, "begun.txt"));
  equal(await keepHistory(spec), "refs/gaffer/tickets/12");
  equal(await keepHistory(spec), "refs/gaffer/tickets/12");
  equal(await exists(worktree), false);
  equal(await tipOf(repo.dir, BRANCH, never), null);
  equal(await repo.git("rev-list", "--count", "main~1..refs/gaffer/tickets/12"), "2");
  equal(await repo.git("for-each-ref", "refs/gaffer/branches"), "");
  const other = await repo.git("rev-parse", "main");
  equal(await keepHistory({ ...spec, headCommit: other }), "refs/gaffer/tickets/12-2");
  notEqual(await repo.git("rev-parse", "refs/gaffer/tickets/12"), other);
});

Deno.test("keepHistory() does not delete a branch that went on, or a person's", async () => {
  await using ticket = await Approved.make();
  const { repo, worktree, headCommit } = ticket;
  await personGit(worktree, "switch", "-q", "--detach");
  const more = await repo.commitOn(BRANCH, { "more.txt": "more\n" });
  const spec = { repo: repo.dir, headCommit, signal: never, ticketNumber: 12, worktree };
  await rejects(keepHistory({ ...spec, branch: BRANCH }), { code: "conflict" });
  equal(await tipOf(repo.dir, BRANCH, never), more);
  await repo.git("branch", "theirs", headCommit);
  await keepHistory({ ...spec, branch: "theirs" });
  equal(await tipOf(repo.dir, "theirs", never), headCommit);
});

const same = (lines: string): boolean => new Set(lines.split("\n")).size === 1;

const trailersOf = (text: string): Promise<string> => interpretTrailers(text, "--parse");

async function interpretTrailers(text: string, ...options: string[]): Promise<string> {
  const child = new Deno.Command("git", {
    args: ["interpret-trailers", ...options],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  return new TextDecoder().decode((await child.output()).stdout).trim();
}
