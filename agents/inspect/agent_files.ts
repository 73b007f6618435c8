/** The agents that a repository brings along, as its commit has them. Reading them makes nothing of them run. */
import { createHash } from "node:crypto";
import { git } from "../git/git.ts";
import { GitError } from "../git/git_error.ts";
import { checkCommit } from "../git/repository.ts";
import { readTracked } from "./inspect.ts";

export const AGENTS_FOLDER = ".claude/agents";
/** Most files of one repository that are looked at. */
export const AGENT_FILES_MAX = 50;
/** Longer files are no definitions. */
const FILE_MAX_CHARS = 64_000;

export interface AgentFile {
  path: string;
  text: string;
  /** Of exactly this content: what trust is bound to. */
  hash: string;
}

/** In git's order. Throws `GitError`. */
export async function readAgentFiles(
  repo: string,
  commit: string,
  signal: AbortSignal,
): Promise<AgentFile[]> {
  const folder = `${AGENTS_FOLDER}/`;
  const args = ["ls-tree", "-r", "-z", "--name-only", "--full-tree", checkCommit(commit), folder];
  const { code, stdout, stderr, truncated } = await git(repo, args, { signal });
  if (code !== 0) throw GitError.of("list its agents", repo, { code, stdout, stderr, truncated });
  const paths = stdout.split("\0").filter((path) => path.endsWith(".md")).slice(0, AGENT_FILES_MAX);
  const files: AgentFile[] = [];
  for (const path of paths) {
    const file = await readAgentFile(repo, commit, path, signal);
    if (file) files.push(file);
  }
  return files;
}

/** Null: the commit has no such file, or what it has is none that could be a definition. */
export async function readAgentFile(
  repo: string,
  commit: string,
  path: string,
  signal: AbortSignal,
): Promise<AgentFile | null> {
  const file = await readTracked(repo, commit, path, signal);
  return file && file.text.length <= FILE_MAX_CHARS
    ? { path, text: file.text, hash: hashOf(file.text) }
    : null;
}

const hashOf = (text: string): string => createHash("sha256").update(text).digest("hex");
