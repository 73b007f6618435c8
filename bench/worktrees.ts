/**
 * A ticket's worktree in repositories of two sizes: made, a turn's work in it committed, and removed; the peer is
 * git's own commands for the same.
 */
import { checkpoint } from "../agents/git/checkpoints.ts";
import { settleIndex } from "../agents/git/settling.ts";
import { createWorktree, removeWorktree } from "../agents/git/worktrees.ts";
import { TestRepo } from "../tests/git_support.ts";
import { type Group, type Measured, quantile } from "./table.ts";

/** Files of a repository, and how often each step is measured: fifty thousand files take a minute to write. */
const SIZES = [[5_000, 5], [50_000, 1]] as const;
/** Most milliseconds of the commit after a turn. */
const CHECKPOINT_GOAL_MS = 50;
const FILES_PER_FOLDER = 100;
/** What a turn changes. */
const EDITS = 3;

/** The first checkpoint is of files that edits named; before the second any file may have been changed. */
const steps = ["make", "checkpoint of edits", "checkpoint", "remove"] as const;
const timesOf = () =>
  Object.fromEntries(steps.map((step) => [step, []])) as unknown as Record<
    typeof steps[number],
    number[]
  >;
const nameOf = (files: number, step: typeof steps[number]) => `worktree of ${files} files, ${step}`;
const never = new AbortController().signal;

export const worktrees: Group = {
  name: "worktrees",
  rows: SIZES.flatMap(([files]) => steps.map((step) => nameOf(files, step))),
  async measure() {
    const rows: Measured[] = [];
    for (const [files, rounds] of SIZES) {
      await using repo = await TestRepo.make(filesOf(files));
      rows.push(...await measureIn(repo, files, rounds));
    }
    return rows;
  },
};

async function measureIn(repo: TestRepo, files: number, rounds: number): Promise<Measured[]> {
  const ours = timesOf();
  const gits = timesOf();
  const time = async (times: number[], work: () => Promise<unknown>): Promise<void> => {
    const before = performance.now();
    await work();
    times.push(performance.now() - before);
  };
  const base = await repo.git("rev-parse", "HEAD");
  for (let round = 0; round < rounds; round++) {
    const branch = `gaffer/${round}-bench`;
    const place = { repo: repo.dir, path: repo.beside(`ours/${round}`), signal: never };
    let worktree = place.path;
    await time(ours.make, async () => {
      worktree = (await createWorktree({ ...place, branch, base })).path;
    });
    await nextSecond();
    // As before the first agent begins.
    await settleIndex({ repo: repo.dir, worktree, signal: never });
    const spec = { ...place, worktree, branch, message: "Turn" };
    const paths = await edit(worktree, `${round}`);
    await time(ours["checkpoint of edits"], () => checkpoint({ ...spec, paths }));
    await edit(worktree, `${round} again`);
    await time(ours.checkpoint, () => checkpoint(spec));
    await time(ours.remove, () => removeWorktree(place));

    const bare = repo.beside(`git/${round}`);
    const add = ["worktree", "add", "-q", "-b", `bare-${round}`, bare, base];
    await time(gits.make, () => repo.git(...add));
    await nextSecond();
    for (const step of ["checkpoint of edits", "checkpoint"] as const) {
      await edit(bare, `${round} ${step}`);
      await time(gits[step], async () => {
        await repo.git("-C", bare, "add", "--all");
        await repo.git("-C", bare, "commit", "-q", "-m", "Turn");
      });
    }
    await time(gits.remove, () => repo.git("worktree", "remove", "--force", bare));
  }
  return steps.map((step) => ({
    name: nameOf(files, step),
    unit: "ms",
    values: ours[step],
    peer: quantile(gits[step], 0.5),
    ...step.startsWith("checkpoint") && { goal: CHECKPOINT_GOAL_MS },
  }));
}

/**
 * Git reads every file again that was written within the second of its index, which holds for all of a new worktree
 * and costs half of a look at it; but no agent is done with a turn within that second.
 */
const nextSecond = () => new Promise((resolve) => setTimeout(resolve, 1_000));

/** Gives the paths. */
async function edit(worktree: string, text: string): Promise<string[]> {
  const paths = Array.from({ length: EDITS }, (_, n) => pathOf(n * FILES_PER_FOLDER));
  for (const path of paths) await Deno.writeTextFile(`${worktree}/${path}`, `edit ${text}\n`);
  return paths;
}

const pathOf = (n: number) => `src/part_${Math.floor(n / FILES_PER_FOLDER)}/file_${n}.txt`;

const filesOf = (count: number): Record<string, string> =>
  Object.fromEntries(
    Array.from({ length: count }, (_, n) => [pathOf(n), `file ${n}\n`.repeat(20)]),
  );
