/** How much chaos: a little with every test run, always the same; much, and new each time, with `deno task chaos`. */

export interface Length {
  seed: number;
  kills: number;
  isLong: boolean;
}

const KILLS = { short: 15, long: 200 };

/** GAFFER_CHAOS_KILLS and GAFFER_CHAOS_SEED have the last word, so that a run can be repeated. */
export function readLength(): Length {
  const isLong = Deno.args.includes("long");
  const number = (name: string, usual: number) => Number(Deno.env.get(name) || usual);
  return {
    seed: number("GAFFER_CHAOS_SEED", isLong ? Date.now() % 1_000_000 : 1),
    kills: number("GAFFER_CHAOS_KILLS", isLong ? KILLS.long : KILLS.short),
    isLong,
  };
}
