/**
 * An agent's memory as values: markdown texts by path, and what the memory tool does to them. Nothing here touches a
 * disk; what a command leads to is the same as long as the notes are.
 */
import { createHash } from "node:crypto";
import { ToolError } from "../tools/tool.ts";

/** Most that one memory holds. All of it is meant to be read at a run's start. */
export const memoryLimits = {
  notes: 40,
  noteBytes: 16 * 1024,
  totalBytes: 128 * 1024,
  /** Folders above a note, and the note itself. */
  depth: 3,
  /** Of a whole path. */
  pathChars: 120,
} as const;

/** Texts by path relative to the memory, such as `checks.md`. */
export type Notes = ReadonlyMap<string, string>;

/** What the model asks for; which fields a command needs is checked here. */
export interface MemoryCommand {
  command: "view" | "create" | "str_replace" | "insert" | "delete" | "rename";
  path?: string;
  view_range?: number[];
  file_text?: string;
  old_str?: string;
  new_str?: string;
  insert_line?: number;
  insert_text?: string;
  old_path?: string;
  new_path?: string;
}

export type Step =
  | { type: "write"; path: string; text: string }
  | { type: "remove"; path: string }
  | { type: "move"; from: string; to: string };

/** What a command will do to notes as they are. */
export interface Change {
  /** Each can be done again without harm. */
  steps: Step[];
  /** Text for the model. */
  content: string;
}

/** How a memory is called in the tool, as models know it. */
const ROOT = "/memories";

/** Works out a change. Throws `ToolError` with what to do instead. */
export function changeOf(notes: Notes, command: MemoryCommand): Change {
  const change = changes[command.command as keyof typeof changes];
  const planned = change(notes, command);
  checkLimits(notes, after(notes, planned.steps));
  return planned;
}

const changes = {
  create(notes: Notes, command: MemoryCommand): Change {
    const path = notePath(need(command, "path"));
    if (notes.has(path)) {
      throw refuse(
        `make ${shown(path)}`,
        "it is there already. Use str_replace or insert, or delete it first",
      );
    }
    const text = endedWithNewline(need(command, "file_text"));
    return {
      steps: [{ type: "write", path, text }],
      content: `File created successfully at: ${shown(path)}`,
    };
  },

  str_replace(notes: Notes, command: MemoryCommand): Change {
    const path = notePath(need(command, "path"));
    const text = textAt(notes, path, "edit");
    const old = need(command, "old_str");
    const { new_str = "" } = command;
    if (old === "") throw refuse(`edit ${shown(path)}`, "old_str is empty. Use insert to add text");
    const parts = text.split(old);
    if (parts.length === 1) {
      throw refuse(
        `edit ${shown(path)}`,
        "old_str is not in it. View it: the text must match exactly, without the line numbers",
      );
    }
    if (parts.length > 2) {
      throw refuse(
        `edit ${shown(path)}`,
        `old_str occurs ${parts.length - 1} times. Add neighbouring lines to make it unique`,
      );
    }
    return {
      steps: [{ type: "write", path, text: endedWithNewline(parts.join(new_str)) }],
      content: `The memory file ${shown(path)} has been edited.`,
    };
  },

  insert(notes: Notes, command: MemoryCommand): Change {
    const path = notePath(need(command, "path"));
    const text = textAt(notes, path, "edit");
    const line = need(command, "insert_line");
    const lines = linesOf(text);
    if (line > lines.length) {
      throw refuse(
        `edit ${shown(path)}`,
        `insert_line is ${line}, and it has ${lines.length} lines. 0 puts the text before the first`,
      );
    }
    const added = linesOf(need(command, "insert_text"));
    const all = lines.toSpliced(line, 0, ...added);
    return {
      steps: [{ type: "write", path, text: endedWithNewline(all.join("\n")) }],
      content: `The memory file ${shown(path)} has been edited.`,
    };
  },

  delete(notes: Notes, command: MemoryCommand): Change {
    const path = anyPath(need(command, "path"));
    if (path === "") throw refuse(`delete ${ROOT}`, "name a file or folder in it");
    const gone = within(notes, path);
    if (gone.length === 0) throw missing("delete", path);
    return {
      steps: gone.map((path) => ({ type: "remove", path })),
      content: `Successfully deleted ${shown(path)}`,
    };
  },

  rename(notes: Notes, command: MemoryCommand): Change {
    const from = anyPath(need(command, "old_path"));
    const isNote = notes.has(from);
    const to = isNote ? notePath(need(command, "new_path")) : anyPath(need(command, "new_path"));
    const doing = `rename ${shown(from)}`;
    if (from === "" || to === "") throw refuse(doing, `${ROOT} itself stays where it is`);
    const steps = moves(notes, from, to);
    if (steps.length === 0) throw missing("rename", from);
    if (to === from || to.startsWith(`${from}/`)) throw refuse(doing, "the new path is inside it");
    const taken = within(notes, to).length > 0 ? to : steps.find((step) => notes.has(step.to))?.to;
    if (taken !== undefined) {
      throw refuse(
        doing,
        `${shown(taken)} is there already. Delete it first, or take another name`,
      );
    }
    return { steps, content: `Successfully renamed ${shown(from)} to ${shown(to)}` };
  },
};

/**
 * What is left of a change that a crash cut off between its steps: only a folder's have more than one. Null: it is
 * one that is done whole or not at all.
 */
export function restOf(notes: Notes, command: MemoryCommand): Step[] | null {
  if (command.command === "delete") {
    return within(notes, anyPath(command.path ?? "")).map((path) => ({ type: "remove", path }));
  }
  if (command.command !== "rename") return null;
  return moves(notes, anyPath(command.old_path ?? ""), anyPath(command.new_path ?? ""))
    .filter(({ to }) => !notes.has(to));
}

const moves = (notes: Notes, from: string, to: string) =>
  within(notes, from).map((path) => ({
    type: "move" as const,
    from: path,
    to: to + path.slice(from.length),
  }));

/** What a look shows: a folder's notes with their sizes, or a note's lines. Throws `ToolError`. */
export function viewOf(notes: Notes, command: MemoryCommand): string {
  const path = anyPath(command.path ?? "");
  const text = notes.get(path);
  if (text !== undefined) {
    const lines = linesOf(text);
    const [from = 1, last = -1] = command.view_range ?? [];
    const first = Math.max(1, from);
    if (first > lines.length && lines.length > 0) {
      throw refuse(`view ${shown(path)}`, `it has only ${lines.length} lines`);
    }
    const end = last === -1 ? lines.length : last;
    const part = lines.slice(first - 1, end)
      .map((line, index) => `${String(first + index).padStart(6)}\t${line}`);
    return [`Here's the content of ${shown(path)} with line numbers:`, ...part].join("\n");
  }
  const found = within(notes, path);
  if (found.length === 0 && path !== "") throw missing("view", path);
  if (found.length === 0) return `${ROOT} is empty.`;
  const rows = found.map((note) => `${bytesOf(notes.get(note)!)}\t${shown(note)}`);
  return [`Here are the files in ${shown(path)}, with their size in bytes:`, ...rows].join("\n");
}

/** What the paths that a command names hold: before it and after it, to tell after a crash how far it came. */
export function stateOf(notes: Notes, command: MemoryCommand): string {
  const named = [command.path, command.old_path, command.new_path]
    .filter((path) => path !== undefined).map(anyPath);
  const state = [...notes].filter(([path]) =>
    named.some((one) => path === one || path.startsWith(`${one}/`))
  ).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return createHash("sha256").update(JSON.stringify(state)).digest("hex");
}

/** The notes when the steps are done. */
export function after(notes: Notes, steps: readonly Step[]): Notes {
  const next = new Map(notes);
  for (const step of steps) {
    if (step.type === "write") next.set(step.path, step.text);
    if (step.type === "remove") next.delete(step.path);
    if (step.type === "move" && next.has(step.from)) {
      next.set(step.to, next.get(step.from)!);
      next.delete(step.from);
    }
  }
  return next;
}

/** What differs, by path; null: no such note. */
export function differences(
  before: Notes,
  now: Notes,
): { path: string; before: string | null; after: string | null }[] {
  return [...new Set([...before.keys(), ...now.keys()])].toSorted()
    .map((path) => ({ path, before: before.get(path) ?? null, after: now.get(path) ?? null }))
    .filter(({ before, after }) => before !== after);
}

/** Throws `ToolError` when a change makes the memory larger than it may be; what is too large already may shrink. */
export function checkLimits(before: Notes, now: Notes): void {
  for (const [path, text] of now) {
    const bytes = bytesOf(text);
    if (bytes > memoryLimits.noteBytes && text !== before.get(path)) {
      throw refuse(
        `keep ${shown(path)}`,
        `it would have ${bytes} bytes, and a note has at most ${memoryLimits.noteBytes}. Keep what a ` +
          "later run needs, and leave out the rest",
      );
    }
    for (const other of now.keys()) {
      if (other !== path && other.toLowerCase() === path.toLowerCase()) {
        throw refuse(`keep ${shown(path)}`, `${shown(other)} differs from it only in case`);
      }
      if (other.startsWith(`${path}/`)) {
        throw refuse(`keep ${shown(other)}`, `${shown(path)} is a file, not a folder`);
      }
    }
  }
  if (now.size > memoryLimits.notes && now.size > before.size) {
    throw refuse(
      "keep one more note",
      `there are ${memoryLimits.notes}, which is the most. Join or delete some`,
    );
  }
  const total = totalBytes(now);
  if (total > memoryLimits.totalBytes && total > totalBytes(before)) {
    throw refuse(
      "keep that",
      `the memory would have ${total} bytes, and holds at most ${memoryLimits.totalBytes}. Delete ` +
        "what is out of date",
    );
  }
}

const encoder = new TextEncoder();
export const bytesOf = (text: string): number => encoder.encode(text).length;
export const totalBytes = (notes: Notes): number =>
  [...notes.values()].reduce((sum, text) => sum + bytesOf(text), 0);

// ---------------------------------------------------------------- paths

/** Letters, digits and what does not begin a name: no dot files, nothing that a system reads in its own way. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

/** Whether a file of that path is a note. */
export const isNotePath = (path: string): boolean =>
  path.length <= memoryLimits.pathChars && path.endsWith(".md") &&
  path.split("/").length <= memoryLimits.depth && path.split("/").every((name) => NAME.test(name));

/** A note's path, given with or without the memory's own name. Throws `ToolError`. */
export function notePath(given: string): string {
  const path = anyPath(given);
  if (!path.endsWith(".md")) {
    throw badPath(given, "a note is a markdown file: its name ends in .md");
  }
  return path;
}

/** The same for a folder or note; "" is the memory itself. */
function anyPath(given: string): string {
  const inside = given.replace(/^\/memories(?=\/|$)\/?/, "").replace(/\/$/, "");
  if (inside === "") return "";
  if (inside.startsWith("/")) throw badPath(given, `notes lie in ${ROOT}`);
  if (inside.length > memoryLimits.pathChars) {
    throw badPath(given, `it is longer than ${memoryLimits.pathChars} characters`);
  }
  const names = inside.split("/");
  if (names.length > memoryLimits.depth) {
    throw badPath(given, `notes lie at most ${memoryLimits.depth - 1} folders deep`);
  }
  if (!names.every((name) => NAME.test(name))) {
    throw badPath(given, "names have letters, digits, dots, hyphens and underscores only");
  }
  return inside;
}

const shown = (path: string): string => path === "" ? ROOT : `${ROOT}/${path}`;

const within = (notes: Notes, path: string): string[] =>
  [...notes.keys()].filter((note) => path === "" || note === path || note.startsWith(`${path}/`))
    .toSorted();

// ---------------------------------------------------------------- the model's words

function need<K extends keyof MemoryCommand>(
  command: MemoryCommand,
  key: K,
): NonNullable<MemoryCommand[K]> {
  const value = command[key];
  if (value === undefined) {
    throw new ToolError(`Cannot ${command.command}: it needs ${key}. Call it again with it`);
  }
  return value as NonNullable<MemoryCommand[K]>;
}

function textAt(notes: Notes, path: string, doing: string): string {
  const text = notes.get(path);
  if (text === undefined) throw missing(doing, path);
  return text;
}

const missing = (doing: string, path: string): ToolError =>
  refuse(`${doing} ${shown(path)}`, `there is no such file. View ${ROOT} to see what there is`);

const refuse = (doing: string, why: string): ToolError => new ToolError(`Cannot ${doing}: ${why}`);

const badPath = (path: string, why: string): ToolError =>
  new ToolError(`Cannot use the path ${JSON.stringify(path.slice(0, 200))}: ${why}`);

const linesOf = (text: string): string[] => text === "" ? [] : text.replace(/\n$/, "").split("\n");

const endedWithNewline = (text: string): string =>
  text === "" || text.endsWith("\n") ? text : `${text}\n`;
