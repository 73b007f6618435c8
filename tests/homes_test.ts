/** Home folders of tickets: what a ticket that nobody knows any more left is not the next one's. */
import { deepStrictEqual as deepEqual, strictEqual as equal } from "node:assert";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { createWorktree } from "../agents/git/worktrees.ts";
import { getProject } from "../server/store/projects.ts";
import { EvidenceBench, tap } from "./evidence_support.ts";
import { never, personGit } from "./git_support.ts";

Deno.test("a ticket with the number of an unknown one begins with a home of its own, and that one's work is kept aside", async () => {
  await using bench = await EvidenceBench.make({ "results.txt": tap("adds") }, {
    others: [{ name: "setup", command: "true", timeoutMs: 60_000 }],
  });
  const { app, repo } = bench;
  const { slug } = getProject(app.db, bench.ticket.projectId);
  // As after a backup was restored: the folder of a ticket #1 of another life, with what its agents put into its home.
  const worktrees = join(app.config.dataDir, "projects", slug, "worktrees");
  const left = join(worktrees, "1");
  await createWorktree({
    ...{ repo: repo.dir, path: left, branch: "gaffer/1-another-life", first: true, signal: never },
    base: await repo.git("rev-parse", "main"),
  });
  await repo.write("begun.txt", "begun\n", left);
  for (const path of ["1.home/.cache/trap", "1.home.filling/half"]) {
    await Deno.mkdir(dirname(join(worktrees, path)), { recursive: true });
    await Deno.writeTextFile(join(worktrees, path), "theirs\n");
  }

  const seen: string[] = [];
  const command = app.agents.command;
  app.agents.command = (place, ...rest) => {
    seen.push(...[...Deno.readDirSync(place.homeDir!)].map(({ name }) => name));
    return command(place, ...rest);
  };
  await bench.step();
  equal(bench.ticket.step, "baseline", bench.ticket.reason);
  deepEqual(seen, [], "setup begins in an empty home");
  equal(bench.ran.length, 1);
  equal(existsSync(join(worktrees, "1.home", ".cache")), false);
  equal(existsSync(join(worktrees, "1.home.filling")), false);
  equal(await repo.read("begun.txt", join(worktrees, "1.kept-1")), "begun\n");
  equal(
    await personGit(join(worktrees, "1.kept-1"), "symbolic-ref", "HEAD"),
    "refs/heads/gaffer/1-another-life",
  );
  equal(existsSync(join(bench.worktree, "begun.txt")), false);
});
