/**
 * `deno task bench`: a table of speeds and sizes, each beside its goal. `--json FILE` writes the rows too,
 * `--only PATTERN` measures those whose row or group it matches. A goal that is missed is shown, and is no
 * failure: the machine may be busy.
 */
import { parseArgs } from "node:util";
import { agentRun } from "./agent_run.ts";
import { diffPage } from "./diff_page.ts";
import { documents } from "./documents.ts";
import { durableSteps } from "./durable_steps.ts";
import { hundredRuns } from "./hundred_runs.ts";
import { memory } from "./memory.ts";
import { modelSide } from "./model_side.ts";
import { pages } from "./pages.ts";
import { describeProgram, useExecutable } from "./programs.ts";
import { queue } from "./queue.ts";
import { size } from "./size.ts";
import { start } from "./start.ts";
import { type Row, rowOf, tableOf } from "./table.ts";
import { toReview } from "./to_review.ts";
import { worktrees } from "./worktrees.ts";

const groups = [
  ...[start, memory, size, pages, diffPage, documents, worktrees, toReview],
  ...[agentRun, modelSide, hundredRuns, queue, durableSteps],
];

const { values } = parseArgs({
  args: Deno.args,
  options: { json: { type: "string" }, only: { type: "string" } },
});
const only = new RegExp(values.only ?? "", "i");

await useExecutable();
console.log(`Measured: ${describeProgram()}\n`);
const rows: Row[] = [];
for (const { name, rows: names, measure } of groups) {
  if (![name, ...names].some((text) => only.test(text))) continue;
  const measured = (await measure()).map(rowOf);
  rows.push(...measured.filter((row) => only.test(name) || only.test(row.name)));
}
console.log(tableOf(rows));
if (values.json) await Deno.writeTextFile(values.json, JSON.stringify(rows, null, 2) + "\n");
