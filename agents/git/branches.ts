/** The branches that Gaffer makes for tickets, and how it tells them from the person's own. */
import { AppError } from "../../server/errors.ts";
import { git, gitOk } from "./git.ts";
import { GitError } from "./git_error.ts";
import { checkBranch, checkCommit, isAncestor, readRef, tipOf } from "./repository.ts";

/** Longest name that `branchName` makes. */
export const BRANCH_NAME_CHARS = 50;
const BRANCH_PREFIX = "gaffer";
/** How many names are tried when a person has branches of those names. */
const BRANCH_TRIES = 20;

/** `gaffer/12-short-title`: ASCII, at most `BRANCH_NAME_CHARS`, always a name that git allows. */
export function branchName(number: number, title: string): string {
  const slug = title.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase()
    .replace(/[^a-z0-9]+/g, "-");
  const name = `${BRANCH_PREFIX}/${number}-${slug.replace(/^-/, "")}`;
  if (name.length <= BRANCH_NAME_CHARS) return name.replace(/-+$/, "");
  const cut = name.slice(0, BRANCH_NAME_CHARS + 1);
  const word = cut.lastIndexOf("-");
  const start = `${BRANCH_PREFIX}/${number}-`.length;
  return cut.slice(0, word > start ? word : BRANCH_NAME_CHARS).replace(/-+$/, "");
}

/** Ref that says a branch is Gaffer's; it points to where the branch began. */
const markOf = (branch: string) => `refs/gaffer/branches/${branch}`;

/** Whether Gaffer made the branch of this name. */
export const isOurs = async (repo: string, branch: string, signal: AbortSignal): Promise<boolean> =>
  await readRef(repo, markOf(branch), signal) !== null;

/**
 * Makes the branch at `base`, or finds the one made before, and gives its name. A name that a person has
 * taken is left alone and the next free one used; `first`: also one with work of Gaffer's on it, since whoever asks
 * has done none yet. The mark and the branch are made in one transaction;
 * should only the mark have come through, the branch is made the next time.
 */
export async function claimBranch(
  spec: { repo: string; wanted: string; base: string; first?: boolean; signal: AbortSignal },
): Promise<string> {
  const { repo, wanted, base, first = false, signal } = spec;
  await requireCommit(repo, base, signal);
  for (const branch of await candidates(repo, checkBranch(wanted), signal)) {
    const [tip, mark] = [
      await tipOf(repo, branch, signal),
      await readRef(repo, markOf(branch), signal),
    ];
    const another = first && tip !== null && !await isAncestor(repo, tip, base, signal);
    if (tip && mark && !another) return branch;
    if (tip) continue; // a person's, or of a ticket that is not known any more
    const setMark = mark
      ? `update ${markOf(branch)} ${base} ${mark}`
      : `create ${markOf(branch)} ${base}`;
    const commands = ["start", setMark, `create refs/heads/${branch} ${base}`, "prepare", "commit"];
    const args = ["update-ref", "--create-reflog", "-m", "gaffer: branch", "--stdin"];
    const result = await git(repo, args, { signal, input: `${commands.join("\n")}\n` });
    if (result.code === 0) return branch;
    if (!isTaken(result.stderr)) throw GitError.of(`make branch "${branch}"`, repo, result);
  }
  throw new AppError(
    "conflict",
    `Cannot make branch "${wanted}": that name and the next ${BRANCH_TRIES - 1} cannot be made. ` +
      `Delete or rename old branches that begin with "${BRANCH_PREFIX}"`,
  );
}

/** Commit with which a branch of Gaffer's was begun; null: it made none of this name. */
export const startOf = (
  repo: string,
  branch: string,
  signal: AbortSignal,
): Promise<string | null> => readRef(repo, markOf(checkBranch(branch)), signal);

/** Lets a branch on which there is nothing yet, and that is checked out nowhere, begin at another commit. */
export async function moveStart(
  spec: { repo: string; branch: string; from: string; to: string; signal: AbortSignal },
): Promise<void> {
  const { repo, branch, from, to, signal } = spec;
  const move = `${checkCommit(to)} ${checkCommit(from)}`;
  const commands = [
    "start",
    `update ${markOf(checkBranch(branch))} ${move}`,
    `update refs/heads/${branch} ${move}`,
    "prepare",
    "commit",
  ];
  await gitOk(repo, ["update-ref", "-m", "gaffer: begin at the newer base", "--stdin"], {
    signal,
    input: `${commands.join("\n")}\n`,
    doing: `begin branch "${branch}" anew`,
  });
}

/** Deletes the branch if it still points to `commit`, and its mark; others' branches are left alone. */
export async function deleteBranch(
  spec: { repo: string; branch: string; commit: string; signal: AbortSignal },
): Promise<void> {
  const { repo, branch, commit, signal } = spec;
  if (!await readRef(repo, markOf(checkBranch(branch)), signal)) return;
  if (await tipOf(repo, branch, signal)) {
    await gitOk(repo, ["update-ref", "-d", `refs/heads/${branch}`, checkCommit(commit)], {
      signal,
      doing: `delete branch "${branch}"`,
    });
  }
  await gitOk(repo, ["update-ref", "-d", markOf(branch)], {
    signal,
    doing: `forget branch "${branch}"`,
  });
}

/** A branch of this name, or one that has it as a folder, came first. */
const isTaken = (stderr: string): boolean =>
  /' exists; cannot create '|reference already exists/.test(stderr);

/** A branch called "gaffer" leaves no room for "gaffer/…": then a dash takes the slash's place. */
async function candidates(repo: string, wanted: string, signal: AbortSignal): Promise<string[]> {
  const [folder, ...rest] = wanted.split("/");
  const blocked = rest.length > 0 && await tipOf(repo, folder ?? "", signal) !== null;
  const first = blocked ? wanted.replaceAll("/", "-") : wanted;
  const numbers = Array.from({ length: BRANCH_TRIES - 1 }, (_, index) => index + 2);
  return [first, ...numbers.map((number) => `${first}-${number}`)];
}

async function requireCommit(repo: string, commit: string, signal: AbortSignal): Promise<void> {
  if (await readRef(repo, checkCommit(commit), signal)) return;
  throw new AppError(
    "conflict",
    `Cannot start a branch at commit ${commit}: the repository does not have it`,
  );
}
