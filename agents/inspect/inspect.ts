/**
 * Looks at a path that a person gave for a project: whether Gaffer can work there, and what it finds.
 * Changes nothing.
 */
import { basename, posix } from "node:path";
import { git, gitOk } from "../git/git.ts";
import { GitError } from "../git/git_error.ts";
import { proposeCommands } from "./commands.ts";
import type { ProjectFiles, Proposals } from "./proposal.ts";
import { checkCommit, tipOf } from "../git/repository.ts";
import {
  existingFolder,
  noBranch,
  refusal,
  refuseDataFolder,
  requireGit,
  requireRoot,
  requireWritable,
} from "./usable_repository.ts";

/** Most paths that `trackedFiles` gives. */
export const TRACKED_FILES = 20_000;
/** Most branches that an inspection names, newest first. */
export const BRANCHES = 100;
/** Most characters of an instruction file. */
export const INSTRUCTION_CHARS = 64_000;
/** Larger files are not read to propose commands. */
const READ_BYTES = 256 * 1024;

export interface InstructionFile {
  path: string;
  text: string;
}

export interface Inspection {
  /** Real path of the repository's root. */
  path: string;
  /** Name of its folder. */
  name: string;
  /** Proposed: what the remote calls its default, else main or master, else what is checked out. */
  baseBranch: string;
  /** Tip of `baseBranch`. */
  baseCommit: string;
  /** Local branches, newest first, at most `BRANCHES`. */
  branches: string[];
  commands: Proposals;
  /** `CLAUDE.md` and `AGENTS.md` at `baseCommit`. */
  instructions: InstructionFile[];
  /** What works but had better be changed. */
  warnings: string[];
}

/**
 * Throws `invalid` for the field "path", with how to mend it, when Gaffer cannot work there. `dataDir` is
 * Gaffer's own folder, in which no project may lie.
 */
export async function inspectRepository(
  given: string,
  options: { dataDir: string | null; signal: AbortSignal },
): Promise<Inspection> {
  const { signal } = options;
  const path = await existingFolder(given);
  await refuseDataFolder(path, options.dataDir);
  await requireGit(signal);
  await requireRoot(path, signal);
  await requireWritable(path, signal);
  const branches = await localBranches(path, signal);
  if (branches.length === 0) throw await noBranch(path, signal);
  const baseBranch = await proposeBase(path, branches, signal);
  const baseCommit = await tipOf(path, baseBranch, signal);
  if (!baseCommit) throw refusal(path, `its branch "${baseBranch}" has just gone`, "Try again");
  const commands = await proposeCommands(await filesAt(path, baseCommit, signal));
  return {
    path,
    name: basename(path),
    baseBranch,
    baseCommit,
    branches: branches.slice(0, BRANCHES),
    commands,
    instructions: await readInstructions(path, baseCommit, signal),
    warnings: await warningsFor(path, commands, signal),
  };
}

/** Paths of a commit's files, in git's order, at most `TRACKED_FILES`. */
export async function trackedFiles(
  repo: string,
  commit: string,
  signal: AbortSignal,
): Promise<string[]> {
  const args = ["ls-tree", "-r", "-z", "--name-only", "--full-tree", checkCommit(commit)];
  const { code, stdout, stderr, truncated } = await git(repo, args, { signal });
  if (code !== 0) throw GitError.of("list the files", repo, { code, stdout, stderr, truncated });
  const whole = truncated ? stdout.slice(0, stdout.lastIndexOf("\0") + 1) : stdout;
  return whole.split("\0").filter(Boolean).slice(0, TRACKED_FILES);
}

/** The instructions for agents that a commit has at its root, cut to `INSTRUCTION_CHARS` each. */
export async function readInstructions(
  repo: string,
  commit: string,
  signal: AbortSignal,
): Promise<InstructionFile[]> {
  const names = ["AGENTS.md", "CLAUDE.md"];
  const args = ["ls-tree", "-z", "--name-only", "--full-tree", checkCommit(commit), "--", ...names];
  const listed = (await git(repo, args, { signal })).stdout.split("\0");
  const found = new Map<string, InstructionFile>();
  for (const path of names.filter((name) => listed.includes(name))) {
    const file = await readTracked(repo, commit, path, signal);
    // Often one is a link to the other: its text is given once.
    if (file) {
      found.set(file.path, { path: file.path, text: file.text.slice(0, INSTRUCTION_CHARS) });
    }
  }
  return [...found.values()];
}

async function localBranches(repo: string, signal: AbortSignal): Promise<string[]> {
  const args = [
    "for-each-ref",
    "--sort=-committerdate",
    "--format=%(refname:lstrip=2)",
    "refs/heads",
  ];
  const text = await gitOk(repo, args, { signal, doing: "list the branches" });
  return text.split("\n").filter(Boolean);
}

async function proposeBase(repo: string, branches: string[], signal: AbortSignal): Promise<string> {
  const ask = async (ref: string, prefix: string) => {
    const { code, stdout } = await git(repo, ["symbolic-ref", "--quiet", ref], { signal });
    return code === 0 ? stdout.trim().slice(prefix.length) : "";
  };
  const wishes = [
    await ask("refs/remotes/origin/HEAD", "refs/remotes/origin/"),
    "main",
    "master",
    "trunk",
    await ask("HEAD", "refs/heads/"),
  ];
  return wishes.find((name) => branches.includes(name)) ?? branches[0] ?? "main";
}

async function filesAt(repo: string, commit: string, signal: AbortSignal): Promise<ProjectFiles> {
  const paths = new Set(await trackedFiles(repo, commit, signal));
  return {
    paths,
    read: async (path) =>
      paths.has(path) ? (await readTracked(repo, commit, path, signal))?.text ?? null : null,
  };
}

/** A tracked text file, or the one that a tracked link to it names; null when it is anything else. */
export async function readTracked(
  repo: string,
  commit: string,
  path: string,
  signal: AbortSignal,
): Promise<{ path: string; text: string } | null> {
  const entry = await git(repo, ["ls-tree", "-z", "--full-tree", checkCommit(commit), "--", path], {
    signal,
    env: { GIT_LITERAL_PATHSPECS: "1" },
  });
  const [, mode, id] = /^(\d{6}) blob ([0-9a-f]+)\t/.exec(entry.stdout) ?? [];
  if (!mode || !id) return null;
  const options = { signal, maxOutputBytes: READ_BYTES };
  const { code, stdout: text } = await git(repo, ["cat-file", "blob", id], options);
  if (code !== 0 || text.includes("\0")) return null;
  if (mode !== "120000") return { path, text };
  const target = posix.join(posix.dirname(path), text);
  return target === path || target.startsWith("..") || posix.isAbsolute(text)
    ? null
    : await readLinked(repo, commit, target, signal);
}

/** One step only: a link to a link is not followed. */
async function readLinked(repo: string, commit: string, path: string, signal: AbortSignal) {
  const { stdout } = await git(repo, ["ls-tree", "-z", "--full-tree", commit, "--", path], {
    signal,
    env: { GIT_LITERAL_PATHSPECS: "1" },
  });
  return /^100\d{3} blob /.test(stdout) ? await readTracked(repo, commit, path, signal) : null;
}

async function warningsFor(
  repo: string,
  commands: Proposals,
  signal: AbortSignal,
): Promise<string[]> {
  const left = new Set(Object.values(commands).flatMap(({ leaves }) => leaves ?? []));
  const warnings: string[] = [];
  for (const folder of left) {
    const args = ["check-ignore", "--quiet", "--no-index", "--", `${folder}/x`];
    if ((await git(repo, args, { signal })).code !== 1) continue;
    warnings.push(
      `Git does not ignore "${folder}", which the commands make: ` +
        `add it to .gitignore, or it becomes part of the tickets' work`,
    );
  }
  return warnings;
}
