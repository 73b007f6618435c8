/**
 * Brings a branch of a remote's into the person's repository, under a ref of Gaffer's own: no branch and no folder of
 * the person's changes. As a push it goes over the network from a repository of Gaffer's own; the person's gets it
 * from there, by its path.
 */
import { AppError } from "../../server/errors.ts";
import { git, gitOk } from "./git.ts";
import { borrow, overNetwork, type RemotePlace } from "./pushing.ts";
import { checkBranch, checkCommit, readRef } from "./repository.ts";

const INCOMING = "refs/heads/incoming";

/** Commit at the branch there; the repository has it afterwards. Throws `GitError`, and `conflict` where it has not. */
export async function fetchBranch(
  spec: RemotePlace & { branch: string; signal: AbortSignal },
): Promise<string> {
  const { repo, remote, branch, signal } = spec;
  const from = `refs/heads/${checkBranch(branch)}`;
  await using place = await borrow(spec);
  const plain = ["--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules"];
  await overNetwork(
    spec,
    place.path,
    ["fetch", ...plain, "--", remote, `+${from}:${INCOMING}`],
    `fetch "${branch}"`,
  );
  // Named outright: a person's settings may forbid to find a bare repository.
  const tip = await readRef({ path: place.path, gitDir: place.path }, INCOMING, signal);
  const ref = `refs/gaffer/forge/${branch}`;
  if (tip !== null) {
    const args = ["fetch", ...plain, "--", place.path, `+${INCOMING}:${ref}`];
    // Only from a path: wherever a configuration would lead it, nothing leaves the machine.
    const env = { GIT_ALLOW_PROTOCOL: "file" };
    await gitOk(repo, args, { signal, env, doing: `take over "${branch}"` });
    if (await readRef(repo, ref, signal) === tip) return checkCommit(tip);
    await git(repo, ["update-ref", "-d", ref], { signal });
  }
  throw new AppError(
    "conflict",
    `Cannot fetch "${branch}": the repository's own configuration leads elsewhere. ` +
      "Look at its settings url.*.insteadOf, or fetch it yourself",
  );
}
