/**
 * Writes a file with a link swapped in meanwhile, in a process of its own: whoever writes for real moves the whole
 * process into the folder, and the tests' own process has others in it. See `racingWrite`.
 */
import { TestPlace, toolBox } from "./place_support.ts";
import { workIn } from "../agents/tools/work_in.ts";

export interface RacingWrite {
  /** Folder of the place. */
  dir: string;
  path: string;
  /** At this check the folder `moved` gets a name with `-old` at its end, and a link to `to` takes its place. */
  at: number;
  moved: string;
  to: string;
}

/** What the tool refused with, and where the process stands afterwards. */
export interface RacingEnd {
  why: string;
  cwd: string;
}

/** Lets a Write in a process of its own race with such a swap. */
export async function racingWrite(race: RacingWrite): Promise<RacingEnd & { before: string }> {
  const before = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "gaffer-test-" }));
  try {
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "-A", "--no-prompt", "--no-check", "--no-lock"],
        ...[`--config=${new URL("../deno.json", import.meta.url).pathname}`, import.meta.url],
        JSON.stringify(race),
      ],
      cwd: before,
      signal: AbortSignal.timeout(RACE_TIMEOUT_MS),
    }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
    return { ...JSON.parse(new TextDecoder().decode(stdout)), before };
  } finally {
    Deno.removeSync(before);
  }
}

const RACE_TIMEOUT_MS = 60_000;

if (import.meta.main) {
  const { dir, path, at, moved, to }: RacingWrite = JSON.parse(Deno.args[0]!);
  let calls = 0;
  const swap = () => {
    if (++calls !== at) return;
    Deno.renameSync(moved, `${moved}-old`);
    Deno.symlinkSync(to, moved);
  };
  const { refusal } = await toolBox({ dir } as TestPlace, { afterCheck: swap, workIn });
  const why = await refusal("Write", { file_path: path, content: "x" });
  console.log(JSON.stringify({ why, cwd: Deno.cwd() } satisfies RacingEnd));
}
