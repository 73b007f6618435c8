/** Memory of a server that has answered one page and now waits, beside a bare Hono server. */
import { join } from "node:path";
import { tempDir } from "../tests/gaffer.ts";
import { bareHono, gafferOn, type Memory, memoryOf, type Program, serve } from "./programs.ts";
import { type Group, quantile } from "./table.ts";

const STARTS = 3;
/** The agents' confinement has been proven by then, and what that took has been given back. */
const SETTLE_MS = 10_000;
const RSS = "memory at rest, RSS";
const PSS = "memory at rest, PSS";
const GOAL_MB = 100;

export const memory: Group = {
  name: "memory",
  rows: [RSS, PSS],
  async measure() {
    await using temp = await tempDir("gaffer-bench-");
    const gaffer = gafferOn(join(temp.path, "data"));
    const bare = await bareHono();
    await atRest(gaffer, temp.path, 0); // makes the database, and the cache of compiled code
    const ours: Memory[] = [];
    const theirs: Memory[] = [];
    for (let n = 0; n < STARTS; n++) {
      ours.push(await atRest(gaffer, temp.path));
      if (bare) theirs.push(await atRest(bare, temp.path));
    }
    const row = (name: string, of: (memory: Memory) => number) => ({
      name,
      unit: "MB",
      values: ours.map(of),
      goal: GOAL_MB,
      limit: bare ? quantile(theirs.map(of), 0.5) : null,
    });
    return [row(RSS, (memory) => memory.rssMb), row(PSS, (memory) => memory.pssMb)];
  },
};

async function atRest(program: Program, tempDir: string, settleMs = SETTLE_MS): Promise<Memory> {
  await using served = await serve(program, tempDir);
  await new Promise((resolve) => setTimeout(resolve, settleMs));
  const memory = await memoryOf(served.pid);
  if (!memory) throw new Error(`${program[0]} ended by itself`);
  return memory;
}
