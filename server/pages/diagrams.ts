/** Diagrams of a text that is rendered. */
import type {
  RenderedDocument,
  RenderOptions,
  ShownDiagram,
} from "../../views/document_markdown.ts";
import { diagramHref } from "../../views/links.ts";
import type { App } from "../app.ts";
import { awaitDiagrams, diagramId, knownDiagram } from "../services/diagrams.ts";

/** Most diagrams of one text that are drawn. */
export const DIAGRAMS_MAX = 50;

/**
 * Renders a text; where it has diagrams that nobody has drawn yet, once more when they are, or after `waitMs`: then
 * their addresses wait for them. `srcOf`: of a drawing; by default its address on this server.
 */
export async function withDiagrams(
  app: App,
  waitMs: number,
  render: (diagram: NonNullable<RenderOptions["diagram"]>) => RenderedDocument,
  srcOf?: (svg: string) => string,
): Promise<RenderedDocument> {
  let sources: Set<string>;
  let lacking = false;
  const diagram = (source: string): ShownDiagram => {
    sources.add(source);
    if (sources.size > DIAGRAMS_MAX) {
      return { problem: `only the first ${DIAGRAMS_MAX} diagrams of a document are` };
    }
    const drawn = knownDiagram(app, source);
    lacking ||= drawn === null;
    if (drawn === null && srcOf) return { problem: "it takes too long" };
    if (drawn !== null && "problem" in drawn) return drawn;
    return { src: drawn && srcOf ? srcOf(drawn.svg) : diagramHref(diagramId(source)) };
  };
  const run = () => {
    [sources, lacking] = [new Set(), false];
    return render(diagram);
  };
  const first = run();
  if (!lacking) return first;
  await awaitDiagrams(app, [...sources!].slice(0, DIAGRAMS_MAX), waitMs);
  return run();
}
