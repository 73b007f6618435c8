/** The diff that a reviewing agent asks for: inside its ticket's commits, without what is closed to it, capped. */
import type { PathRules } from "../policy.ts";
import { ToolError } from "../tools/tool.ts";
import { type ChangedFile, changedFiles } from "./changes.ts";
import { git } from "./git.ts";
import { GitError } from "./git_error.ts";
import { isAncestor } from "./repository.ts";

/** Most bytes of a diff that go to a model. */
export const RANGE_DIFF_BYTES = 50_000;
/** Most files of one diff; their names are arguments of git. */
export const RANGE_DIFF_FILES = 500;

/** What the model asked for. */
export interface RangeQuestion {
  path?: string;
  from?: string;
  to?: string;
  context?: number;
  names_only?: boolean;
}

export interface RangeDiffOptions {
  repo: string;
  /** Folder of the place, for paths that are given in full. */
  dir: string;
  /** Full ids: the ticket's range. */
  base: string;
  head: string;
  rules: PathRules;
  signal: AbortSignal;
}

/** Text for the model. Throws `ToolError` for a range or path that it may not see, with what it can ask for. */
export async function rangeDiff(
  question: RangeQuestion,
  { repo, dir, base, head, rules, signal }: RangeDiffOptions,
): Promise<string> {
  const from = await resolveCommit(question.from ?? "base");
  const to = await resolveCommit(question.to ?? "head");
  const wanted = relative(dir, question.path ?? "");
  refuseClosed(wanted, rules);
  const all = (await changedFiles({ repo, from, to, signal }))
    .filter((file) => namesOf(file).some((name) => isWithin(name, wanted)));
  const open = all.filter((file) => !namesOf(file).some((name) => isClosed(name, rules)));
  const left = all.length - open.length;
  const closed = left > 0 ? [`[${left} changed files are closed to you and not shown]`] : [];
  const shown = open.slice(0, RANGE_DIFF_FILES);
  const more = open.length > shown.length
    ? [`[${open.length - shown.length} more files: name a path to see them]`]
    : [];
  if (shown.length === 0) return [`Nothing that you can see changed there.`, ...closed].join("\n");
  if (question.names_only) return [...shown.map(nameLine), ...more, ...closed].join("\n");
  return [await diff(shown), ...more, ...closed].join("\n");

  /** A full id inside the range. Only hexadecimal digits ever get to git, so nothing is taken for an option. */
  async function resolveCommit(name: string): Promise<string> {
    if (name === "base") return base;
    if (name === "head") return head;
    const refuse = (why: string) =>
      new ToolError(
        `Cannot compare with ${JSON.stringify(name)}: ${why}. Use "base", "head" or the id of a ` +
          "commit between them",
      );
    if (!/^[0-9a-f]{7,64}$/i.test(name)) throw refuse("it is not a commit's id");
    const args = ["rev-parse", "--verify", "--quiet", "--end-of-options", `${name}^{commit}`];
    const { code, stdout } = await git(repo, args, { signal });
    const commit = stdout.trim();
    if (code !== 0 || commit === "") throw refuse("the repository has no such commit");
    const inside = await isAncestor(repo, base, commit, signal) &&
      await isAncestor(repo, commit, head, signal);
    if (!inside) throw refuse("it does not belong to this ticket");
    return commit;
  }

  /** Plumbing, so that no setting changes its form, and without programs that a repository could name. */
  async function diff(files: ChangedFile[]): Promise<string> {
    const args = [
      ...["diff-tree", "-r", "-p", "--find-renames", "--no-color", "--no-ext-diff"],
      ...["--no-textconv", "--src-prefix=a/", "--dst-prefix=b/", "--submodule=short"],
      ...[`--unified=${question.context ?? 3}`, from, to, "--", ...files.flatMap(namesOf)],
    ];
    const result = await git(repo, args, {
      signal,
      maxOutputBytes: RANGE_DIFF_BYTES,
      env: { GIT_LITERAL_PATHSPECS: "1" },
    });
    if (result.code !== 0) throw GitError.of("compare the commits", repo, result);
    if (!result.truncated) return result.stdout.trimEnd();
    return `${result.stdout.slice(0, result.stdout.lastIndexOf("\n"))}\n` +
      `[cut: the first ${RANGE_DIFF_BYTES} bytes of a diff of ${files.length} files. Name a path, or ` +
      "list the files with names_only]";
  }
}

const relative = (dir: string, path: string): string =>
  (path === dir || path.startsWith(`${dir}/`) ? path.slice(dir.length) : path)
    .replace(/^(\.?\/)+/, "").replace(/\/+$/, "")
    .replace(/^\.$/, "");

const namesOf = ({ path, oldPath }: ChangedFile): string[] => oldPath ? [path, oldPath] : [path];

const isWithin = (name: string, path: string): boolean =>
  path === "" || name === path || name.startsWith(`${path}/`);

const isClosed = (name: string, rules: PathRules): boolean =>
  (rules.blocked(name) ?? rules.notAllowed(name)) !== null;

function refuseClosed(path: string, rules: PathRules): void {
  if (path === "") return;
  const refuse = (why: string) =>
    new ToolError(
      `Cannot show the diff of ${JSON.stringify(path)}: ${why}. Trying it again will not help`,
    );
  if (path.includes("\0")) throw refuse("a path can't contain a NUL character");
  if (path.split("/").includes("..")) throw refuse("it leads out of the project");
  const why = rules.blocked(path);
  if (why) throw refuse(why);
}

function nameLine({ path, oldPath, kind }: ChangedFile): string {
  return oldPath ? `${kind} ${oldPath} -> ${path}` : `${kind} ${path}`;
}
