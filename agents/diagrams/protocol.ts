/** What the server and the process that draws diagrams say to each other: a line of JSON each way for each diagram. */

/** First argument of the executable that makes it draw. */
export const DIAGRAMS_ARGUMENT = "__diagrams";

/** Longest text of a diagram, in characters. */
export const DIAGRAM_CHARS = 20_000;
/** Largest drawing, in bytes of its SVG. */
export const SVG_BYTES = 1024 * 1024;

export type FromDiagrams = { svg: string } | { problem: string };
