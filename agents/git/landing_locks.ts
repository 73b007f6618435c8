/** Git's own locks, taken for the landing of a file (`landing_steps.ts`). */
import { basename } from "node:path";
import { removeIfThereSync } from "../../server/disk.ts";
import { isOfSystem } from "./loose_objects.ts";
import { lookAtSync } from "./presence.ts";

/** For tests: called before each step, and ends the landing by what it throws, as a crash would. */
export type Cut = (step: string) => void;

/** Each is a second name of a file of ours, by which they are told from those of others. */
export class GitLocks {
  /** `files`: ours, and the one of git's that it locks. */
  constructor(readonly files: readonly [own: string, locked: string][]) {}

  /** False: another git command has one, or the disk has no second names. Some may be taken; `release` gives them back. */
  take(cut: Cut): boolean {
    for (const [own, locked] of this.files) {
      cut(`lock ${basename(own)}`);
      try {
        Deno.linkSync(own, `${locked}.lock`);
      } catch (error) {
        if (isOfSystem(error)) return false;
        throw error;
      }
    }
    return true;
  }

  /** Takes away those that are ours. */
  release(): void {
    for (const [own, locked] of this.files) {
      const [ours, there] = [lookAtSync(own), lookAtSync(`${locked}.lock`)];
      if (ours && there && ours.ino === there.ino && ours.dev === there.dev) {
        removeIfThereSync(`${locked}.lock`);
      }
    }
  }
}
