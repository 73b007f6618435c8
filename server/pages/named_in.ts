/** Which planning documents name an idea or a ticket. */
import type { NamingDocument } from "../../views/document_origin.tsx";
import { documentHref } from "../../views/links.ts";
import type { App } from "../app.ts";
import { listLinking } from "../store/documents.ts";

/** Most that a page shows of each. */
const SHOWN_MAX = 20;

/** Those that name the one or the other, as the index has them; null names nothing. */
export function namedIn(
  { db }: Pick<App, "db">,
  projectId: string,
  { idea, ticket }: { idea: { number: number } | null; ticket: { number: number } | null },
): NamingDocument[] {
  const naming = ([["ticket", ticket], ["idea", idea]] as const).flatMap(([kind, named]) =>
    named === null
      ? []
      : listLinking(db, projectId, { kind, targets: [String(named.number)] }, SHOWN_MAX)
  );
  const byId = new Map(naming.map((document) => [document.id, document]));
  return [...byId.values()].map(({ id, title }) => ({ title, href: documentHref(id) }));
}
