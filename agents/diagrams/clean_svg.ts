/**
 * A drawing with nothing in it but shapes and words: what is not known to be harmless is left out, and colours come
 * from a style of our own, so that it fits a light and a dark page and asks nobody for a font.
 */
import sax from "sax";
import { AppError } from "../../server/errors.ts";

const ELEMENTS = new Set([
  ...["svg", "g", "defs", "marker", "rect", "circle", "ellipse", "line", "polyline", "polygon"],
  ...["path", "text", "tspan", "title", "desc"],
]);

const NUMBER = /^[-+]?[\d.]{1,30}(?:e[-+]?\d{1,3})?(?:px|em|%)?$/i;
const NUMBERS = /^[-+\d.,\seE]{1,20000}$/;
const WORD = /^[A-Za-z][\w-]{0,40}$/;
const PAINT =
  /^(?:#[0-9a-f]{3,8}|[a-z]{3,30}|(?:rgb|hsl)a?\([-\d.,%\s/deg]{1,60}\)|var\(--[\w-]{1,30}\)|url\(#[\w-]{1,60}\))$/i;
const PATH = /^[-+\d.,\seEMmLlHhVvCcSsQqTtAaZz]{1,50000}$/;
const TRANSFORM = /^(?:(?:translate|rotate|scale|matrix)\([-+\d.,\seE]{1,120}\)\s*){1,4}$/;
const ID = /^[\w-]{1,60}$/;
const REFERENCE = /^url\(#[\w-]{1,60}\)$/;

const ATTRIBUTES = new Map<string, RegExp>([
  ...[
    ...[
      "width",
      "height",
      "x",
      "y",
      "x1",
      "y1",
      "x2",
      "y2",
      "cx",
      "cy",
      "r",
      "rx",
      "ry",
      "dx",
      "dy",
    ],
    ...["stroke-width", "font-size", "font-weight", "opacity", "fill-opacity", "stroke-opacity"],
    ...["markerWidth", "markerHeight", "refX", "refY", "letter-spacing"],
  ].map((name): [string, RegExp] => [name, NUMBER]),
  ...[
    ...["text-anchor", "dominant-baseline", "font-style", "stroke-linejoin", "stroke-linecap"],
    ...["text-decoration", "markerUnits"],
  ].map((name): [string, RegExp] => [name, WORD]),
  ...["viewBox", "points", "stroke-dasharray"].map((name): [string, RegExp] => [name, NUMBERS]),
  ...["fill", "stroke"].map((name): [string, RegExp] => [name, PAINT]),
  ...["marker-start", "marker-mid", "marker-end"].map((
    name,
  ): [string, RegExp] => [name, REFERENCE]),
  ["d", PATH],
  ["transform", TRANSFORM],
  ["id", ID],
  ["orient", /^(?:auto|auto-start-reverse|[-\d.]{1,10})$/],
]);

/** Most elements of one drawing. */
const ELEMENTS_MAX = 20_000;
/** Names of ours: whatever page the drawing may come to stand in has none of them. */
const PREFIX = "gaffer-diagram-";

/**
 * The cleaned SVG, a document of its own. Throws `invalid` for what is no SVG, or has too many parts.
 */
export function cleanSvg(svg: string): string {
  const parser = sax.parser(true);
  const out: string[] = [];
  let depth = 0;
  /** Depth of the element that is left out with all that is in it; 0: none is. */
  let leftOut = 0;
  let elements = 0;
  parser.onopentag = ({ name, attributes }) => {
    depth++;
    if (leftOut > 0) return;
    const isRoot = depth === 1;
    if (!ELEMENTS.has(name) || isRoot !== (name === "svg")) {
      leftOut = depth;
      return;
    }
    if (++elements > ELEMENTS_MAX) throw tooLarge();
    const mono = String(attributes.class ?? "").split(" ").includes("mono");
    out.push(`<${name}${isRoot ? ' xmlns="http://www.w3.org/2000/svg"' : ""}`);
    for (const [key, value] of Object.entries(attributes)) out.push(attribute(key, String(value)));
    out.push(mono ? ` class="${PREFIX}mono">` : ">", isRoot ? `<style>${STYLE}</style>` : "");
  };
  parser.onclosetag = (name) => {
    if (leftOut === 0) out.push(`</${name}>`);
    if (leftOut === depth) leftOut = 0;
    depth--;
  };
  parser.ontext = (text) => {
    if (leftOut === 0 && depth > 0) out.push(escaped(text));
  };
  parser.onerror = (error) => {
    throw new AppError("invalid", "its drawing can't be read", [], { cause: error });
  };
  parser.write(svg).close();
  const cleaned = out.join("");
  if (!cleaned.startsWith("<svg ")) throw new AppError("invalid", "its drawing can't be read");
  return cleaned;
}

function attribute(name: string, value: string): string {
  const allowed = ATTRIBUTES.get(name);
  if (!allowed) return "";
  const trimmed = value.trim();
  if (!allowed.test(trimmed)) return name === "fill" || name === "stroke" ? ` ${name}="none"` : "";
  const own = name === "id" ? PREFIX + trimmed : trimmed.replace(/^url\(#/, `url(#${PREFIX}`);
  return ` ${name}="${escaped(own)}"`;
}

const SIGNS: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
const escaped = (text: string): string => text.replace(/[&<>"]/g, (sign) => SIGNS[sign]!);

const tooLarge = () => new AppError("invalid", `its drawing has more than ${ELEMENTS_MAX} parts`);

/** Names that the library paints with, from two colours. */
const STYLE = `svg{--bg:#fff;--fg:#1f2430;background:var(--bg);` +
  mixes({
    text: 100,
    "text-sec": 70,
    "text-muted": 62,
    "text-faint": 55,
    line: 55,
    arrow: 85,
    "node-fill": 4,
    "node-stroke": 35,
    "group-fill": 0,
    "group-hdr": 6,
    "inner-stroke": 15,
    "key-badge": 12,
  }) +
  `}text{font-family:system-ui,sans-serif}.${PREFIX}mono{font-family:ui-monospace,monospace}` +
  `@media (prefers-color-scheme:dark){svg{--bg:#1c212c;--fg:#e8eaf0}}`;

function mixes(shares: Record<string, number>): string {
  return Object.entries(shares).map(([name, share]) =>
    `--_${name}:color-mix(in srgb,var(--fg) ${share}%,var(--bg));`
  ).join("");
}
