/**
 * `deno task bench`: a table of speeds and sizes, each beside its goal. `--json FILE` writes the rows too,
 * `--only PATTERN` measures those whose group matches. A goal that is missed is shown, and is no failure:
 * the machine may be busy.
 */
import { parseArgs } from "node:util";
import { measureAgentRun } from "./agent_run.ts";
import { measureExecutable } from "./executable.ts";
import { measurePages } from "./pages.ts";
import { type Measured, printTable, rowOf } from "./table.ts";

const groups: Record<string, () => Promise<Measured[]>> = {
  executable: measureExecutable,
  pages: measurePages,
  agent_run: measureAgentRun,
};

const { values } = parseArgs({
  args: Deno.args,
  options: { json: { type: "string" }, only: { type: "string" } },
});
const only = values.only ? new RegExp(values.only) : null;
const measured: Measured[] = [];
for (const [name, measure] of Object.entries(groups)) {
  if (!only || only.test(name)) measured.push(...await measure());
}
const rows = measured.map(rowOf);
printTable(rows);
if (values.json) await Deno.writeTextFile(values.json, JSON.stringify(rows, null, 2) + "\n");
