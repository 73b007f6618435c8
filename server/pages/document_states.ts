/** How what a document names stands right now: one look at the database for a whole document. */
import type { ReferredStatus, StatusOf } from "../../views/document_progress.tsx";
import { ideaHref, ticketHref } from "../../views/links.ts";
import type { ResolveReference } from "../../views/markdown.ts";
import type { App } from "../app.ts";
import { listReferred, type ReferredState } from "../store/document_ideas.ts";

/** Most things of one document that are looked up; what it names beyond leads nowhere. */
const REFERRED_MAX = 2_000;

export interface Referred {
  resolve: ResolveReference;
  statusOf: StatusOf;
}

export type Reference = Pick<ReferredState, "kind" | "number">;

/** All that a text names, each once. */
export function referencesIn(text: string): Reference[] {
  const found = new Map<string, Reference>();
  for (const [whole, kind, number] of text.matchAll(/#(idea|ticket)-(\d{1,9})/g)) {
    if (found.size >= REFERRED_MAX) break;
    found.set(whole, { kind: kind as Reference["kind"], number: Number(number) });
  }
  return [...found.values()];
}

/** How these stand: one look at the database. */
export function referred(
  { db }: Pick<App, "db">,
  projectId: string,
  references: readonly Reference[],
): Referred {
  const key = (kind: string, number: number) => `${kind} ${number}`;
  const states = new Map(
    listReferred(db, projectId, references).map((state) => [key(state.kind, state.number), state]),
  );
  return {
    resolve(kind, number) {
      const state = states.get(key(kind, number));
      return state ? (kind === "idea" ? ideaHref(state.id) : ticketHref(state.id)) : null;
    },
    statusOf: ({ kind, number }): ReferredStatus | null =>
      states.get(key(kind, number))?.status ?? null,
  };
}
