import {
  deepStrictEqual as deepEqual,
  match,
  ok,
  rejects,
  strictEqual as equal,
} from "node:assert";
import { git, gitOk } from "../agents/git/git.ts";
import { GitError, shellQuote } from "../agents/git/git_error.ts";
import { checkBranch, checkCommit, tipOf } from "../agents/git/repository.ts";
import { AppError } from "../server/errors.ts";
import { exists, never, personGit, TestRepo } from "./git_support.ts";

Deno.test("git() gives output and exit code as values", async () => {
  await using repo = await TestRepo.make();
  const good = await git(repo.dir, ["show", "HEAD:README.md"], { signal: never });
  deepEqual({ code: good.code, stdout: good.stdout }, { code: 0, stdout: "one\n" });
  const bad = await git(repo.dir, ["show", "HEAD:missing"], { signal: never });
  equal(bad.code, 128);
  match(bad.stderr, /does not exist in 'HEAD'/);
});

Deno.test("git() hands its input over, also when git ends without reading it", async () => {
  await using repo = await TestRepo.make();
  const hashed = await git(repo.dir, ["hash-object", "--stdin"], { signal: never, input: "one\n" });
  equal(hashed.stdout.trim(), "5626abf0f72e58d7a153368ba57db4c673c0e171");
  const unread = await git(repo.dir, ["--version"], {
    signal: never,
    input: "x".repeat(2_000_000),
  });
  equal(unread.code, 0);
});

Deno.test("git() passes on nothing of Gaffer's environment but what git needs", async () => {
  await using repo = await TestRepo.make();
  const { stdout } = await git(repo.dir, ["-c", "alias.show-env=!env", "show-env"], {
    signal: never,
    env: { GIT_AUTHOR_NAME: "Given" },
  });
  const names = stdout.split("\n").map((line) => line.split("=")[0] ?? "");
  const allowed =
    /^(PATH|HOME|XDG_CONFIG_HOME|TMPDIR|TZ|LANG|LC_ALL|SSH_ASKPASS|PWD|OLDPWD|_|SHLVL|)$/;
  deepEqual(names.filter((name) => !allowed.test(name) && !name.startsWith("GIT_")), []);
  match(stdout, /^GIT_AUTHOR_NAME=Given$/m);
  match(stdout, /^GIT_TERMINAL_PROMPT=0$/m);
});

Deno.test("git() runs no hook, no file-system monitor and no signing program", async () => {
  await using repo = await TestRepo.make();
  const marker = await repo.trapHooks("pre-commit", "commit-msg", "reference-transaction");
  await repo.git("config", "core.fsmonitor", ".git/hooks/pre-commit");
  await repo.git("config", "gpg.program", ".git/hooks/pre-commit");
  await repo.git("config", "commit.gpgSign", "true");
  await repo.write("new.txt", "new\n");
  await gitOk(repo.dir, ["add", "--all"], { signal: never, doing: "add" });
  await gitOk(repo.dir, ["status"], { signal: never, doing: "look" });
  await gitOk(repo.dir, ["commit", "-m", "quiet"], { signal: never, doing: "commit" });
  equal(await exists(marker), false);
  await repo.git("status"); // the person's own git does run what is configured
  equal(await exists(marker), true);
});

Deno.test("git() reaches no other repository, whatever the configuration allows", async () => {
  await using repo = await TestRepo.make();
  await repo.git("config", "protocol.file.allow", "always");
  await repo.git("config", "protocol.ext.allow", "always");
  for (const url of [`file://${repo.dir}`, "ext::sh -c true", "https://example.org/x.git"]) {
    const { code, stderr } = await git(repo.dir, ["ls-remote", url], { signal: never });
    equal(code, 128);
    match(stderr, /transport '\w+' not allowed/);
  }
});

Deno.test("git() cuts output at the cap and ends the command that prints it", async () => {
  await using repo = await TestRepo.make();
  const options = { signal: never, maxOutputBytes: 1_000 };
  const result = await git(repo.dir, ["-c", "alias.flood=!yes", "flood"], options);
  deepEqual([result.code, result.truncated, result.stdout.length], [0, true, 1_000]);
  await rejects(
    gitOk(repo.dir, ["-c", "alias.flood=!yes", "flood"], { ...options, doing: "read it all" }),
    { message: "Cannot read it all: git printed more than Gaffer reads" },
  );
});

Deno.test("git() ends what takes too long, with everything it started", async () => {
  await using repo = await TestRepo.make();
  const alias = `alias.hang=!echo $$ > '${repo.beside("pid").replaceAll("'", `'\\''`)}'; sleep 60`;
  await rejects(
    git(repo.dir, ["-c", alias, "hang"], { signal: never, timeoutMs: 300 }),
    (error) => error instanceof GitError && /longer than 0.3 s/.test(error.message),
  );
  const pid = Number(await Deno.readTextFile(repo.beside("pid")));
  ok(!await exists(`/proc/${pid}`) || await isZombie(pid));
});

Deno.test("git() forces an end on what ignores being asked", async () => {
  await using repo = await TestRepo.make();
  const alias = "alias.stay=!trap '' TERM; sleep 60; sleep 60";
  await rejects(git(repo.dir, ["-c", alias, "stay"], { signal: never, timeoutMs: 100 }), GitError);
});

Deno.test("git() ends and throws the signal's reason when it is aborted", async () => {
  await using repo = await TestRepo.make();
  const stop = new AbortController();
  const running = git(repo.dir, ["-c", "alias.hang=!sleep 60", "hang"], { signal: stop.signal });
  stop.abort(new Error("cancelled by a person"));
  await rejects(running, { message: "cancelled by a person" });
  await rejects(git(repo.dir, ["status"], { signal: stop.signal }), {
    message: "cancelled by a person",
  });
});

Deno.test("gitOk() throws git's own words with how to mend it", async () => {
  await using repo = await TestRepo.make();
  const options = { signal: never, doing: "look around" };
  await rejects(
    gitOk(repo.root, ["status"], options),
    (error) =>
      error instanceof AppError && error.code === "conflict" &&
      /^Cannot look around: git says "fatal: not a git repository.*Put the repository back/.test(
        error.message,
      ),
  );
  await rejects(gitOk(repo.beside("gone"), ["status"], options), /Put the folder back/);
  await repo.write(".git/index.lock", "");
  await rejects(
    gitOk(repo.dir, ["add", "--all"], options),
    /if it crashed, remove '.+index\.lock'/,
  );
});

Deno.test("checkBranch() agrees with git about what a branch may be called", async () => {
  await using repo = await TestRepo.make();
  const names = [
    ...["main", "gaffer/12-short-title", "ünï/cödé", "a.b", "x-y_z", "1", "@x", "a@b", "feature/@"],
    ...[
      "",
      "-x",
      "a b",
      "a..b",
      "a~b",
      "a^b",
      "a:b",
      "a?b",
      "a*b",
      "a[b",
      "a\\b",
      "/a",
      "a/",
      "a//b",
    ],
    ...[
      ".a",
      "a/.b",
      "a.lock",
      "a.lock/b",
      "a.",
      "HEAD",
      "a@{b",
      "a\u0007b",
      "a\u007fb",
      "a\nb",
    ],
  ];
  for (const name of names) {
    const byGit = await personGit(repo.dir, "check-ref-format", "--branch", name).then(
      (text) => text === name,
      () => false,
    );
    let byUs = true;
    try {
      checkBranch(name);
    } catch {
      byUs = false;
    }
    equal(byUs, byGit, `"${name}"`);
  }
});

Deno.test("checkCommit() takes full object ids only", async () => {
  equal(checkCommit("a".repeat(40)), "a".repeat(40));
  for (const text of ["HEAD", "a".repeat(39), "--all", "A".repeat(40), ""]) {
    await rejects(async () => await checkCommit(text), { code: "invalid" });
  }
});

Deno.test("shellQuote() makes one word of any text", async () => {
  for (const text of ["plain/path", "a b", "it's", '"$HOME"', "", "new\nline"]) {
    const { stdout } = await new Deno.Command("sh", {
      args: ["-c", `printf %s ${shellQuote(text)}`],
    }).output();
    equal(new TextDecoder().decode(stdout), text);
  }
});

async function isZombie(pid: number): Promise<boolean> {
  const stat = await Deno.readTextFile(`/proc/${pid}/stat`).catch(() => "");
  return stat === "" || / Z /.test(stat);
}

Deno.test("git that is not there is named, with what to do", async () => {
  const asked = git("/", ["version"], { signal: never, env: { PATH: "/nowhere" } });
  await rejects(asked, {
    code: "invalid",
    message: /^Cannot run git: it is not installed .* Install git/,
  });
});

Deno.test("tipOf() gives a branch's newest commit, however the repository keeps it", async () => {
  await using repo = await TestRepo.make();
  const run = async (...args: string[]) => (await personGit(repo.dir, ...args)).trim();
  const first = await run("rev-parse", "HEAD");
  await run("branch", "a/b");
  equal(await tipOf(repo.dir, "main", never), first);
  equal(await tipOf(repo.dir, "a", never), null); // a folder among the branches
  await run("pack-refs", "--all");
  deepEqual([await tipOf(repo.dir, "main", never), await tipOf(repo.dir, "a/b", never)], [
    first,
    first,
  ]);
  await run("commit", "--allow-empty", "-m", "two");
  const second = await run("rev-parse", "HEAD");
  equal(await tipOf(repo.dir, "main", never), second);
  await run("symbolic-ref", "refs/heads/alias", "refs/heads/main");
  equal(await tipOf(repo.dir, "alias", never), second);
  equal(await tipOf(repo.dir, "gone", never), null);
});
