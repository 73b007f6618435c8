/** Diagrams of a text that is rendered. */
import type {
  RenderedDocument,
  RenderOptions,
  ShownDiagram,
} from "../../views/document_markdown.ts";
import { diagramHref } from "../../views/links.ts";
import type { Drawn } from "../../agents/diagrams/draw.ts";
import type { App } from "../app.ts";
import {
  awaitDiagrams,
  diagramChars,
  diagramId,
  type Drawing,
  keepDiagrams,
  knownDiagram,
  PAGE_CHARS,
} from "../services/diagrams.ts";

/** Most diagrams of one text that are drawn. */
export const DIAGRAMS_MAX = 50;

export interface DiagramsOptions {
  /**
   * Of a drawing, for a text that needs no server: then there is no address that could wait, and one that is not drawn in
   * time stays text. By default its address on this server, which shows at most `PAGE_CHARS` of one text.
   */
  srcOf?: (svg: string) => string;
  signal?: AbortSignal;
}

/**
 * Renders a text; where it has diagrams that nobody has drawn yet, once more when they are, or after `waitMs`: then
 * their addresses wait for them. Throws the signal's reason.
 */
export async function withDiagrams(
  app: App,
  waitMs: number,
  render: (diagram: NonNullable<RenderOptions["diagram"]>) => RenderedDocument,
  { srcOf, signal }: DiagramsOptions = {},
): Promise<RenderedDocument> {
  let sources: Set<string>;
  let lacking: Set<string>;
  let pictures: Map<string, Drawing>;
  let tooLarge: Set<string>;
  let chars: number;
  // What is drawn for this text stays until it is rendered, however little is kept for others.
  const held = new Map<string, Drawn>();
  const diagram = (source: string): ShownDiagram => {
    const isNew = !sources.has(source);
    sources.add(source);
    if (sources.size > DIAGRAMS_MAX) {
      return { problem: `only the first ${DIAGRAMS_MAX} diagrams of a document are` };
    }
    if (isNew && !srcOf) {
      chars += diagramChars(app, source);
      if (chars > PAGE_CHARS) tooLarge.add(source);
    }
    if (tooLarge.has(source)) {
      return { problem: "it and those before it are too large together. An export has it" };
    }
    const drawn = held.get(source) ?? knownDiagram(app, source);
    if (drawn === null) lacking.add(source);
    else held.set(source, drawn);
    if (drawn === null && srcOf) return { problem: "it takes too long" };
    if (drawn !== null && "problem" in drawn) return drawn;
    if (drawn !== null) pictures.set(source, drawn);
    return { src: drawn && srcOf ? srcOf(drawn.svg) : diagramHref(diagramId(source)) };
  };
  const run = () => {
    [sources, lacking, tooLarge] = [new Set(), new Set(), new Set()];
    [pictures, chars] = [new Map(), 0];
    return render(diagram);
  };
  let shown = run();
  // An export that has waited long enough for others begins no more of them.
  if (lacking!.size > 0 && (waitMs > 0 || !srcOf)) {
    for (const [source, drawn] of await awaitDiagrams(app, [...lacking!], waitMs, signal)) {
      held.set(source, drawn);
    }
    shown = run();
  }
  if (!srcOf) keepDiagrams(app, pictures!);
  return shown;
}
