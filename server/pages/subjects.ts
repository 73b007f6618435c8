/** What a page's rows are about, and the names of their projects. */
import type { Subject } from "../../views/links.ts";
import type { App } from "../app.ts";
import { findIdea } from "../store/ideas.ts";
import { findAsk } from "../store/planning_asks.ts";
import { getProject } from "../store/projects.ts";
import { findTicket } from "../store/tickets.ts";

/** Whose a run or a change is. */
export interface Owner {
  ideaId: string | null;
  ticketId: string | null;
  /** What was asked about a document. */
  askId?: string | null;
}

/** Each is read once, however many rows of a page name it. */
export interface Subjects {
  of(owner: Owner): Subject | null;
  projectName(projectId: string): string;
}

export function subjectsOf({ db }: App): Subjects {
  const projectName = remembered((id) => getProject(db, id).name);
  const ticket = remembered((id) => subject("ticket", findTicket(db, id)));
  const idea = remembered((id) => subject("idea", findIdea(db, id)));
  const ask = remembered((id) => {
    const found = findAsk(db, id);
    return found && subject("document", { ...found, number: 0, title: found.path });
  });
  function subject(kind: Subject["kind"], of: Named | null): Subject | null {
    if (of === null) return null;
    const { id, number, title, projectId } = of;
    return { kind, id, number, title, projectName: projectName(projectId) };
  }
  return {
    of: ({ ideaId, ticketId, askId = null }) =>
      (ticketId && ticket(ticketId)) || (ideaId && idea(ideaId)) || (askId && ask(askId)) || null,
    projectName,
  };
}

type Named = Pick<Subject, "id" | "number" | "title"> & { projectId: string };

/** The subject of just one. */
export const subjectOf = (app: App, owner: Owner): Subject | null => subjectsOf(app).of(owner);

function remembered<T>(read: (id: string) => T): (id: string) => T {
  const known = new Map<string, T>();
  return (id) => {
    if (!known.has(id)) known.set(id, read(id));
    return known.get(id)!;
  };
}
