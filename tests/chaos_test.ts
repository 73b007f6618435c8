/**
 * Servers killed at random instants, with a Claude that does wrong what it can: no accepted request, answer, job,
 * turn or edit is lost, none is done twice. `deno task chaos` is the long run, of dist/gaffer; GAFFER_CHAOS_KILLS
 * and GAFFER_CHAOS_SEED set its length and repeat it.
 */
import { ok } from "node:assert";
import { runChaos, runFullDisk } from "./chaos/chaos.ts";
import type { Figures } from "./chaos/figures.ts";
import { readLength } from "./chaos/length.ts";
import { findProgram } from "./chaos/program.ts";
import { SmallDisk } from "./chaos/small_disk.ts";

const { seed, kills, isLong } = readLength();
const program = await findProgram(isLong);
const usual = { seed, program, restMs: 90_000 };
/** Room for the database and its log, worktrees and backups of a few tickets. */
const DISK_MB = 32;

const settings = `GAFFER_CHAOS_SEED=${seed} GAFFER_CHAOS_KILLS=${kills}`;
console.log(`${settings}, killing ${program.what}`);

function report(figures: Figures): void {
  console.log(JSON.stringify(figures));
  ok(figures.accepted > 0 && figures.turns > 0);
}

Deno.test(`chaos: nothing is lost or done twice over ${kills} kills`, async () => {
  report(await runChaos({ ...usual, kills, ideas: 3 }));
});

Deno.test("chaos: nothing is lost or done twice on a disk that fills up", async () => {
  await using disk = await SmallDisk.make(DISK_MB);
  if (!disk) return console.log("No disk can be mounted here: what a full one does is not tested");
  report(await runFullDisk({ ...usual, fills: Math.ceil(kills / 8), ideas: 0, disk }));
});
