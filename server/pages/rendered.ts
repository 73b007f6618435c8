/** Documents as HTML. */
import { PLANNING } from "../../agents/planning/document_paths.ts";
import { renderDocument, type RenderedDocument } from "../../views/document_markdown.ts";
import { documentHref, imageHref } from "../../views/links.ts";
import type { App } from "../app.ts";
import { SECOND_MS } from "../clock.ts";
import type { Db } from "../db.ts";
import type { PlanningDocument } from "../records.ts";
import { pathFromRoot } from "../services/document_addresses.ts";
import { splitDocument } from "../services/document_facts.ts";
import { linkedImage } from "../services/document_images.ts";
import { saysNothing } from "../services/document_items.ts";
import { linkedDocument } from "../services/document_links.ts";
import type { OpenDocument } from "../services/documents.ts";
import { getProject } from "../store/projects.ts";
import { withDiagrams } from "./diagrams.ts";
import { type Reference, referencesIn, type Referred, referred } from "./document_states.ts";

/** How long a page waits for its diagrams; those that take longer come by themselves. */
const DIAGRAMS_WAIT_MS = 1.5 * SECOND_MS;

/**
 * A text of a document as HTML; links lead where the index says. `open`: the document that its checklists can be ticked
 * in, and made ideas of; absent: in none.
 */
export async function rendered(
  app: App,
  document: Pick<PlanningDocument, "projectId" | "path">,
  text: string,
  { open, waitMs = DIAGRAMS_WAIT_MS }: { open?: PlanningDocument; waitMs?: number } = {},
): Promise<RenderedDocument> {
  const states = referred(app, document.projectId, referencesIn(text));
  return await renderWith(app, document, text, {
    open,
    waitMs,
    states,
    links: linksFrom(app, document),
  });
}

/** Where a document's links lead, each asked once: some texts name the same one a hundred times. */
interface Links {
  /** By how it is named and the name. */
  asked: Map<string, string | null>;
  lead(name: string, how: "name" | "address"): string | null;
}

function linksFrom(app: App, document: Pick<PlanningDocument, "projectId" | "path">): Links {
  const asked = new Map<string, string | null>();
  return {
    asked,
    lead(name, how) {
      const key = `${how} ${name}`;
      if (!asked.has(key)) {
        const found = linkedDocument(app, document, name, how);
        asked.set(key, found && documentHref(found.id));
      }
      return asked.get(key)!;
    },
  };
}

interface RenderWith {
  open: PlanningDocument | undefined;
  waitMs: number;
  states: Referred;
  links: Links;
}

function renderWith(
  app: App,
  document: Pick<PlanningDocument, "projectId" | "path">,
  text: string,
  { open, waitMs, states, links }: RenderWith,
): Promise<RenderedDocument> {
  const { body, bodyLine } = splitDocument(text);
  const folder = [PLANNING, ...document.path.split("/").slice(0, -1)];
  return withDiagrams(app, waitMs, (diagram) =>
    renderDocument(body, {
      linesBefore: bodyLine,
      tickable: open !== undefined,
      ...open && { ideaAction: `${documentHref(open.id)}/line-idea`, saysNothing },
      diagram,
      links: {
        resolve: states.resolve,
        document: links.lead,
        image: (src) => {
          const path = linkedImage(document, src);
          return path && imageHref(document.projectId, path);
        },
        file: (address) => pathFromRoot(folder, address) ?? address,
      },
      statusOf: states.statusOf,
    }));
}

// ------------------------------------------------------------------ what is shown again and again

/** A document as its page showed it last, with all that its HTML depends on beside its text. */
interface Kept {
  version: string;
  path: string;
  isOpen: boolean;
  references: Reference[];
  /** How they stood. */
  states: string;
  asked: ReadonlyMap<string, string | null>;
  shown: RenderedDocument;
}

/** Documents that are kept so, and the longest. */
const KEPT_MAX = 6;
const KEPT_CHARS = 400_000;

/** By id, those shown last at the end. */
const kept = new WeakMap<Db, Map<string, Kept>>();

/**
 * A document as HTML, as `rendered` for its page. A page that is open asks for it again whenever any document of its
 * project changes, and its stream does at its beginning: as long as the text is the same, and what it names stands and
 * leads as it did, it is not rendered again.
 */
export async function shownDocument(
  app: App,
  { document, text }: OpenDocument,
  { waitMs = DIAGRAMS_WAIT_MS }: { waitMs?: number } = {},
): Promise<RenderedDocument> {
  const { id, projectId, version, path } = document;
  const isOpen = getProject(app.db, projectId).status === "active";
  const all = kept.get(app.db) ?? new Map<string, Kept>();
  kept.set(app.db, all);
  const last = all.get(id);
  const isSame = last?.version === version && last.path === path && last.isOpen === isOpen;
  const references = isSame ? last.references : referencesIn(text);
  const states = referred(app, projectId, references);
  const stand = standOf(states, references);
  const links = linksFrom(app, document);
  if (isSame && last.states === stand && leadAlike(links, last.asked)) {
    all.delete(id);
    all.set(id, last);
    return last.shown;
  }
  const shown = await renderWith(app, document, text, {
    ...{ open: isOpen ? document : undefined, waitMs, states, links },
  });
  // Diagrams are drawn, forgotten and drawn again.
  if (shown.html.length > KEPT_CHARS || /mermaid/i.test(text)) return shown;
  all.delete(id);
  all.set(id, { version, path, isOpen, references, states: stand, asked: links.asked, shown });
  if (all.size > KEPT_MAX) all.delete(all.keys().next().value!);
  return shown;
}

const standOf = ({ resolve, statusOf }: Referred, references: readonly Reference[]): string =>
  JSON.stringify(references.map((one) => [resolve(one.kind, one.number), statusOf(one)]));

function leadAlike(links: Links, asked: ReadonlyMap<string, string | null>): boolean {
  for (const [key, href] of asked) {
    const space = key.indexOf(" ");
    const how = key.slice(0, space) as "name" | "address";
    if (links.lead(key.slice(space + 1), how) !== href) return false;
  }
  return true;
}
