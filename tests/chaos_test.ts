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
/** Kills of servers whose person is asked for each command; a long run's own. */
const asked = isLong ? Math.floor(kills / 5) : 0;
/** Room for the database and its log, worktrees and backups of a few tickets. */
const DISK_MB = 32;
/** Longer than most of what is tried again is tried. */
const lastFillMs = 20_000;

const settings = `GAFFER_CHAOS_SEED=${seed} GAFFER_CHAOS_KILLS=${kills}`;
console.log(`${settings}, killing ${program.what}`);

function report(figures: Figures): void {
  console.log(JSON.stringify(figures));
  ok(figures.accepted > 0 && figures.turns > 0);
}

Deno.test(`chaos: nothing is lost or done twice over ${kills - asked} kills`, async () => {
  report(await runChaos({ ...usual, kills: kills - asked, ideas: 3 }));
});

if (asked > 0) {
  Deno.test(`chaos: nor over ${asked} kills while a person has to allow commands`, async () => {
    report(await runChaos({ ...usual, kills: asked, ideas: 3, asks: true }));
  });
}

Deno.test("chaos: nothing is lost or done twice on a disk that fills up", async () => {
  await using disk = await SmallDisk.make(DISK_MB);
  if (!disk) return console.log("No disk can be mounted here: what a full one does is not tested");
  // Every other time the server is killed meanwhile.
  const fills = Math.max(2, Math.ceil(kills / 8));
  report(await runFullDisk({ ...usual, fills, ideas: 0, disk, ...(isLong && { lastFillMs }) }));
});
