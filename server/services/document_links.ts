/** What planning documents lead to, and what leads to them. */
import type { App } from "../app.ts";
import type { PlanningDocument } from "../records.ts";
import { findDocumentNamed, listLinking, listLinks } from "../store/documents.ts";
import { keysOf, linkKey, pathFrom } from "./document_facts.ts";

/** The document that a link in another one leads to: by name, or by an address relative to it. */
export function linkedDocument(
  { db }: Pick<App, "db">,
  from: Pick<PlanningDocument, "projectId" | "path">,
  name: string,
  how: "name" | "address",
): PlanningDocument | null {
  const target = how === "name" ? name : pathFrom(from.path, name);
  if (target === null) return null;
  return findDocumentNamed(db, from.projectId, { key: linkKey(target), path: how === "address" });
}

/** Most documents that are named as linking to one. */
const LINKING_MAX = 100;

/** Documents with a link to this one. */
export function backLinksOf({ db }: Pick<App, "db">, document: PlanningDocument) {
  const { projectId } = document;
  // Another document may have the better right to a name.
  const targets = keysOf(document).filter((key) =>
    findDocumentNamed(db, projectId, { key, path: false })?.number === document.number
  );
  return listLinking(db, projectId, { kind: "document", targets }, LINKING_MAX)
    .filter(({ number }) => number !== document.number);
}

/** Documents that name an idea or a ticket. */
export const documentsAbout = (
  { db }: Pick<App, "db">,
  projectId: string,
  { kind, number }: { kind: "idea" | "ticket"; number: number },
): PlanningDocument[] =>
  listLinking(db, projectId, { kind, targets: [String(number)] }, LINKING_MAX);

/** Where a document's links lead, as it was indexed. */
export const linksOf = ({ db }: Pick<App, "db">, { number }: PlanningDocument) =>
  listLinks(db, number);
