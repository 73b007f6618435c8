import { memoryLimits, totalBytes } from "../../agents/memory/limits.ts";
import type {
  MemoryName,
  MemoryPageProps,
  MemoryPagesProps,
  NoteForm,
  NotePageProps,
} from "../../views/memory.tsx";
import { projectHref, subjectHref, subjectName } from "../../views/links.ts";
import type { App } from "../app.ts";
import type { MemoryRef } from "../records.ts";
import { listMemories, memoryRef, noteVersion, readMemory } from "../services/memory.ts";
import { listMemoryChanges } from "../store/memory.ts";
import { getProject } from "../store/projects.ts";
import { type PageRequest, shellOf } from "./shell.ts";
import { subjectsOf } from "./subjects.ts";

/** Newest changes that a memory's page shows. */
const CHANGES_SHOWN = 20;

export function memoriesPage(request: PageRequest, agent: string | undefined): MemoryPagesProps {
  const { app, projectId } = request;
  const names = namesIn(app);
  const found = listMemories(app, { agent, projectId: projectId ?? undefined });
  return {
    shell: shellOf(request),
    agent: agent ?? null,
    rows: found.map(({ ref, ...row }) => ({ name: names(ref), ...row })),
  };
}

export function memoryPage(request: PageRequest, id: string): MemoryPageProps {
  const { app } = request;
  const ref = memoryRef(app, id);
  const notes = readMemory(app, ref);
  return {
    shell: shellOf(request),
    name: namesIn(app)(ref),
    notes: [...notes].map(([path, text]) => ({ path, text })),
    bytes: totalBytes(notes),
    limits: memoryLimits,
    changes: listMemoryChanges(app.db, ref.id, CHANGES_SHOWN),
  };
}

/** `path`: of the note that is changed, or "" for a new one. */
export function notePage(
  request: PageRequest,
  id: string,
  path: string,
  refused: Omit<NoteForm, "seen"> | null = null,
): NotePageProps {
  const { app } = request;
  const ref = memoryRef(app, id);
  const present = readMemory(app, ref).get(refused?.path || path) ?? null;
  const form = refused ?? { path, text: present ?? "", message: null, errors: [] };
  return {
    shell: shellOf(request),
    name: namesIn(app)(ref),
    isNew: path === "",
    limits: memoryLimits,
    // What is saved next stands against the note as it is shown now.
    form: { ...form, seen: noteVersion(present) },
    present: refused && present !== null && present !== refused.text ? present : null,
  };
}

/** Whose memory it is, in words. */
function namesIn(app: App): (ref: MemoryRef) => MemoryName {
  const subjects = subjectsOf(app);
  return (ref) => {
    const subject = ref.scope === "session" ? subjects.of(ref) : null;
    const { id, agent, scope } = ref;
    if (subject) {
      const words = `${subjectName(subject)} ${subject.title}`;
      return { id, agent, scope, of: { words, href: subjectHref(subject) } };
    }
    if (ref.projectId === null) return { id, agent, scope, of: null };
    const { name } = getProject(app.db, ref.projectId);
    return { id, agent, scope, of: { words: name, href: projectHref(ref.projectId) } };
  };
}
