/** What the calls of a run have brought into it or let out of it. */
import { type ToolTag, toolTags } from "../../agents/protocol.ts";
import type { Db, Tx } from "../db.ts";

export function addRunTags(tx: Tx, runId: string, tags: readonly ToolTag[]): void {
  for (const tag of tags) {
    tx.db.prepare("INSERT OR IGNORE INTO run_tags (run_id, tag) VALUES (:runId, :tag)")
      .run({ runId, tag });
  }
}

/** In the order of `toolTags`. */
export function listRunTags(db: Db, runId: string): ToolTag[] {
  const rows = db.prepare("SELECT tag FROM run_tags WHERE run_id = :runId").all({ runId });
  const had = new Set(rows.map(({ tag }) => tag));
  return toolTags.filter((tag) => had.has(tag));
}
