/** What every page needs to know beside its own data; the routes fill it once per request. */
import type { MachineFault } from "../server/machine_fault.ts";
import type { Beside } from "./beside.tsx";
import type { FailureReason } from "../server/states.ts";

export interface Shell {
  /** The one clock's time, for "3 min ago". */
  nowMs: number;
  /** Address of a file in static/, with its content's hash: `asset("app.css")`. */
  asset: (path: string) => string;
  /** No key is set: the demo model answers. */
  demo: boolean;
  /** The address that it listens on, where others than this machine reach it; null: only this one does. */
  exposedAt: string | null;
  /** Set while nothing can be saved: since when, and what the machine lacks. */
  storage: { kind: MachineFault; since: string } | null;
  /** Set while no run starts until a person resumes the agents. */
  held: { reason: FailureReason; message: string } | null;
  /** Limits on spending of whose window so many percent are used, until a person has seen it. */
  alerts: { id: string; threshold: number; limit: string; parts: string }[];
  /** Queues that begin nothing new until a person resumes them. */
  paused: { queue: string; by: string }[];
  /** Set when the canary found a hole in the confinement: no agent runs, and this says why. */
  refused: string | null;
  /** How commands and tools are confined: in a sandbox, or only in a process of their own. */
  confinement: { kind: "bubblewrap" | "process"; hint: string };
  /** Active projects, for the switch. */
  projects: { id: string; name: string }[];
  /** The project that the page is narrowed to. */
  projectId: string | null;
  /** What waits for a person: in all, and by page. */
  counts: { needs: number; ideas: number; development: number; planning?: number };
  /** What the last action did; shown once. */
  flash: Flash | null;
  /** Of an item's page: the list that the person came from. Absent: from none. */
  beside?: Beside | null;
}

export interface Flash {
  /** One sentence: "Idea #12 rejected". */
  text: string;
  tone: "done" | "failed";
  /** Takes it back: posted without fields. */
  undo?: { action: string; label: string };
  /** Id of the part of the page that it is about: takes the focus. */
  at?: string;
}

/** Where a page stands in the navigation. */
export type NavName =
  | "home"
  | "ideas"
  | "development"
  | "planning"
  | "runs"
  | "agents"
  | "jobs"
  | "usage"
  | "projects"
  | "settings";

/**
 * Scripts that the server joins, in this order, into `asset("app.js")`. One request, and one script: htmx
 * starts on a timer, so an extension in a file of its own would now and then come too late for it.
 */
export const appScripts: readonly string[] = [
  "htmx.js",
  "hx-sse.js",
  "focus.js",
  "history.js",
  "connection.js",
  "time.js",
  "follow.js",
  "wrap.js",
  "toast.js",
  "controls.js",
  "keys.js",
  "moves.js",
  "picks.js",
  "review.js",
  "editor.js",
  "writing.js",
  "upload.js",
  "colours.js",
  "selection.js",
  "drag.js",
  "sheet.js",
  "menus.js",
  "tree.js",
  "palette.js",
];
