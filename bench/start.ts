/** From the start of the program to its first page, beside a bare Hono server. */
import { join } from "node:path";
import { tempDir } from "../tests/gaffer.ts";
import { bareHono, gafferOn, type Program, serve } from "./programs.ts";
import { type Group, quantile } from "./table.ts";

const STARTS = 15;
const FIRST_STARTS = 3;
const START = "start to first answer";
const FIRST_START = "very first start to first answer";

export const start: Group = {
  name: "start",
  rows: [START, FIRST_START],
  async measure() {
    await using temp = await tempDir("gaffer-bench-");
    const gaffer = gafferOn(join(temp.path, "data"));
    const bare = await bareHono();
    // The first start makes the database, and the cache of compiled code.
    for (const program of [gaffer, ...bare ? [bare] : []]) await timeOf(program, temp.path);
    const times: number[] = [];
    const bareTimes: number[] = [];
    for (let n = 0; n < STARTS; n++) {
      times.push(await timeOf(gaffer, temp.path));
      if (bare) bareTimes.push(await timeOf(bare, temp.path));
    }
    const firstTimes: number[] = [];
    for (let n = 0; n < FIRST_STARTS; n++) {
      await using fresh = await tempDir("gaffer-bench-");
      firstTimes.push(await timeOf(gafferOn(join(fresh.path, "data")), fresh.path));
    }
    const limit = bare ? quantile(bareTimes, 0.5) : null;
    return [
      { name: START, unit: "ms", values: times, goal: 120, limit },
      { name: FIRST_START, unit: "ms", values: firstTimes },
    ];
  },
};

async function timeOf(program: Program, tempDir: string): Promise<number> {
  await using served = await serve(program, tempDir);
  return served.firstAnswerMs;
}
