import { deepStrictEqual as deepEqual, rejects, strictEqual as equal } from "node:assert";
import {
  copyLocalFiles,
  LOCAL_PATTERN_CHARS,
  whyNoLocalPattern,
} from "../agents/git/local_files.ts";
import { exists, never, TestRepo } from "./git_support.ts";

/** A repository whose folder has ignored files, and an empty folder in place of a worktree. */
async function begin() {
  const repo = await TestRepo.make({
    ".gitignore": ".env*\n!.env.example\n/cache/\n",
    "a.txt": "a\n",
  });
  await repo.write(".env", "KEY=1\n");
  await repo.write("app/.env.local", "KEY=2\n");
  await repo.write("cache/big.bin", "big\n");
  await repo.write("notes.txt", "mine\n");
  const worktree = repo.beside("worktree");
  await Deno.mkdir(worktree);
  const copyFiles = (...patterns: string[]) =>
    copyLocalFiles({ repo: repo.dir, worktree, patterns, signal: never });
  return { repo, worktree, copyFiles, [Symbol.asyncDispose]: () => repo[Symbol.asyncDispose]() };
}

Deno.test("copyLocalFiles() copies the ignored files that the patterns name, with their modes", async () => {
  await using test = await begin();
  const { repo, worktree, copyFiles } = test;
  await Deno.chmod(`${repo.dir}/.env`, 0o600);
  deepEqual(await copyFiles(".env", "**/.env.local"), {
    copied: [".env", "app/.env.local"],
    left: [],
  });
  equal(await repo.read(".env", worktree), "KEY=1\n");
  equal((await Deno.stat(`${worktree}/.env`)).mode! & 0o777, 0o600);
  equal(await repo.read("app/.env.local", worktree), "KEY=2\n");
  equal(await exists(`${worktree}/cache`), false);
});

Deno.test("copyLocalFiles() leaves what is there as it is, and goes on after a copy that was cut off", async () => {
  await using test = await begin();
  const { repo, worktree, copyFiles } = test;
  await repo.write(".env", "theirs\n", worktree);
  await repo.write("app/.env.local.gaffer-copy", "hal", worktree);
  deepEqual((await copyFiles(".env", "app/*")).copied, ["app/.env.local"]);
  equal(await repo.read(".env", worktree), "theirs\n");
  equal(await repo.read("app/.env.local", worktree), "KEY=2\n");
  deepEqual((await copyFiles(".env", "app/*")).copied, []);
});

Deno.test("copyLocalFiles() leaves out what git does not ignore, and says why", async () => {
  await using test = await begin();
  const { copied, left } = await test.copyFiles("notes.txt", "a.txt", "missing");
  deepEqual(copied, []);
  deepEqual(left.map(({ path }) => path), ["notes.txt"]);
  equal(/would be committed: add it to .gitignore/.test(left[0]!.why), true);
});

Deno.test("copyLocalFiles() follows no link, neither in the person's folder nor in the worktree", async () => {
  await using test = await begin();
  const { repo, worktree, copyFiles } = test;
  await Deno.symlink("/etc/passwd", `${repo.dir}/.env.link`);
  await Deno.mkdir(repo.beside("outside"));
  await Deno.symlink(repo.beside("outside"), `${worktree}/app`);
  const { copied, left } = await copyFiles(".env.link", "app/.env.local");
  deepEqual(copied, []);
  deepEqual(left, [
    { path: ".env.link", why: "it is not a plain file" },
    { path: "app/.env.local", why: "its folder leads out of the worktree" },
  ]);
  equal(await exists(repo.beside("outside/.env.local")), false);
});

Deno.test("copyLocalFiles() refuses what is too much", async () => {
  await using test = await begin();
  await Deno.truncate(`${test.repo.dir}/cache/big.bin`, 200 * 1024 * 1024);
  await rejects(test.copyFiles("cache/**"), {
    message: /the files are more than the 100 MB that are copied\. Name fewer/,
  });
});

Deno.test("whyNoLocalPattern() takes globs from the repository's folder on, and nothing that leads out of it", () => {
  for (const pattern of [".env", "config/*.pem", "**/.env.*", "a b", ":(exclude)x", "-x"]) {
    equal(whyNoLocalPattern(pattern), null, pattern);
  }
  const wrong = [
    "",
    "/etc/passwd",
    "../x",
    "a/../../x",
    ".git/config",
    "a\nb",
    "x".repeat(LOCAL_PATTERN_CHARS + 1),
  ];
  for (const pattern of wrong) equal(typeof whyNoLocalPattern(pattern), "string", pattern);
});

Deno.test("a pattern is a pattern, whatever git would read into it", async () => {
  await using test = await begin();
  deepEqual((await test.copyFiles(":(exclude).env", "-x", ":!.env")).copied, []);
});
