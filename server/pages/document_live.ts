/** What changes on a document's page while it is looked at. */
import type { DocumentStatesProps } from "../../views/document_states.tsx";
import type { Shell } from "../../views/shell.ts";
import type { App } from "../app.ts";
import { openDocument } from "../services/documents.ts";
import { listDocumentIdeas } from "../store/document_ideas.ts";
import { driftOf } from "./document_drift.ts";
import { referred } from "./document_states.ts";
import { IDEAS_MAX } from "./planning.ts";
import { shownDocument } from "./rendered.ts";
import { type PageRequest, shellOf } from "./shell.ts";

/**
 * The document is read once; what is given looks only at the database, as often as something has changed. Throws as
 * `openDocument`.
 */
export async function documentLiveModel(
  request: PageRequest,
  id: string,
  signal: AbortSignal,
): Promise<() => DocumentStatesProps & { shell: Shell; title: string }> {
  const { app } = request;
  const opened = await openDocument(app, id, signal);
  const { document } = opened;
  const { marks } = await shownDocument(app, opened, { waitMs: 0 });
  const named = namedIn(marks);
  return () => ({
    shell: shellOf({ ...request, projectId: document.projectId }),
    title: document.title,
    marks,
    statusOf: statusesOf(app, document.projectId, named),
    ideas: listDocumentIdeas(app.db, document.id, IDEAS_MAX),
    drift: driftOf(app, document),
  });
}

function namedIn({ references, sections }: DocumentStatesProps["marks"]) {
  const inSections = sections.flatMap(({ items }) => items.flatMap((item) => item.references));
  const all = [...references, ...inSections].map(({ kind, number }) => ({ kind, number }));
  return [...new Map(all.map((one) => [`${one.kind} ${one.number}`, one])).values()];
}

const statusesOf = (app: App, projectId: string, named: ReturnType<typeof namedIn>) =>
  referred(app, projectId, named).statusOf;
