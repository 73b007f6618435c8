/** How much chaos: a little with every test run, always the same; much, and new each time, with `deno task chaos`. */

export interface Length {
  seed: number;
  kills: number;
  isLong: boolean;
}

/** The compiled program is what people run; with every test run the sources are killed a few times only. */
const KILLS = { sources: 6, executable: 15, long: 200 };

/** GAFFER_CHAOS_KILLS and GAFFER_CHAOS_SEED have the last word, so that a run can be repeated. */
export function readLength(): Length {
  const isLong = Deno.args.includes("long");
  const number = (name: string, usual: number) => Number(Deno.env.get(name) || usual);
  const short = Deno.env.get("GAFFER_EXECUTABLE") ? KILLS.executable : KILLS.sources;
  return {
    seed: number("GAFFER_CHAOS_SEED", isLong ? Date.now() % 1_000_000 : 1),
    kills: number("GAFFER_CHAOS_KILLS", isLong ? KILLS.long : short),
    isLong,
  };
}
