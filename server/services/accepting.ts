/** Deciding on a suggested change of a document, piece by piece: each is decided once. */
import type { App } from "../app.ts";
import { transact, type Tx } from "../db.ts";
import { AppError } from "../errors.ts";
import type { DocumentSuggestion, PlanningAsk, SuggestionHunk } from "../records.ts";
import {
  decideHunk,
  getSuggestion,
  listHunks,
  settleSuggestion,
} from "../store/document_suggestions.ts";
import { findDocument } from "../store/documents.ts";
import { getAsk } from "../store/planning_asks.ts";
import { confirmUpdate } from "./document_drift.ts";
import { DocumentConflict, openDocument, saveDocument } from "./documents.ts";
import { type WorkedIn, workIn } from "./hunk_places.ts";
import { requireDocument } from "./planning_asks.ts";

/** What came of accepting pieces. */
export interface Accepted {
  suggestion: DocumentSuggestion;
  /** Numbers of those that are in the document now. */
  accepted: number[];
  /** Numbers of those that the document was changed too much for since; they stay open. */
  unfit: number[];
}

/**
 * Puts pieces of a suggested change into the document as it is now, and saves it. `numbers`: null for all that are
 * open. The file comes first and the note of it then: after a crash between the two, accepting again finds it done.
 * Throws `not_found` for a piece that there is not, `conflict` when somebody decided otherwise before, or when none of
 * them fits any more, and as `saveDocument`.
 */
export function acceptHunks(
  app: App,
  suggestionId: string,
  numbers: readonly number[] | null,
  signal: AbortSignal,
): Promise<Accepted> {
  return alone(app, suggestionId, async () => {
    const { suggestion, ask, hunks } = readAll(app, suggestionId);
    const chosen = openOnes(app, hunks, numbers, "accepted");
    if (chosen.length === 0) return { suggestion, accepted: [], unfit: [] };
    const worked = await saveWith(app, ask, { hunks, chosen }, signal);
    const decided = transact(app, (tx) => note(tx, suggestionId, worked.applied, "accepted"));
    await updated(app, ask, decided, signal);
    return { suggestion: decided, accepted: worked.applied, unfit: [...worked.unfit.keys()] };
  });
}

/**
 * Leaves pieces of a suggested change out; they stay to be read. `numbers`: null for all that are open. Throws
 * `not_found` for a piece that there is not, `conflict` when somebody decided otherwise before.
 */
export function rejectHunks(
  app: App,
  suggestionId: string,
  numbers: readonly number[] | null,
  signal: AbortSignal,
): Promise<DocumentSuggestion> {
  return alone(app, suggestionId, async () => {
    const { suggestion, ask, hunks } = readAll(app, suggestionId);
    const chosen = openOnes(app, hunks, numbers, "rejected");
    if (chosen.length === 0) return suggestion;
    const decided = transact(app, (tx) => note(tx, suggestionId, chosen, "rejected"));
    await updated(app, ask, decided, signal);
    return decided;
  });
}

/** The last piece of an update for commits is decided, and something of it was accepted: it is true as of them. */
async function updated(
  app: App,
  { id, ask, commits }: PlanningAsk,
  { status }: DocumentSuggestion,
  signal: AbortSignal,
): Promise<void> {
  // The document may have been found under another name meanwhile.
  const { projectId, path } = getAsk(app.db, id);
  const isUpdated = status === "accepted" || status === "partly";
  const document = ask === "update" && isUpdated && findDocument(app.db, projectId, path);
  if (document && commits.length > 0) await confirmUpdate(app, document, commits, signal);
}

/** Documents that change between the look and the save are looked at so often. */
const TRIES = 5;

async function saveWith(
  app: App,
  ask: PlanningAsk,
  { hunks, chosen }: { hunks: SuggestionHunk[]; chosen: number[] },
  signal: AbortSignal,
): Promise<WorkedIn> {
  for (let tries = 1;; tries++) {
    const { document, text } = await openDocument(
      app,
      requireDocument(app, getAsk(app.db, ask.id)).id,
      signal,
    );
    const worked = workIn(ask.baseText ?? "", hunks, chosen, text);
    if (worked.applied.length === 0) throw unfit(ask, worked);
    try {
      const save = { text: worked.text, seen: document.version };
      await saveDocument(app, document.id, save, signal);
      return worked;
    } catch (error) {
      if (!(error instanceof DocumentConflict) || tries >= TRIES) throw error;
    }
  }
}

/** Nobody decides on a suggestion while another decision on it is being saved. */
const alone = <T>(app: App, id: string, work: () => Promise<T>): Promise<T> =>
  app.turnstile.through(`suggestion ${id}`, work);

function readAll({ db }: App, id: string) {
  const suggestion = getSuggestion(db, id);
  return { suggestion, ask: getAsk(db, suggestion.askId), hunks: listHunks(db, id) };
}

/** Those that are to be decided; who asks for what they have done already (a request that was cut off) is done. */
function openOnes(
  { actor }: App,
  hunks: SuggestionHunk[],
  numbers: readonly number[] | null,
  to: "accepted" | "rejected",
): number[] {
  if (numbers === null) {
    return hunks.filter(({ status }) => status === "pending").map(({ number }) => number);
  }
  return [...new Set(numbers)].sort((a, b) => a - b).filter((number) => {
    const hunk = hunks.find((hunk) => hunk.number === number);
    if (!hunk) throw new AppError("not_found", `The suggested change has no piece ${number}`);
    if (hunk.status === "pending") return true;
    if (hunk.status === to && hunk.decidedBy === actor) return false;
    const verb = to === "accepted" ? "accept" : "reject";
    throw new AppError(
      "conflict",
      `Cannot ${verb} piece ${number}: ${hunk.decidedBy} has ${hunk.status} it already`,
    );
  });
}

function note(
  tx: Tx,
  suggestionId: string,
  numbers: number[],
  to: "accepted" | "rejected",
): DocumentSuggestion {
  const { askId } = getSuggestion(tx.db, suggestionId);
  const { projectId, path } = getAsk(tx.db, askId);
  for (const number of numbers) decideHunk(tx, suggestionId, number, to);
  tx.emit({
    type: `suggestion_${to}`,
    projectId,
    data: { path, askId, suggestionId, pieces: numbers },
  });
  return settleSuggestion(tx, suggestionId);
}

function unfit({ path }: PlanningAsk, { unfit }: WorkedIn): AppError {
  const numbers = [...unfit.keys()];
  const [one, many] = [numbers.length === 1, numbers.join(", ")];
  const why = [...unfit.values()].includes("too_large")
    ? `${path} was changed since, and in too many lines to find the place again`
    : `${path} says something else there by now`;
  return new AppError(
    "conflict",
    `Cannot accept ${one ? `piece ${many}` : `pieces ${many}`}: ${why}. ` +
      `${one ? "It stays" : "They stay"} open: change the document by hand, then reject ${
        one ? "it" : "them"
      }, or ask again`,
  );
}
