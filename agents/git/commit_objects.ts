/** Makes commits, as git writes them; no branch points to one yet, and no hook runs. */
import { join, resolve } from "node:path";
import { systemClock } from "../../server/clock.ts";
import { configOf, gitOk, type GitPlace } from "./git.ts";
import { isOfSystem, type NewObject, objectOf, writeObjects } from "./loose_objects.ts";
import { plainTextSync } from "./presence.ts";
import { checkCommit, commonDirOf, gaffer, type Identity, identityEnv } from "./repository.ts";
import { type Signer, signingWith } from "./signing.ts";

export interface TreeCommit {
  tree: string;
  /** In order. */
  parents: readonly string[];
  message: string;
  /** Author and committer. */
  identity: Identity;
  /** Seconds since 1970, for author and committer; now by default. */
  atSeconds?: number;
  /** None by default. */
  signer?: Signer | null;
  signal: AbortSignal;
}

/** Makes a commit object of a tree that the repository has, without a process where that is possible. */
export const commitTree = async (repo: GitPlace, spec: TreeCommit): Promise<string> =>
  await writeCommit(repo, spec) ?? await commitByGit(repo, spec);

/** Null: git must do it, or says what is the matter. */
const writeCommit = (repo: GitPlace, spec: TreeCommit): Promise<string | null> =>
  writeCommitWith(repo, [], spec);

/**
 * Makes a commit and the objects that it needs, all on the disk by one wait. Null: git must do it, or says what is the
 * matter; some of the objects may be there then.
 */
export async function writeCommitWith(
  repo: GitPlace,
  objects: readonly NewObject[],
  { tree, parents, message, identity, atSeconds, signer, signal }: TreeCommit,
): Promise<string | null> {
  if (signer || message.includes("\0") || !(await configOf(repo, signal))?.isPlain) return null;
  const commit = commitObject({
    tree: checkCommit(tree),
    parents: [...new Set(parents)].map(checkCommit),
    who: whoText(identity, atSeconds ?? systemClock.nowMs() / 1000),
    message: withLineEnd(message),
  });
  signal.throwIfAborted();
  try {
    await writeObjects(await sharedDirOf(repo, signal), [...objects, commit]);
    return commit.id;
  } catch (error) {
    if (isOfSystem(error)) return null;
    throw error;
  }
}

async function sharedDirOf(repo: GitPlace, signal: AbortSignal): Promise<string> {
  if (typeof repo === "string") return await commonDirOf(repo, signal);
  const common = plainTextSync(join(repo.gitDir, "commondir"));
  return common === null ? repo.gitDir : resolve(repo.gitDir, common.trim());
}

const withLineEnd = (text: string): string => text.endsWith("\n") ? text : `${text}\n`;

async function commitByGit(repo: GitPlace, spec: TreeCommit): Promise<string> {
  const { tree, parents, message, identity, atSeconds, signer, signal } = spec;
  const signing = signer ? signingWith(signer) : null;
  const from = parents.flatMap((parent) => ["-p", checkCommit(parent)]);
  const id = await gitOk(repo, ["commit-tree", ...signing?.args ?? [], tree, ...from, "-F", "-"], {
    signal,
    input: withLineEnd(message),
    env: { ...identityEnv(identity), ...datesEnv(atSeconds), ...signing?.env },
    settings: signing?.settings,
    doing: signing ? "make a signed commit" : "make a commit",
  });
  return id.trim();
}

function datesEnv(atSeconds: number | undefined): Record<string, string> {
  if (atSeconds === undefined) return {};
  const date = `@${Math.floor(atSeconds)} +0000`;
  return { GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date };
}

/** A commit without a signature, by one person. `who`: see `whoText`; ids are checked by the caller. */
export function commitObject({ tree, parents, who, message }: {
  tree: string;
  /** In order. */
  parents: readonly string[];
  who: string;
  message: string;
}): NewObject {
  const from = parents.map((parent) => `parent ${parent}\n`).join("");
  const text = `tree ${tree}\n${from}author ${who}\ncommitter ${who}\n\n${message}`;
  return objectOf("commit", new TextEncoder().encode(text), tree.length);
}

/** Name, address and time (seconds since 1970, cut to whole ones) as a commit or a log of git's has them. */
export const whoText = (identity: Identity, atSeconds: number): string =>
  `${named(identity)} ${Math.floor(atSeconds)} +0000`;

/** As git writes names: without what ends them. */
function named({ name, email }: Identity): string {
  // deno-lint-ignore no-control-regex -- they would end the line, or the name
  const plain = (text: string) => text.replace(/[\u0000-\u001f<>]/g, "").trim();
  return `${plain(name) || gaffer.name} <${plain(email) || gaffer.email}>`;
}
