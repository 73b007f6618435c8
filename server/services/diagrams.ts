/** Mermaid diagrams of documents: drawn once, in the background, and kept in memory by what they say. */
import { createHash } from "node:crypto";
import type { Drawn } from "../../agents/diagrams/draw.ts";
import type { App } from "../app.ts";
import { MINUTE_MS } from "../clock.ts";
import { AppError, messageOf } from "../errors.ts";

/** Drawings that are kept, and their characters together: what was not asked for the longest goes first. */
const KEPT = 300;
const KEPT_CHARS = 16_000_000;
/** Most characters of the drawings that one page shows: two pages of that size are kept together. */
export const PAGE_CHARS = KEPT_CHARS / 2;
/** Sizes that are remembered of drawings that are forgotten, so that a page knows which of its own it has room for. */
const SIZES_KEPT = 2_000;
/** Most that wait to be drawn. */
const WAITING_MAX = 200;

/** A diagram that could not be drawn is tried again then: the machine may have been busy. */
const PROBLEM_KEPT_MS = 10 * MINUTE_MS;

type Known = Pick<App, "turnstile" | "log" | "clock">;
/** A diagram that could be drawn. */
export type Drawing = Extract<Drawn, { svg: string }>;

interface Entry {
  /** Undefined while it is drawn. */
  drawn?: Drawn;
  /** Until then it holds. */
  untilMs?: number;
  /** Settled with it. */
  ready: Promise<Drawn>;
}

interface Diagrams {
  entries: Map<string, Entry>;
  /** In characters, also of drawings that are forgotten. */
  sizes: Map<string, number>;
  waiting: { source: string; settle: (drawn: Drawn) => void }[];
  isDrawing: boolean;
}

/** A server's, and gone with it. */
const all = new WeakMap<Known["turnstile"], Diagrams>();

function diagramsOf({ turnstile }: Known): Diagrams {
  const known = all.get(turnstile) ??
    { entries: new Map(), sizes: new Map(), waiting: [], isDrawing: false };
  all.set(turnstile, known);
  return known;
}

/** What a drawing is found by. */
export const diagramId = (source: string): string =>
  createHash("sha256").update(source).digest("hex").slice(0, 32);

/** What is known of a diagram right now; null: it is being drawn, or nobody has asked for it. */
export function knownDiagram(app: Known, source: string): Drawn | null {
  const { entries } = diagramsOf(app);
  const id = diagramId(source);
  const { drawn, untilMs = Infinity } = entries.get(id) ?? {};
  if (app.clock.nowMs() < untilMs) return drawn ?? null;
  entries.delete(id);
  return null;
}

/** Characters of a drawing that has been drawn, kept or not; 0: of none, or of one that was drawn very long ago. */
export const diagramChars = (app: Known, source: string): number =>
  diagramsOf(app).sizes.get(diagramId(source)) ?? 0;

/** Has these drawings, by source, kept as what was asked for last: a browser is about to ask for each. */
export function keepDiagrams(app: Known, shown: ReadonlyMap<string, Drawing>): void {
  if (shown.size === 0) return;
  const diagrams = diagramsOf(app);
  for (const [source, drawn] of shown) {
    const id = diagramId(source);
    const entry = diagrams.entries.get(id) ?? { drawn, ready: Promise.resolve(drawn) };
    rememberSize(diagrams, id, drawn.svg.length);
    diagrams.entries.delete(id);
    diagrams.entries.set(id, entry);
  }
  forgetOld(diagrams);
}

/**
 * Begins to draw what is not known yet, and waits for all of it: at most so long. Gives, by source, what was drawn by
 * then: there may be more of it than is kept. Throws the signal's reason.
 */
export async function awaitDiagrams(
  app: Known,
  sources: readonly string[],
  waitMs: number,
  signal?: AbortSignal,
): Promise<Map<string, Drawn>> {
  signal?.throwIfAborted();
  const drawn = new Map<string, Drawn>();
  const missing = [...new Set(sources)].filter((source) => knownDiagram(app, source) === null);
  if (missing.length === 0) return drawn;
  const whole = Promise.all(
    missing.map(async (source) => void drawn.set(source, await ask(app, source))),
  );
  const { promise: late, resolve: giveUp } = Promise.withResolvers<void>();
  const timer = setTimeout(giveUp, waitMs);
  const leave = () => giveUp();
  signal?.addEventListener("abort", leave);
  await Promise.race([whole, late]);
  clearTimeout(timer);
  signal?.removeEventListener("abort", leave);
  signal?.throwIfAborted();
  return new Map(drawn);
}

/** The SVG of a diagram that a page shows, waited for. Throws `not_found` when there is none. */
export async function diagramSvg(app: Known, id: string): Promise<string> {
  const entry = diagramsOf(app).entries.get(id);
  const drawn = await entry?.ready;
  if (drawn && "svg" in drawn) return drawn.svg;
  throw new AppError(
    "not_found",
    `Cannot show the diagram: ${drawn?.problem ?? "it is not known any more. Load its page again"}`,
  );
}

function ask(app: Known, source: string): Promise<Drawn> {
  const diagrams = diagramsOf(app);
  const { entries, waiting } = diagrams;
  const id = diagramId(source);
  const known = entries.get(id);
  if (known) {
    entries.delete(id);
    entries.set(id, known); // asked for most recently
    return known.ready;
  }
  if (waiting.length >= WAITING_MAX) {
    return Promise.resolve({ problem: "too many others are being drawn. Load the page again" });
  }
  const { promise: ready, resolve } = Promise.withResolvers<Drawn>();
  const entry: Entry = { ready };
  entries.set(id, entry);
  const settle = (drawn: Drawn) => {
    entry.drawn = drawn;
    if ("svg" in drawn) rememberSize(diagrams, id, drawn.svg.length);
    if ("problem" in drawn) entry.untilMs = app.clock.nowMs() + PROBLEM_KEPT_MS;
    resolve(drawn);
  };
  waiting.push({ source, settle });
  void drawWaiting(app, diagrams);
  return ready;
}

/** Never rejects: whoever waits is told. */
async function drawWaiting({ log }: Known, diagrams: Diagrams): Promise<void> {
  if (diagrams.isDrawing) return;
  diagrams.isDrawing = true;
  // Each batch ends by itself: no diagram may take for ever.
  const { signal } = new AbortController();
  while (diagrams.waiting.length > 0) {
    const batch = diagrams.waiting.splice(0);
    let results: Drawn[] = [];
    try {
      const { drawDiagrams } = await import("../../agents/diagrams/draw.ts");
      results = await drawDiagrams(batch.map(({ source }) => source), { signal });
    } catch (error) {
      log.error("diagrams can't be drawn", { error: messageOf(error) });
    }
    for (const [i, { settle }] of batch.entries()) {
      settle(results[i] ?? { problem: "the server failed at it. Its log says why" });
    }
    forgetOld(diagrams);
  }
  diagrams.isDrawing = false;
}

function rememberSize({ sizes }: Diagrams, id: string, chars: number): void {
  sizes.delete(id);
  sizes.set(id, chars);
  const [oldest] = sizes.size > SIZES_KEPT ? sizes.keys() : [];
  if (oldest !== undefined) sizes.delete(oldest);
}

function forgetOld({ entries }: Diagrams): void {
  const size = ({ drawn }: Entry) => drawn && "svg" in drawn ? drawn.svg.length : 0;
  let chars = [...entries.values()].reduce((sum, entry) => sum + size(entry), 0);
  for (const [id, entry] of entries) {
    if (entries.size <= KEPT && chars <= KEPT_CHARS) return;
    if (!entry.drawn) continue;
    chars -= size(entry);
    entries.delete(id);
  }
}
