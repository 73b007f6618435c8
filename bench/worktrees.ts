/**
 * A ticket's worktree in repositories of two sizes: made, a turn's work in it committed, and removed; the peer is
 * git's own commands for the same.
 */
import { checkpoint } from "../agents/git/checkpoints.ts";
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

const steps = ["make", "checkpoint", "remove"] as const;
type Times = Record<typeof steps[number], number[]>;
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
  const ours: Times = { make: [], checkpoint: [], remove: [] };
  const gits: Times = { make: [], checkpoint: [], remove: [] };
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
    await edit(worktree, round);
    await time(
      ours.checkpoint,
      () => checkpoint({ ...place, worktree, branch, message: "Turn 1" }),
    );
    await time(ours.remove, () => removeWorktree(place));

    const bare = repo.beside(`git/${round}`);
    const add = ["worktree", "add", "-q", "-b", `bare-${round}`, bare, base];
    await time(gits.make, () => repo.git(...add));
    await edit(bare, round);
    await time(gits.checkpoint, async () => {
      await repo.git("-C", bare, "add", "--all");
      await repo.git("-C", bare, "commit", "-q", "-m", "Turn 1");
    });
    await time(gits.remove, () => repo.git("worktree", "remove", "--force", bare));
  }
  return steps.map((step) => ({
    name: nameOf(files, step),
    unit: "ms",
    values: ours[step],
    peer: quantile(gits[step], 0.5),
    ...step === "checkpoint" && { goal: CHECKPOINT_GOAL_MS },
  }));
}

async function edit(worktree: string, round: number): Promise<void> {
  for (let n = 0; n < EDITS; n++) {
    await Deno.writeTextFile(`${worktree}/${pathOf(n * FILES_PER_FOLDER)}`, `edit ${round}\n`);
  }
}

const pathOf = (n: number) => `src/part_${Math.floor(n / FILES_PER_FOLDER)}/file_${n}.txt`;

const filesOf = (count: number): Record<string, string> =>
  Object.fromEntries(
    Array.from({ length: count }, (_, n) => [pathOf(n), `file ${n}\n`.repeat(20)]),
  );
