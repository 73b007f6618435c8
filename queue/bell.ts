/**
 * How a committed change wakes the runner. A `Tx` knows its database but no hub, so the runner says which
 * hub rings for its database.
 */
import type { Db, Tx } from "../server/db.ts";
import type { Hub } from "../server/hub.ts";

const hubs = new WeakMap<Db, Hub>();

/** From now on changes of the jobs in `db` are told to `hub`. */
export function ringOn(db: Db, hub: Hub): void {
  hubs.set(db, hub);
}

/** Tells whoever runs jobs to look again, once `tx` has committed. */
export function ring(tx: Tx): void {
  tx.afterCommit(() => hubs.get(tx.db)?.publish({ kind: "jobs" }));
}
