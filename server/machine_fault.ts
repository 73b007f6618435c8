/**
 * What the machine under Gaffer lacks when something fails: room on the disk, the right to write, files to
 * open. It is no fault of the work that failed, so the work waits and is tried again when the cause is gone.
 */
import { AppError, messageOf } from "./errors.ts";

export type MachineFault =
  | "disk_full"
  | "read_only"
  | "disk_error"
  | "damaged"
  | "locked"
  | "out_of_files";

/**
 * What is the matter, and what a person can do; `atStart`: where Gaffer has not begun to serve, and so can't go on by
 * itself. All stand in sentences of their own.
 */
export const machineFaults: Record<
  MachineFault,
  { what: string; mend: string; atStart?: string }
> = {
  disk_full: {
    what: "the disk with the data folder is full",
    atStart: "Free some space on it, then start Gaffer again",
    mend: "Free some space on it; Gaffer then goes on by itself",
  },
  read_only: {
    what: "the data folder can't be written",
    atStart: "Make it writable again, then start Gaffer again",
    mend: "Make it writable again; Gaffer then goes on by itself",
  },
  disk_error: {
    what: "the disk with the data folder fails",
    atStart: "Look at the disk and at the system's log; once it works again, start Gaffer again",
    mend: "Look at the disk and at the system's log; once it works again, Gaffer goes on by itself",
  },
  damaged: {
    what: "the database is damaged",
    mend: "Stop Gaffer and restore a backup: gaffer restore FILE",
  },
  locked: {
    what: "another program holds the database",
    atStart: "Close it, then start Gaffer again",
    mend: "Close it; Gaffer then goes on by itself",
  },
  out_of_files: {
    what: "Gaffer has as many files and connections open as the system lets it",
    mend:
      "Raise the limit (ulimit -n, or LimitNOFILE of its service) and start it again, or wait " +
      "until some are closed",
  },
};

/** SQLite's and git's errors, and those that cross a thread or a process, carry nothing but their text. */
const patterns: [MachineFault, RegExp][] = [
  ["disk_full", /database or disk is full|no space left on device|disk quota exceeded/i],
  ["out_of_files", /too many open files/i],
  ["read_only", /attempt to write a readonly database|read-only file system/i],
  // The last: what a full-text index is made of can't be read.
  [
    "damaged",
    /database disk image is malformed|malformed database schema|file is not a database|vtable constructor failed/i,
  ],
  ["locked", /database (table )?is locked/i],
  ["disk_error", /disk i\/o error|input\/output error|unable to open database file/i],
];

/** How deep the causes of an error are looked through. */
const MAX_CAUSES = 5;

/**
 * What the machine lacks by the text of an error or of one of its causes; null: it is about something else.
 * A refusal of our own may quote anything, so of that only the cause counts.
 */
export function machineFaultOf(error: unknown): MachineFault | null {
  for (let cause = error, depth = 0; cause !== undefined && depth < MAX_CAUSES; depth++) {
    if (cause instanceof Unavailable) return cause.fault;
    const known = cause instanceof AppError ? null : machineFaultIn(messageOf(cause));
    if (known) return known;
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return null;
}

/** As `machineFaultOf`, of what a program printed; also in the words that Gaffer has for it. */
export const machineFaultIn = (text: string): MachineFault | null =>
  patterns.find(([fault, pattern]) =>
    pattern.test(text) || text.includes(machineFaults[fault].what)
  )
    ?.[0] ?? null;

/** The refusal that says so. Nothing was changed, and the same may be asked again later. */
export class Unavailable extends AppError {
  override name = "Unavailable";
  /** `doing` completes "Cannot …". `when` it happened says who has to try it again. */
  constructor(
    readonly fault: MachineFault,
    doing: string,
    cause?: unknown,
    when: "serving" | "starting" = "serving",
  ) {
    const { what, mend, atStart = mend } = machineFaults[fault];
    const words = `${what}. ${when === "starting" ? atStart : mend}`;
    super("unavailable", `Cannot ${doing}: ${words}`, [], { cause });
  }
}
