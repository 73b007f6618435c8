/** Size of the executable, beside that of a bare Hono server. */
import { bareHono, executable } from "./programs.ts";
import type { Group } from "./table.ts";

const SIZE = "size of the executable";

export const size: Group = {
  name: "size",
  rows: [SIZE],
  async measure() {
    const path = executable();
    if (!path) return [];
    const bare = await bareHono();
    const limit = bare && await sizeMb(bare[0]);
    return [{ name: SIZE, unit: "MB", values: [await sizeMb(path)], goal: 110, limit }];
  },
};

const sizeMb = async (path: string): Promise<number> => (await Deno.stat(path)).size / 1e6;
