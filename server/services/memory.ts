/**
 * The agents' memories: where each lies, what a run does to it, and what a person does. One of a scope per agent:
 * global in the data folder, of a project in the project itself, of an idea or ticket in the data folder again.
 */
import { createHash } from "node:crypto";
import { listFolders, MemoryFolder } from "../../agents/memory/memory_folder.ts";
import {
  after,
  changeOf,
  checkLimits,
  differences,
  type MemoryCommand,
  type Notes,
  restOf,
  stateOf,
  type Step,
} from "../../agents/memory/notes.ts";
import { totalBytes } from "../../agents/memory/limits.ts";
import { notePath } from "../../agents/memory/note_paths.ts";
import type { FileIntent, MemoryScope } from "../../agents/protocol.ts";
import { unifiedDiff } from "../../agents/tools/diff.ts";
import { ToolError } from "../../agents/tools/tool.ts";
import type { App } from "../app.ts";
import { transact, type Tx } from "../db.ts";
import { AppError } from "../errors.ts";
import type { MemoryRef, Run } from "../records.ts";
import { findIdea } from "../store/ideas.ts";
import {
  insertMemoryChange,
  listChangedMemories,
  listRunMemoryChanges,
  removeMemoryChanges,
} from "../store/memory.ts";
import { getProject, listProjects } from "../store/projects.ts";
import { getRun, isActive } from "../store/runs.ts";
import { findTicket } from "../store/tickets.ts";

/** An agent's name, and whose memory it is. Nothing in it can lead out of a folder. */
const ID = /^([a-z][a-z0-9-]{0,39})\.(global|(project|idea|ticket)_[a-z0-9]{1,40})$/;

/** Reads an id such as "reviewer.global". Throws `not_found`. */
export function memoryRef(app: Pick<App, "db">, id: string): MemoryRef {
  const [, agent, of, kind] = ID.exec(id) ?? [];
  const none = () => new AppError("not_found", `No memory with the id "${id}"`);
  if (!agent || !of) throw none();
  const ref = { id, agent, projectId: null, ideaId: null, ticketId: null };
  if (of === "global") return { ...ref, scope: "global" };
  if (kind === "project") return { ...ref, scope: "project", projectId: getProject(app.db, of).id };
  const subject = kind === "idea" ? findIdea(app.db, of) : findTicket(app.db, of);
  if (!subject) throw none();
  const { projectId } = subject;
  return kind === "idea"
    ? { ...ref, scope: "session", projectId, ideaId: of }
    : { ...ref, scope: "session", projectId, ticketId: of };
}

/** Which memory a run has; null: none. */
export function memoryOfRun(app: Pick<App, "db">, run: Run, scope: MemoryScope): MemoryRef | null {
  if (scope === "none") return null;
  // What is asked about a document is one run, which no other comes after.
  const of = { global: "global", project: run.projectId, session: run.ticketId ?? run.ideaId };
  return of[scope] === null ? null : memoryRef(app, `${run.agent}.${of[scope]}`);
}

/** The folder that holds it. */
export function memoryFolder(app: App, ref: MemoryRef): MemoryFolder {
  const { agent, scope } = ref;
  const { dataDir } = app.config;
  if (scope === "global") return new MemoryFolder(dataDir, ["memory", agent]);
  const project = getProject(app.db, ref.projectId!);
  if (scope === "project") return new MemoryFolder(project.path, [".gaffer", "memory", agent]);
  const subject = ref.ticketId ?? ref.ideaId!;
  return new MemoryFolder(dataDir, ["projects", project.slug, "memory", subject, agent]);
}

export const readMemory = (app: App, ref: MemoryRef): Notes => memoryFolder(app, ref).read();

/** One memory in a list. */
export interface MemorySummary {
  ref: MemoryRef;
  notes: number;
  bytes: number;
  /** Null: by no one that Gaffer knows of. */
  changedAt: string | null;
  /** Why it can't be read, or null. */
  refusal: string | null;
}

/** Most memories of ideas and tickets that are listed, the newest changed. */
const LISTED_MAX = 200;

/** The memories that there are: those with a folder, and those that were changed lately. */
export function listMemories(
  app: App,
  filter: { agent?: string; projectId?: string } = {},
): MemorySummary[] {
  const changed = new Map(
    listChangedMemories(app.db, LISTED_MAX).map(({ memory, at }) => [memory, at]),
  );
  const here = listFolders(app.config.dataDir, ["memory"]).map((agent) => `${agent}.global`);
  const inProjects = listProjects(app.db).flatMap(({ id, path }) =>
    listFolders(path, [".gaffer", "memory"]).map((agent) => `${agent}.${id}`)
  );
  const ids = [...new Set([...here, ...inProjects, ...changed.keys()])];
  return ids.flatMap((id) => findRef(app, id) ?? [])
    .filter(({ agent, projectId }) =>
      (!filter.agent || agent === filter.agent) &&
      (!filter.projectId || projectId === filter.projectId)
    )
    .map((ref) => ({ ref, changedAt: changed.get(ref.id) ?? null, ...sizeOf(app, ref) }));
}

/** A folder may be called anything, and a ticket may be gone. */
function findRef(app: App, id: string): MemoryRef | null {
  try {
    return memoryRef(app, id);
  } catch (error) {
    if (error instanceof AppError && error.code === "not_found") return null;
    throw error;
  }
}

function sizeOf(app: App, ref: MemoryRef): Pick<MemorySummary, "notes" | "bytes" | "refusal"> {
  try {
    const notes = readMemory(app, ref);
    return { notes: notes.size, bytes: totalBytes(notes), refusal: null };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { notes: 0, bytes: 0, refusal: error.message };
  }
}

// ------------------------------------------------------------------ runs

/** What a command is to do, for the run's log: with it a later life can tell whether it was done. */
export function planMemory(app: App, ref: MemoryRef, command: MemoryCommand): FileIntent {
  const notes = readMemory(app, ref);
  const { steps, content } = changeOf(notes, command);
  return {
    path: command.path ?? command.new_path ?? "",
    before: stateOf(notes, command),
    hash: stateOf(after(notes, steps), command),
    content,
  };
}

/**
 * Does what was planned, once: a memory that is so already was changed in an earlier life. Gives the diff for people.
 * Throws `ToolError` when it was changed by someone else since it was planned, or the run is over.
 */
export function carryOutMemory(
  app: App,
  { ref, run, callId, command, intent }: {
    ref: MemoryRef;
    run: Run;
    callId: string;
    command: MemoryCommand;
    intent: FileIntent;
  },
): Promise<string> {
  const call = { id: run.id, callId };
  return oneAtATime(app, ref, async () => {
    // Cancelled while it waited for its turn, it leaves nothing behind.
    const { status } = getRun(app.db, run.id);
    if (!isActive({ status })) throw new ToolError(`Not done: the run is "${status}"`);
    const notes = readMemory(app, ref);
    const now = stateOf(notes, command);
    if (now !== intent.hash) {
      const steps = now === intent.before ? changeOf(notes, command).steps : restOf(notes, command);
      if (steps === null) {
        transact(app, (tx) => removeMemoryChanges(tx, call));
        throw new ToolError(
          "Not done: the memory was changed by someone else meanwhile. View it, then call again if it " +
            "is still needed",
        );
      }
      await change(app, ref, { notes, steps, run: call, tell: run });
    }
    return listRunMemoryChanges(app.db, run.id).filter((change) => change.callId === callId)
      .map(({ diff }) => diff).join("");
  });
}

// ------------------------------------------------------------------ people

/** A note as a person wants it; null: gone. */
export interface NoteChange {
  path: string;
  text: string | null;
}

/** Of a note as it is, to tell whether somebody has changed it since. */
export const noteVersion = (text: string | null): string =>
  text === null ? "none" : createHash("sha256").update(text).digest("hex").slice(0, VERSION_CHARS);

const VERSION_CHARS = 16;

/**
 * Changes notes. `seen`: the version that the person saw; where one is otherwise now, nothing is changed and
 * `conflict` is thrown. Throws `invalid` for a path or size that may not be.
 */
export function changeMemory(
  app: App,
  ref: MemoryRef,
  changes: (NoteChange & { seen?: string })[],
): Promise<Notes> {
  return oneAtATime(app, ref, async () => {
    const notes = readMemory(app, ref);
    const steps = changes.map(({ path: given, text, seen }): Step => {
      const path = asInvalid(() => notePath(given), "path");
      const present = notes.get(path) ?? null;
      if (seen !== undefined && seen !== noteVersion(present)) {
        throw new AppError(
          "conflict",
          `Cannot save ${path}: ${
            present === null
              ? "it was deleted"
              : seen === noteVersion(null)
              ? "there is such a note already, made"
              : "it was changed"
          } after you opened it. Look at what it says now, then save again`,
        );
      }
      return text === null ? { type: "remove", path } : { type: "write", path, text };
    });
    asInvalid(() => checkLimits(notes, after(notes, steps)), "text");
    await change(app, ref, { notes, steps, run: null, tell: null });
    return readMemory(app, ref);
  });
}

/** A refusal in the model's words, for a person's field. */
function asInvalid<T>(work: () => T, field: "path" | "text"): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    throw new AppError("invalid", error.message, [{ field, message: error.message }]);
  }
}

// ------------------------------------------------------------------ both

const oneAtATime = <T>(app: App, { id }: MemoryRef, work: () => Promise<T>): Promise<T> =>
  app.turnstile.through(`memory ${id}`, work);

/** Puts the change on record, then on the disk: a crash in between is mended by the same call's next life. */
async function change(
  app: App,
  ref: MemoryRef,
  { notes, steps, run, tell }: {
    notes: Notes;
    steps: readonly Step[];
    run: { id: string; callId: string } | null;
    tell: Run | null;
  },
): Promise<void> {
  const found = differences(notes, after(notes, steps));
  const diffs = await Promise.all(found.map(async ({ path, before, after }) => ({
    path,
    diff: await unifiedDiff(path, before, after ?? "") ?? "",
  })));
  if (diffs.length === 0) return;
  transact(app, (tx) => {
    const isNew = diffs.map(({ path, diff }) =>
      insertMemoryChange(tx, { memory: ref.id, path, diff, run })
    );
    if (isNew.some(Boolean)) tellOf(tx, ref, diffs.map(({ path }) => path), tell);
  });
  memoryFolder(app, ref).apply(steps);
}

function tellOf(tx: Tx, ref: MemoryRef, paths: string[], run: Run | null): void {
  tx.emit({
    type: "memory_changed",
    projectId: run?.projectId ?? ref.projectId,
    ideaId: run?.ideaId ?? ref.ideaId,
    ticketId: run?.ticketId ?? ref.ticketId,
    data: {
      memory: ref.id,
      agent: ref.agent,
      scope: ref.scope,
      paths,
      ...(run && { runId: run.id }),
    },
  });
}
