/** The files in repositories and worktrees beside the logs that they follow from. */
import { deepStrictEqual as deepEqual, ok, strictEqual as equal } from "node:assert";
import { basename, join } from "node:path";
import { UNFINISHED_FILE } from "../../agents/paths.ts";
import type { Json } from "../gaffer.ts";
import { exists, personGit, type TestRepo } from "../git_support.ts";
import type { Rows } from "../journey_support.ts";
import { expectedLines } from "./story.ts";

export interface Site {
  projectId: string;
  slug: string;
  repo: TestRepo;
  /** Tip of the base branch before any ticket was merged. */
  base: string;
}

/** Whenever a server is killed: each worktree is where its ticket's log says, a step ahead at most. */
export async function checkFiles(rows: Rows, dataDir: string, sites: Site[]): Promise<void> {
  for (const site of sites) {
    await checkMerges(rows, site);
    const trees = rows.all(
      // The worktree's own branch: its ticket hears of it a moment later.
      `SELECT tickets.*, worktrees.path, worktrees.branch FROM worktrees JOIN tickets
        ON tickets.id = worktrees.ticket_id
        WHERE worktrees.project_id = ? AND worktrees.status = 'ready' AND tickets.status <> 'done'`,
      site.projectId,
    );
    for (const ticket of trees) await checkWorktree(rows, site, ticket);
    const known = rows.all("SELECT path FROM worktrees WHERE project_id = ?", site.projectId);
    const folder = join(dataDir, "projects", site.slug);
    for (const path of await linkedTrees(site.repo)) {
      const isOurs = known.some((row) => row.path === path) ||
        path === join(folder, "merge") || path.startsWith(join(folder, "views/"));
      ok(isOurs, `${path} is a worktree that no row knows`);
    }
  }
}

/** Each commit on the base branch is the one that a ticket planned; none is there twice. */
async function checkMerges(rows: Rows, { repo, base, projectId }: Site): Promise<void> {
  const commits = linesOf(await repo.git("rev-list", `${base}..main`));
  const planned = rows.all(
    "SELECT merge_commit, status FROM tickets WHERE project_id = ? AND merge_commit IS NOT NULL",
    projectId,
  );
  const known = new Set(planned.map((ticket) => ticket.merge_commit));
  for (const commit of commits) ok(known.has(commit), `${commit} on "main" is no ticket's`);
  for (const { merge_commit, status } of planned) {
    if (status === "done") ok(commits.includes(merge_commit), `${merge_commit} is not on "main"`);
  }
}

async function checkWorktree(rows: Rows, { repo }: Site, ticket: Json): Promise<void> {
  const { path, branch, head_commit: head, title } = ticket;
  if (!await exists(join(path, ".git"))) return; // its ticket has yet to find that out
  const git = (...args: string[]) => personGit(path, ...args);
  const tip = await repo.git("rev-parse", `refs/heads/${branch}`);
  if (head !== null && tip !== head) {
    // A checkpoint that was made but not recorded before the kill.
    equal(await repo.git("rev-parse", `${tip}^`), head, `${branch} is more than a step ahead`);
  }
  if (head === null) return; // still being made
  equal(await git("symbolic-ref", "HEAD"), `refs/heads/${branch}`);
  const dirty = linesOf(await git("status", "--porcelain", "--untracked-files=all"));
  const file = `parts/${title}.txt`;
  for (const entry of dirty) {
    const name = entry.slice(3);
    ok(name === file || isUnfinished(name), `${name} in ${path} is nobody's change`);
  }
  checkLines(rows, ticket, await linesIn(join(path, file)));
}

/** What a tool writes before it takes the file's place. */
const isUnfinished = (name: string): boolean => basename(name) === UNFINISHED_FILE;

/** The file has every line that a call is logged to have added, and at most those of the open turn besides. */
function checkLines(rows: Rows, ticket: Json, lines: string[]): void {
  const count = (sql: string) => rows.one(sql, ticket.id) as number;
  const subtasks = count("SELECT count(*) FROM subtasks WHERE ticket_id = ?");
  const changes = count("SELECT count(*) FROM runs WHERE purpose = 'change' AND ticket_id = ?");
  const all = expectedLines(ticket.title, subtasks, changes);
  deepEqual(lines, all.slice(0, lines.length), `${ticket.title} has its lines in order, once each`);
  const added = count(`
    SELECT coalesce(sum(CASE json_extract(begun.data, '$.call.name') WHEN 'Write' THEN 2 ELSE 1 END), 0)
    FROM events AS done JOIN events AS begun ON begun.run_id = done.run_id
      AND begun.type = 'tool_started'
      AND json_extract(begun.data, '$.call.id') = json_extract(done.data, '$.result.callId')
    WHERE done.ticket_id = ? AND done.type = 'tool_finished'
      AND NOT json_extract(done.data, '$.result.isError')
      AND json_extract(begun.data, '$.call.name') IN ('Write', 'Edit', 'Bash')`);
  ok(
    lines.length >= added,
    `${ticket.title} has ${lines.length} lines of ${added} that were logged`,
  );
}

/** At the end: one commit for each ticket, its files right, and nothing left over anywhere. */
export async function checkFilesAtRest(rows: Rows, dataDir: string, site: Site): Promise<void> {
  const { repo, base, projectId, slug } = site;
  const tickets = rows.all("SELECT * FROM tickets WHERE project_id = ? ORDER BY number", projectId);
  const commits = linesOf(await repo.git("rev-list", `${base}..main`));
  deepEqual(
    [...commits].sort(),
    tickets.map((ticket) => ticket.merge_commit).sort(),
    "exactly one commit for each ticket",
  );
  equal(await repo.git("status", "--porcelain"), "", "the person's folder is as committed");
  equal(await repo.git("rev-parse", "HEAD"), await repo.git("rev-parse", "main"));
  for (const ticket of tickets) {
    const count = (sql: string) => rows.one(sql, ticket.id) as number;
    deepEqual(
      await linesIn(join(repo.dir, `parts/${ticket.title}.txt`)),
      expectedLines(
        ticket.title,
        count("SELECT count(*) FROM subtasks WHERE ticket_id = ?"),
        count("SELECT count(*) FROM comments WHERE ticket_id = ?"),
      ),
    );
    equal(
      await repo.git("rev-parse", `refs/gaffer/tickets/${ticket.number}`),
      ticket.head_commit,
      `the checkpoints of ${ticket.title} are kept`,
    );
    const log = await repo.git("log", "--format=%B", "-1", ticket.merge_commit);
    ok(log.includes(ticket.title), `the commit of ${ticket.title} says so`);
  }
  equal(await repo.git("branch", "--list", "gaffer/*"), "", "no branch is left over");
  const folder = join(dataDir, "projects", slug);
  const trees = (await linkedTrees(repo)).filter((path) =>
    !path.startsWith(join(folder, "views/"))
  );
  deepEqual(trees, [], "no worktree is left over");
  deepEqual(await namesIn(join(folder, "worktrees")), [], "no folder is left over");
  equal(await exists(join(folder, "merge")), false);
  deepEqual(linesOf(await repo.git("fsck", "--connectivity-only", "--no-dangling")), []);
  const locks = (await namesIn(join(repo.dir, ".git"))).filter((name) => name.endsWith(".lock"));
  deepEqual(locks, []);
}

async function linkedTrees(repo: TestRepo): Promise<string[]> {
  const text = await repo.git("worktree", "list", "--porcelain");
  return [...text.matchAll(/^worktree (.+)$/gm)].map((match) => match[1]!).slice(1);
}

const linesOf = (text: string): string[] => text.split("\n").filter((line) => line !== "");

async function linesIn(path: string): Promise<string[]> {
  try {
    return linesOf(await Deno.readTextFile(path));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

async function namesIn(folder: string): Promise<string[]> {
  if (!await exists(folder)) return [];
  return (await Array.fromAsync(Deno.readDir(folder), ({ name }) => name)).sort();
}
