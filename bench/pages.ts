/** How long Home, Ideas and a Ticket take with 1,000 ideas and 1,000 tickets in the database. */
import { startGaffer, tempDir } from "../tests/gaffer.ts";
import { seed } from "./seed.ts";
import { type Group, type Measured, quantile } from "./table.ts";

const THINGS = 1_000;
const WARM_UP = 30;
/** Each round gives one p50 and one p95. */
const ROUNDS = 5;
const REQUESTS = 100;
const GOAL_P95_MS = 20;
const names = ["Home", "Ideas", "Ticket"] as const;

export const pages: Group = {
  name: "pages",
  rows: names.flatMap((name) => [`${name}, p50`, `${name}, p95`]),
  async measure() {
    await using data = await tempDir("gaffer-bench-");
    const { ticketId } = seed(`${data.path}/gaffer.db`, THINGS);
    await using gaffer = await startGaffer({ dataDir: data.path });
    const paths = { Home: "/", Ideas: "/ideas", Ticket: `/tickets/${ticketId}` };
    const rows: Measured[] = [];
    for (const name of names) {
      const url = gaffer.url + paths[name];
      await timesOf(url, WARM_UP);
      const p50: number[] = [];
      const p95: number[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        const times = await timesOf(url, REQUESTS);
        p50.push(quantile(times, 0.5));
        p95.push(quantile(times, 0.95));
      }
      rows.push(
        { name: `${name}, p50`, unit: "ms", values: p50 },
        { name: `${name}, p95`, unit: "ms", values: p95, goal: GOAL_P95_MS },
      );
    }
    return rows;
  },
};

/** Milliseconds of each of `count` requests, one after the other. */
export async function timesOf(url: string, count: number): Promise<number[]> {
  const times: number[] = [];
  for (let n = 0; n < count; n++) {
    const begin = performance.now();
    const response = await fetch(url);
    await response.text();
    times.push(performance.now() - begin);
    if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  }
  return times;
}
