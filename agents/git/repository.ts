/** What Gaffer asks of a repository: its folders, branches, commits and worktrees. Changes nothing. */
import { join, resolve } from "node:path";
import { AppError } from "../../server/errors.ts";
import { configOf, git, gitOk, type GitPlace } from "./git.ts";
import { exists, isFolderSync, namesIn, plainTextSync, readIfThere } from "./presence.ts";

/** Longest branch name that is accepted, in characters. */
export const BRANCH_CHARS = 200;

export interface Identity {
  name: string;
  email: string;
}

/** Who makes checkpoints, and merges where the repository names no one. */
export const gaffer: Identity = { name: "Gaffer", email: "gaffer@localhost" };

/** Environment that makes `who` author and committer. */
export function identityEnv(who: Identity): Record<string, string> {
  return {
    GIT_AUTHOR_NAME: who.name,
    GIT_AUTHOR_EMAIL: who.email,
    GIT_COMMITTER_NAME: who.name,
    GIT_COMMITTER_EMAIL: who.email,
  };
}

/** The repository's own `user.name` and `user.email`, or Gaffer where they are not set. */
export async function identityOf(repo: string, signal: AbortSignal): Promise<Identity> {
  const { name, email } = (await configOf(repo, signal))?.user ?? {};
  return name && email ? { name, email } : gaffer;
}

/**
 * Gives back `name` when git takes it for a branch and never for an option or another revision; throws
 * `invalid` otherwise. The rules are those of `git check-ref-format`, and no leading dash.
 */
export function checkBranch(name: string): string {
  const parts = name.split("/");
  const legal = name.length <= BRANCH_CHARS && name !== "@" && name !== "HEAD" &&
    !name.startsWith("-") && !name.endsWith(".") &&
    // deno-lint-ignore no-control-regex -- control characters are what must be refused
    !/[\u0000- \u007f~^:?*[\\]|\.\.|@\{/.test(name) &&
    parts.every((part) => part !== "" && !part.startsWith(".") && !part.endsWith(".lock"));
  if (legal) return name;
  throw new AppError(
    "invalid",
    `Cannot use "${name}" as a branch: git does not allow that name. Use letters, digits, "-" and "/"`,
    [{ field: "branch", message: "Not a name that git allows" }],
  );
}

/** Gives back `commit` when it is a full object id; throws `invalid` otherwise. */
export function checkCommit(commit: string): string {
  if (/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(commit)) return commit;
  throw new AppError("invalid", `Cannot use "${commit}" as a commit: it is not a full object id`);
}

/** Commit at the tip of a local branch, or null when there is no such branch. */
export function tipOf(repo: GitPlace, branch: string, signal: AbortSignal): Promise<string | null> {
  return readRef(repo, `refs/heads/${checkBranch(branch)}`, signal);
}

/** Commit that a full ref name points to, or null when there is no such ref. */
export async function readRef(
  repo: GitPlace,
  ref: string,
  signal: AbortSignal,
): Promise<string | null> {
  const loose = typeof repo === "string" ? looseRef(repo, ref) : null;
  if (loose !== null) return loose;
  const args = ["rev-parse", "--verify", "--quiet", `${ref}^{commit}`];
  const { code, stdout } = await git(repo, args, { signal });
  return code === 0 ? stdout.trim() : null;
}

/**
 * Commit of a branch by the file that git itself looks at first: asked before almost everything, too, so a process
 * less. Null where there is no such file or anything else in it: packed or symbolic refs, another way to store them,
 * a linked worktree.
 */
function looseRef(repo: string, ref: string): string | null {
  if (!ref.startsWith("refs/heads/")) return null;
  try {
    const text = plainTextSync(join(repo, ".git", ref));
    return text && /^([0-9a-f]{40}|[0-9a-f]{64})\n?$/.test(text) ? text.trim() : null;
  } catch {
    return null; // git says what is the matter
  }
}

/** Throws `GitError` when the repository has no such commit. */
export async function treeOf(repo: GitPlace, commit: string, signal: AbortSignal): Promise<string> {
  const args = ["rev-parse", "--verify", `${checkCommit(commit)}^{tree}`];
  return (await gitOk(repo, args, { signal, doing: `find commit "${commit}"` })).trim();
}

/** Whether `commit` has `ancestor` in its history; a commit is its own ancestor. */
export async function isAncestor(
  repo: string,
  ancestor: string,
  commit: string,
  signal: AbortSignal,
): Promise<boolean> {
  const args = ["merge-base", "--is-ancestor", checkCommit(ancestor), checkCommit(commit)];
  const { code } = await git(repo, args, { signal });
  if (code <= 1) return code === 0;
  await treeOf(repo, ancestor, signal); // says which of the two is missing
  await treeOf(repo, commit, signal);
  return false;
}

/** The whole message of a commit; null when the repository has no such commit. */
export async function messageOfCommit(
  repo: GitPlace,
  commit: string,
  signal: AbortSignal,
): Promise<string | null> {
  const args = ["log", "-1", "--format=%B", checkCommit(commit)];
  const { code, stdout } = await git(repo, args, { signal });
  return code === 0 ? stdout.trim() : null;
}

/** The repository's common `.git` folder, absolute; shared by all its worktrees. */
export async function commonDirOf(repo: string, signal: AbortSignal): Promise<string> {
  // Asked before almost everything, so the usual layout is recognised without starting a process.
  const usual = join(repo, ".git");
  if (await isMainGitDir(usual)) return usual;
  const dir = await gitOk(repo, ["rev-parse", "--git-common-dir"], {
    signal,
    doing: `open the repository "${repo}"`,
  });
  return resolve(repo, withoutLineEnd(dir));
}

/** What git itself takes for a repository's folder; a linked worktree's names its common one. */
async function isMainGitDir(dir: string): Promise<boolean> {
  const there = (name: string) => exists(join(dir, name));
  return await there("HEAD") && await there("objects") && await there("refs") &&
    !await there("commondir");
}

/** A working tree of the repository: the person's own folder or a linked worktree. */
export interface WorkingTree {
  path: string;
  /** `.git` or a folder under `.git/worktrees`. */
  gitDir: string;
  main: boolean;
  /** Local branch that is checked out; null when detached. */
  branch: string | null;
  /** Why it may not be pruned (`git worktree lock`); null when it is not locked. */
  locked: string | null;
  /** Its folder is not there. */
  missing: boolean;
}

/** Where a working tree is; what it has checked out is read when it matters. */
export type TreePlace = Pick<WorkingTree, "path" | "gitDir" | "main">;

/**
 * Every working tree of the repository, the main one first. Read from git's own files instead of from
 * `git worktree list`, which names a wrong folder for submodules and separate git folders.
 */
export const workingTrees = async (repo: string, signal: AbortSignal): Promise<WorkingTree[]> =>
  await describeTrees(await treePlaces(repo, signal), signal);

/** Where the working trees are. */
export async function treePlaces(repo: string, signal: AbortSignal): Promise<TreePlace[]> {
  const common = await commonDirOf(repo, signal);
  const [main, linked] = [await mainPath(repo, common, signal), await linkedPlaces(common)];
  return [
    ...main === null ? [] : [{ path: main, gitDir: common, main: true }],
    ...linked.map((place) => ({ ...place, main: false })),
  ];
}

/** What they have checked out at this moment; starts no process where refs are files. */
export const describeTrees = (
  places: readonly TreePlace[],
  signal: AbortSignal,
): Promise<WorkingTree[]> =>
  Promise.all(places.map((place) => describeTree(place, place.main, signal)));

/** The linked worktree at exactly this absolute real path, if the repository has one. */
export async function linkedTreeAt(
  repo: string,
  path: string,
  signal: AbortSignal,
): Promise<WorkingTree | null> {
  const places = await linkedPlaces(await commonDirOf(repo, signal));
  const place = places.find((place) => place.path === path);
  return place ? await describeTree(place, false, signal) : null;
}

/**
 * Folder under `.git/worktrees` of the linked worktree at exactly this absolute real path; null: it is none. `common`
 * is the repository's `.git` folder. Starts no process.
 */
export async function linkedGitDirOf(common: string, path: string): Promise<string | null> {
  const place = (await linkedPlaces(common)).find((place) => place.path === path);
  return place?.gitDir ?? null;
}

async function linkedPlaces(common: string): Promise<{ path: string; gitDir: string }[]> {
  const places = await Promise.all(
    (await namesIn(join(common, "worktrees"))).map(async (name) => {
      const gitDir = join(common, "worktrees", name);
      const pointer = await readIfThere(join(gitDir, "gitdir"));
      // Git was killed before it wrote that file: git ignores such a folder too.
      return pointer === null
        ? []
        : [{ path: resolve(gitDir, withoutLineEnd(pointer), ".."), gitDir }];
    }),
  );
  return places.flat();
}

/** Folder of the main working tree; null for a bare repository, which has none of its own. */
async function mainPath(
  repo: string,
  common: string,
  signal: AbortSignal,
): Promise<string | null> {
  if (common === join(repo, ".git")) return await usualPath(repo, signal);
  const ask = async (args: string[]) => {
    const { code, stdout } = await git(repo, ["rev-parse", ...args], { signal });
    return code === 0 ? withoutLineEnd(stdout) : null;
  };
  const bare = await git(repo, ["--git-dir", common, "rev-parse", "--is-bare-repository"], {
    signal,
  });
  if (bare.stdout.trim() === "true") return null;
  const own = await ask(["--git-dir"]);
  return own !== null && resolve(repo, own) === common
    ? await ask(["--show-toplevel"])
    : resolve(common, "..");
}

/** The same where the repository's folder is in the usual place: asked by no process, or by one. */
async function usualPath(repo: string, signal: AbortSignal): Promise<string | null> {
  if (isFolderSync(join(repo, ".git")) && (await configOf(repo, signal))?.isPlain) {
    return Deno.realPathSync(repo);
  }
  const args = ["rev-parse", "--is-bare-repository", "--show-toplevel"];
  const { code, stdout } = await git(repo, args, { signal });
  // A bare one has no top: git says so after the first answer, and fails.
  return code === 0 && stdout.startsWith("false\n")
    ? withoutLineEnd(stdout.slice("false\n".length))
    : null;
}

async function describeTree(
  { path, gitDir }: { path: string; gitDir: string },
  main: boolean,
  signal: AbortSignal,
): Promise<WorkingTree> {
  const locked = main ? null : await readIfThere(join(gitDir, "locked"));
  return {
    path,
    gitDir,
    main,
    branch: await branchIn(gitDir, signal),
    locked: locked === null ? null : locked.trim(),
    missing: !await exists(path),
  };
}

async function branchIn(gitDir: string, signal: AbortSignal): Promise<string | null> {
  const head = readHead(gitDir);
  if (head !== undefined) return head;
  const args = ["--git-dir", gitDir, "symbolic-ref", "--quiet", "HEAD"];
  const { code, stdout } = await git("/", args, { signal });
  const ref = withoutLineEnd(stdout);
  return code === 0 && ref.startsWith("refs/heads/") ? ref.slice("refs/heads/".length) : null;
}

/** What HEAD says where it is a plain file; undefined where only git knows (a link, another ref storage). */
function readHead(gitDir: string): string | null | undefined {
  const file = join(gitDir, "HEAD");
  const text = plainTextSync(file);
  if (!text) return undefined;
  const branch = /^ref: refs\/heads\/(.+)\n$/.exec(text)?.[1];
  // The stub that a reftable repository has in place of a HEAD.
  if (branch && branch !== ".invalid") return branch;
  return /^[0-9a-f]{40,64}\n$/.test(text) ? null : undefined;
}

/** Git ends a path with one line end; any other belongs to the path. */
function withoutLineEnd(text: string): string {
  return text.endsWith("\n") ? text.slice(0, -1) : text;
}
