/** Whether what is written can be kept: found out when it could not, until it can again. */
import { SECOND_MS, timeText } from "./clock.ts";
import type { Config } from "./config.ts";
import { type StorageFault, type Transactor, tryToWrite } from "./db.ts";
import { hasRoom, tryToMakeFile } from "./disk.ts";
import { messageOf } from "./errors.ts";
import type { Log } from "./log.ts";
import { type MachineFault, machineFaultOf } from "./machine_fault.ts";
import type { Cancel, Timers } from "./timers.ts";

export interface Storing extends Transactor {
  config: Pick<Config, "dataDir">;
  log: Log;
}

/** How often a disk that took nothing is asked again, and how soon a client may ask. */
export const RETRY_EVERY_MS = 2 * SECOND_MS;
export const RETRY_AFTER_SECONDS = 5;

/**
 * Once a write has failed, tries until one succeeds; then tells the pages, and the queue that waited.
 * Everything in between is refused as `unavailable` by `transact`, one write at a time.
 */
export function watchStorage(app: Storing, timers: Timers): Cancel {
  let cancel: Cancel | null = null;
  const again = () => void (cancel = timers.after(RETRY_EVERY_MS, retry));
  const retry = () => {
    // A write that succeeds next to the damage proves nothing: a person has to restore a backup.
    if (app.db.fault?.kind === "damaged" || findStorageFault(app) !== null) return again();
    cancel = null;
    app.log.info("what is written is kept again", {});
    app.db.fault = null;
    app.hub.publish({ kind: "storage" });
    app.hub.publish({ kind: "jobs" });
  };
  const unsubscribe = app.hub.subscribe((message) => {
    const { fault } = app.db;
    if (message.kind !== "storage" || fault === null || cancel !== null) return;
    fault.kind = exactly(fault.kind, app.config.dataDir);
    app.log.error("nothing can be saved", { fault: fault.kind });
    again();
  });
  return () => {
    unsubscribe();
    cancel?.();
  };
}

/** Tries it for real: there must be room, and a write must succeed. Null: nothing is wrong. */
export function findStorageFault(app: Storing): StorageFault | null {
  const since = app.db.fault?.since ?? timeText(app.clock.nowMs());
  if (!hasRoom(app.config.dataDir)) return { kind: "disk_full", since };
  try {
    tryToWrite(app);
    return null;
  } catch (error) {
    return { kind: faultOf(error, app), since };
  }
}

function faultOf(error: unknown, { log }: Storing): MachineFault {
  const known = machineFaultOf(error);
  if (known === null) log.error("a write failed for another reason", { error: messageOf(error) });
  return known ?? "disk_error";
}

/** To SQLite a full, a read-only and a broken disk may be one and the same error; the system knows more. */
function exactly(kind: MachineFault, folder: string): MachineFault {
  if (kind !== "disk_error") return kind;
  return hasRoom(folder) ? machineFaultOf(tryToMakeFile(folder)) ?? kind : "disk_full";
}
