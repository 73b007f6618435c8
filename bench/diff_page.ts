/**
 * How long the page of a review takes on the server, and how large it is, by changed lines. "first" is the first of
 * the process, "unread" a diff that was not read before; the others are of one that was.
 */
import { join } from "node:path";
import { startGaffer, tempDir } from "../tests/gaffer.ts";
import { TestRepo } from "../tests/git_support.ts";
import { seedReview } from "./seed.ts";
import { timesOf } from "./pages.ts";
import { type Group, type Measured, quantile } from "./table.ts";

/** Changed lines, and the most milliseconds of one answer in twenty. */
const SIZES = [[1_000, 30], [3_000, 60], [10_000, 150]] as const;
const LINES_PER_FILE = 100;
const WARM_UP = 10;
const ROUNDS = 5;
const REQUESTS = 40;

const name = (lines: number) => `diff of ${lines} lines`;

export const diffPage: Group = {
  name: "diff page",
  rows: SIZES.flatMap(([lines]) =>
    ["first", "unread", "p50", "p95", "bytes", "elements"].map((what) => `${name(lines)}, ${what}`)
  ),
  async measure() {
    const rows: Measured[] = [];
    for (const [lines, goal] of SIZES) {
      await using data = await tempDir("gaffer-bench-");
      await using repo = await TestRepo.make(filesOf(lines, false));
      const base = await repo.git("rev-parse", "HEAD");
      const head = await repo.commit("Change", filesOf(lines, true));
      const { ticketId } = seedReview(join(data.path, "gaffer.db"), repo.dir, { base, head });
      await using gaffer = await startGaffer({ dataDir: data.path });
      const url = `${gaffer.url}/tickets/${ticketId}/review`;
      const [first] = await timesOf(url, 1);
      // Another diff of the same size, which nobody has read yet: what is kept of diffs does not help it.
      const [unread] = await timesOf(`${url}?space=hide`, 1);
      await timesOf(url, WARM_UP);
      const [p50, p95]: [number[], number[]] = [[], []];
      for (let round = 0; round < ROUNDS; round++) {
        const times = await timesOf(url, REQUESTS);
        p50.push(quantile(times, 0.5));
        p95.push(quantile(times, 0.95));
      }
      const html = await (await fetch(url)).text();
      rows.push(
        { name: `${name(lines)}, first`, unit: "ms", values: [first!] },
        { name: `${name(lines)}, unread`, unit: "ms", values: [unread!] },
        { name: `${name(lines)}, p50`, unit: "ms", values: p50 },
        { name: `${name(lines)}, p95`, unit: "ms", values: p95, goal },
        { name: `${name(lines)}, bytes`, unit: "KB", values: [new Blob([html]).size / 1_000] },
        {
          name: `${name(lines)}, elements`,
          unit: "",
          values: [html.match(/<[a-z]/g)?.length ?? 0],
        },
      );
    }
    return rows;
  },
};

/** TypeScript in files of a hundred lines; every second line is changed: it goes, and another comes. */
function filesOf(changed: number, after: boolean): Record<string, string> {
  const files: Record<string, string> = {};
  for (let n = 0; n < changed / LINES_PER_FILE; n++) {
    const lines = Array.from(
      { length: LINES_PER_FILE },
      (_, i) =>
        i % 2 === 1
          ? `  // step ${i} of part ${n}, which stays as it is`
          : `  const value${i} = compute(${i}, "${after ? "after" : "before"}"); // as asked for`,
    );
    files[`src/part_${n}.ts`] = `export function part${n}() {\n${lines.join("\n")}\n}\n`;
  }
  return files;
}
