/** Entry of the thread that makes one copy of the database, so that the server goes on meanwhile. */
/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />
import { COPYING, type CopyOrder, type CopyResult } from "./backup_copy.ts";
import { copyDatabase, findDamage } from "./database_file.ts";

self.onmessage = ({ data: { from, to, stage } }: MessageEvent<CopyOrder>) => {
  if (Atomics.compareExchange(stage, 0, 0, COPYING) !== 0) return;
  let result: CopyResult;
  try {
    copyDatabase(from, to);
    result = { damage: findDamage(to, "full") };
  } catch (error) {
    result = { error: error instanceof Error ? error.message : String(error) };
  }
  self.postMessage(result);
};
